// Improvements of the pages of dashboards: charts that refresh, modules that are dragged, and lines with numbers.
// All pages work without JavaScript.

const LONGEST = 3600;
// As app/dashboards/pages/views.py has it. Whoever has been logged out is not sent to the login.
const FRAGMENT = { headers: { "X-Fragment": "yes" }, redirect: "error" };

// -- charts that refresh: never while nobody looks, later and later while it fails

class Refresher {
  constructor(module) {
    this.module = module;
    this.seconds = Math.max(Number(module.dataset.refresh), 1);
    this.failures = 0;
    this.due = Date.now() + this.seconds * 1000;
  }

  start() {
    clearTimeout(this.timer);
    if (document.hidden) return;
    this.timer = setTimeout(() => this.refresh(), Math.max(this.due - Date.now(), 0));
  }

  stop() {
    clearTimeout(this.timer);
  }

  async refresh() {
    try {
      const response = await fetch(this.module.dataset.url + location.search, FRAGMENT);
      if (!response.ok) throw new Error(response.status);
      this.show(await response.text());
      this.failures = 0;
    } catch {
      this.failures += 1;
    }
    const note = this.module.querySelector("[data-stale]");
    note.textContent = this.failures ? note.dataset.stale : "";
    note.hidden = !this.failures;
    const pause = Math.min(this.seconds * 2 ** this.failures, Math.max(LONGEST, this.seconds));
    this.due = Date.now() + pause * 1000;
    this.start();
  }

  show(text) {
    const old = this.module.querySelector(".module-body");
    const fresh = new DOMParser().parseFromString(text, "text/html").querySelector(".module-body");
    // Nobody loses the place at which they read.
    if (!fresh || old.contains(document.activeElement)) return;
    const open = [...old.querySelectorAll("details")].map(({ open }) => open);
    [...fresh.querySelectorAll("details")].forEach((details, number) => (details.open = open[number] ?? details.open));
    old.replaceWith(fresh);
    fresh.dispatchEvent(new CustomEvent("charts:replaced", { bubbles: true }));
  }
}

const refreshers = [...document.querySelectorAll("[data-refresh]")].map((module) => new Refresher(module));
for (const refresher of refreshers) refresher.start();
document.addEventListener("visibilitychange", () => {
  for (const refresher of refreshers) document.hidden ? refresher.stop() : refresher.start();
});

// -- modules are moved and resized: the buttons of the page, without loading it again, and the mouse

const STEP = 10;
const EDGE = 16;
const isRightToLeft = document.documentElement.dir === "rtl";

/** Send what is to be done, and show the page that comes back. */
async function arrange(fields, submitter) {
  const form = document.querySelector("#arrange");
  const status = document.querySelector("#arranged");
  const body = new FormData(form, submitter);
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  try {
    // Its buttons are called action: that is what `form.action` would be.
    const response = await fetch(form.getAttribute("action"), { method: "POST", body });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector("#modules");
    if (!fresh) throw new Error(response.status);
    const focused = document.activeElement?.id;
    const stylesheet = page.querySelector("link[href*='/layout.css']");
    await applied(stylesheet);
    document.querySelector("#modules").replaceWith(fresh);
    status.textContent = [...page.querySelectorAll(".flash p")].map(({ textContent }) => textContent.trim()).join(" ");
    status.classList.remove("hidden");
    if (focused) document.getElementById(focused)?.focus();
    watch();
  } catch {
    // Offline, logged out, or an error: the browser shows what it is.
    form.append(...[...body].filter(([name]) => name !== "csrf_token" && name !== "version").map(hidden));
    form.submit();
  }
}

function hidden([name, value]) {
  const input = document.createElement("input");
  Object.assign(input, { type: "hidden", name, value });
  return input;
}

/** Use the stylesheet of the new places, and drop the old one once it is there. */
function applied(fresh) {
  const old = document.querySelector("link[href*='/layout.css']");
  if (!fresh || fresh.href === old.href) return Promise.resolve();
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = fresh.getAttribute("href");
  return new Promise((resolve) => {
    link.onload = link.onerror = () => {
      old.remove();
      resolve();
    };
    old.after(link);
  });
}

function watch() {
  const form = document.querySelector("#arrange");
  if (!form) return;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!form.dataset.busy) {
      form.dataset.busy = "yes";
      arrange({}, event.submitter);
    }
  });
  for (const grip of document.querySelectorAll("[data-grip]")) grip.addEventListener("pointerdown", drag);
  for (const corner of document.querySelectorAll("[data-corner]")) corner.addEventListener("pointerdown", resize);
}

