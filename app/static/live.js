// A part of a page that renews itself while somebody looks at it. Without JavaScript, the page is as it was opened.

const SHORTEST = 10_000;
const LONGEST = 120_000;
// A page that is left open does not keep its reader logged in for ever.
const FORGOTTEN = 4 * 60 * 60_000;

const part = document.querySelector("[data-live]");
let wait = SHORTEST;
let touched = Date.now();
let timer;

/** What finds the focused element in the new part: its address, or the form it sends. */
function place(element) {
  if (!element || element === document.body || !part.contains(element)) return null;
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.href) return `a[href="${CSS.escape(element.getAttribute("href"))}"]`;
  const action = element.form?.getAttribute("action");
  return action ? `form[action="${CSS.escape(action)}"] button` : null;
}

function replace(html) {
  const focused = place(document.activeElement);
  part.innerHTML = html;
  if (focused) part.querySelector(focused)?.focus({ preventScroll: true });
}

async function renew() {
  // A form that was just sent leads away; what is selected or typed stays.
  if (part.querySelector("form[data-sent]") || part.querySelector("input:focus")) return;
  const address = new URL(part.dataset.live, location.href);
  const response = await fetch(address, {
    cache: "no-store",
    redirect: "error",
    headers: { Accept: "application/json", "If-None-Match": `"${part.dataset.version}"` },
  });
  if (response.status === 304) {
    wait = Math.min(wait * 1.5, LONGEST / 2);
  } else if (response.ok) {
    const { html } = await response.json();
    replace(html);
    part.dataset.version = response.headers.get("ETag").replace(/^W\/|"/g, "");
    wait = SHORTEST;
  } else if (response.status < 500 && response.status !== 429) {
    // Logged out, or no host any more.
    touched = 0;
  } else {
    wait = LONGEST;
  }
}

function next() {
  clearTimeout(timer);
  if (document.hidden || Date.now() - touched > FORGOTTEN) return;
  timer = setTimeout(async () => {
    try {
      await renew();
    } catch {
      // Offline, or sent to the login: try again, but not soon.
      wait = LONGEST;
    }
    next();
  }, wait);
}

if (part) {
  document.addEventListener("visibilitychange", () => {
    wait = 1_000;
    next();
  });
  for (const name of ["pointerdown", "keydown"]) {
    addEventListener(name, () => {
      const slept = Date.now() - touched > FORGOTTEN && touched;
      if (touched) touched = Date.now();
      if (slept) next();
    });
  }
  next();
}
