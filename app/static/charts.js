// Charts that tell the value under the pointer or the keyboard, zoom, and sort tables. Without JavaScript, browsers show each
// mark's title.

const tip = document.createElement("p");
tip.className = "tip";
tip.hidden = true;
tip.setAttribute("role", "status");
document.body.append(tip);

/** The words of a mark. Its title goes, or browsers would show both. */
function words(mark) {
  const title = mark.querySelector(":scope > title");
  if (title) {
    mark.dataset.words = title.textContent;
    title.remove();
  }
  return mark.dataset.words;
}

let current;

function show(mark, x, y) {
  if (current !== mark) {
    current?.classList.remove("on");
    current = mark;
    mark.classList.add("on");
    tip.textContent = words(mark);
    tip.hidden = false;
  }
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.min(Math.max(4, x - width / 2), innerWidth - width - 4);
  tip.style.setProperty("left", `${left}px`);
  tip.style.setProperty("top", `${y - height - 12 < 4 ? y + 18 : y - height - 12}px`);
}

function hide() {
  current?.classList.remove("on");
  current = undefined;
  tip.hidden = true;
}

/** The mark at a place: the one under the pointer, else the nearest one of a plot. */
function markAt(svg, event) {
  const mark = event.target.closest("rect, circle, path, svg.cell");
  if (mark && (mark.dataset.words || mark.querySelector(":scope > title"))) return mark;
  if (!svg.classList.contains("plot")) return undefined;
  let nearest;
  let least = 40;
  for (const each of svg.querySelectorAll("circle")) {
    const box = each.getBoundingClientRect();
    const distance = Math.hypot(event.clientX - box.x - box.width / 2, (event.clientY - box.y - box.height / 2) / 3);
    if (distance < least) [nearest, least] = [each, distance];
  }
  return nearest;
}

const marksOf = (svg) => [...svg.querySelectorAll("*")].filter((each) => each.dataset.words || each.querySelector(":scope > title"));

/** Show the part of a plot from `start` to `end` of what it shows now. Places within it are percentages, so all follows. */
function zoom(svg, start, end) {
  const pane = svg.querySelector(".pane");
  const [from, to] = (pane.dataset.part ?? "0 1").split(" ").map(Number);
  const span = to - from;
  let [low, high] = [from + start * span, from + end * span];
  if (high - low >= 1 || high <= low) [low, high] = [0, 1];
  if (low < 0) [low, high] = [0, high - low];
  if (high > 1) [low, high] = [low - high + 1, 1];
  if (high - low < 0.005) return;
  pane.dataset.part = `${low} ${high}`;
  pane.setAttribute("x", `${(-100 * low) / (high - low)}%`);
  pane.setAttribute("width", `${100 / (high - low)}%`);
  svg.classList.toggle("zoomed", high - low < 1);
}

for (const svg of document.querySelectorAll(".chart svg.drawn")) {
  const isPlot = Boolean(svg.querySelector(".pane"));
  const inner = () => {
    const box = svg.getBoundingClientRect();
    const { paddingLeft, paddingRight } = getComputedStyle(svg);
    return { left: box.left + parseFloat(paddingLeft), width: box.width - parseFloat(paddingLeft) - parseFloat(paddingRight) };
  };
  const place = (event) => {
    const { left, width } = inner();
    return Math.min(Math.max((event.clientX - left) / width, 0), 1);
  };
  let pressed;

  svg.addEventListener("pointermove", (event) => {
    const mark = pressed === undefined && markAt(svg, event);
    if (mark) {
      const box = mark.getBoundingClientRect();
      const isDot = mark.localName === "circle";
      show(mark, isDot ? box.x + box.width / 2 : event.clientX, isDot ? box.y : event.clientY);
    } else hide();
  });
  svg.addEventListener("pointerleave", hide);

  if (isPlot) {
    svg.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse" && !event.target.closest("a")) pressed = place(event);
    });
    addEventListener("pointerup", (event) => {
      if (pressed === undefined) return;
      const range = [pressed, place(event)].sort((a, b) => a - b);
      pressed = undefined;
      if (range[1] - range[0] > 0.03) zoom(svg, ...range);
    });
    svg.addEventListener("dblclick", () => zoom(svg, 0, 2));
  }

  // The marks of a chart are one stop of the tab key; arrows go from one to the next.
  if (!marksOf(svg).length) continue;
  svg.setAttribute("tabindex", "0");
  let index = -1;
  svg.addEventListener("keydown", (event) => {
    const marks = marksOf(svg);
    const isMirrored = svg.classList.contains("rtl");
    const steps = { ArrowRight: isMirrored ? -1 : 1, ArrowLeft: isMirrored ? 1 : -1, ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) {
      index = (index + steps[event.key] + marks.length) % marks.length;
      const box = marks[index].getBoundingClientRect();
      show(marks[index], box.x + box.width / 2, box.y);
    } else if (event.key === "Enter" && index >= 0) {
      const link = marks[index].closest("a");
      if (!link) return;
      location.assign(link.href.baseVal);
    } else if (isPlot && "+-".includes(event.key)) {
      zoom(svg, ...(event.key === "+" ? [0.15, 0.85] : [-0.25, 1.25]));
    } else if (event.key === "Escape") {
      hide();
      if (isPlot) zoom(svg, 0, 2);
    } else return;
    event.preventDefault();
  });
  svg.addEventListener("blur", () => {
    hide();
    index = -1;
  });
}

// Headers of a table sort it: numbers and moments by their value, texts in the language of the page.
const compare = new Intl.Collator(document.documentElement.lang, { numeric: true }).compare;
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const isDown = header.getAttribute("aria-sort") === "ascending";
      for (const each of headers) each.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", isDown ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.key;
      const order = (a, b) => {
        if (key(a) === undefined && key(b) === undefined) return compare(a.cells[column].textContent, b.cells[column].textContent);
        if (key(a) === undefined || key(b) === undefined) return key(a) === undefined ? 1 : -1;
        return key(a) - key(b) || (key(a) > key(b)) - (key(a) < key(b));
      };
      const rows = [...table.tBodies[0].rows].sort(order);
      table.tBodies[0].append(...(isDown ? rows.reverse() : rows));
    });
  });
}