/** Follow the pointer from `event` on: `move` with the way so far, then `end`, unless it was given up with Escape. */
function follow(event, move, end, giveUp) {
  if (event.button !== 0) return;
  event.preventDefault();
  const handle = event.currentTarget;
  handle.setPointerCapture(event.pointerId);
  const [x, y] = [event.clientX, event.clientY];
  const moved = (now) => move(now.clientX - x, now.clientY - y, now);
  const stop = () => {
    handle.removeEventListener("pointermove", moved);
    handle.removeEventListener("pointerup", done);
    handle.removeEventListener("pointercancel", left);
    document.removeEventListener("keydown", escaped);
  };
  const done = (now) => {
    stop();
    end(now.clientX - x, now.clientY - y, now);
  };
  const left = () => {
    stop();
    giveUp();
  };
  const escaped = ({ key }) => key === "Escape" && left();
  handle.addEventListener("pointermove", moved);
  handle.addEventListener("pointerup", done);
  handle.addEventListener("pointercancel", left);
  document.addEventListener("keydown", escaped);
}

function drag(event) {
  const module = event.currentTarget.closest(".module");
  const key = module.dataset.module;
  const lies = module.closest(".freeform");
  let drop = null;
  const mark = (found) => {
    if (drop) delete drop.target.dataset.drop;
    drop = found;
    if (drop) drop.target.dataset.drop = drop.where;
  };
  const leave = () => {
    module.classList.remove("dragged");
    module.style.translate = "";
    mark(null);
  };
  follow(
    event,
    (dx, dy, now) => {
      module.classList.add("dragged");
      module.style.translate = `${dx}px ${dy}px`;
      if (!lies) mark(dropAt(now.clientX, now.clientY, module));
    },
    (dx, dy) => {
      const chosen = drop;
      const { offsetTop, offsetLeft, offsetWidth } = module;
      leave();
      if (lies && Math.hypot(dx, dy) > 4) {
        const start = isRightToLeft ? lies.clientWidth - offsetLeft - offsetWidth - dx : offsetLeft + dx;
        arrange({ action: `place:${key}`, x: Math.max(Math.round(start), 0), y: Math.max(Math.round(offsetTop + dy), 0) });
      } else if (chosen) {
        arrange({ action: `${chosen.where}:${key}`, target: chosen.target.dataset.module });
      }
    },
    leave,
  );
}

/** Return the module next to the point and on which side of it, or null. */
function dropAt(x, y, dragged) {
  const target = document
    .elementsFromPoint(x, y)
    .map((element) => element.closest(".module"))
    .find((module) => module && module !== dragged);
  if (!target) return null;
  const box = target.getBoundingClientRect();
  if (y < box.top + EDGE) return { target, where: "above" };
  if (y > box.bottom - EDGE) return { target, where: "below" };
  const isFirstHalf = x < box.left + box.width / 2;
  return { target, where: isFirstHalf !== isRightToLeft ? "before" : "after" };
}

function resize(event) {
  const module = event.currentTarget.closest(".module");
  const { width, height } = module.dataset;
  const column = module.offsetWidth / Number(width);
  const measure = (dx, dy) => ({
    width: Math.min(Math.max(Math.round(Number(width) + (isRightToLeft ? -dx : dx) / column), 1), 12),
    height: Math.min(Math.max(Math.round((Number(height) + dy) / STEP) * STEP, 50), 2000),
  });
  const leave = () => {
    for (const name of ["grid-column", "inline-size", "--height"]) module.style.removeProperty(name);
  };
  follow(
    event,
    (dx, dy) => {
      const size = measure(dx, dy);
      module.style.setProperty("--height", `${size.height}px`);
      if (module.closest(".freeform")) module.style.inlineSize = `${(size.width / 12) * 100}%`;
      else module.style.gridColumn = `span ${size.width}`;
    },
    (dx, dy) => {
      const size = measure(dx, dy);
      leave();
      if (size.width !== Number(width) || size.height !== Number(height)) {
        arrange({ action: `resize:${module.dataset.module}`, ...size });
      }
    },
    leave,
  );
}

watch();

// -- the editor: numbers beside the lines, and links to the lines with mistakes

for (const area of document.querySelectorAll("textarea[data-lines]")) {
  const frame = document.createElement("div");
  const numbers = document.createElement("pre");
  frame.className = "lined";
  frame.dir = "ltr";
  numbers.className = "line-numbers";
  numbers.setAttribute("aria-hidden", "true");
  area.replaceWith(frame);
  frame.append(numbers, area);
  let shown = 0;
  const count = () => {
    const lines = area.value.split("\n").length;
    if (lines !== shown) numbers.textContent = Array.from({ length: lines }, (_, number) => number + 1).join("\n");
    shown = lines;
    numbers.scrollTop = area.scrollTop;
  };
  area.addEventListener("input", count);
  area.addEventListener("scroll", () => (numbers.scrollTop = area.scrollTop));
  count();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-line]");
  const area = link && document.querySelector(link.hash);
  if (area?.localName !== "textarea") return;
  event.preventDefault();
  const lines = area.value.split("\n");
  const line = Math.min(Number(link.dataset.line), lines.length) - 1;
  const start = lines.slice(0, line).reduce((sum, text) => sum + text.length + 1, 0);
  area.focus();
  area.setSelectionRange(start, start + lines[line].length);
  area.scrollTop = (area.scrollHeight / lines.length) * Math.max(line - 3, 0);
});
