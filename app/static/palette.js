// The command palette: where to go, by name. Without this file its button leads to a page with the same search.

const dialog = document.querySelector("#palette");
const input = dialog.querySelector("input");
const list = dialog.querySelector("[role=listbox]");
const status = dialog.querySelector("[role=status]");
const { action } = dialog.querySelector("form");
let request;
let timer;
let active = -1;

function point(number) {
  const options = list.children;
  active = options.length ? (number + options.length) % options.length : -1;
  [...options].forEach((option, index) => option.setAttribute("aria-selected", String(index === active)));
  if (active < 0) return input.removeAttribute("aria-activedescendant");
  input.setAttribute("aria-activedescendant", options[active].id);
  options[active].scrollIntoView({ block: "nearest" });
}

function option({ label, kind, url }, index) {
  const made = document.createElement("li");
  const name = document.createElement("bdi");
  const what = document.createElement("span");
  name.textContent = label;
  what.textContent = kind;
  what.className = "hint";
  made.id = `palette-${index}`;
  made.dataset.url = url;
  made.setAttribute("role", "option");
  made.append(name, " ", what);
  return made;
}

async function search() {
  request?.abort();
  request = new AbortController();
  const url = new URL(action);
  url.searchParams.set("q", input.value);
  try {
    const response = await fetch(url, { signal: request.signal, headers: { Accept: "application/json" } });
    if (!response.ok || response.redirected) return location.assign(url);
    const found = await response.json();
    list.replaceChildren(...found.map(option));
    input.setAttribute("aria-expanded", String(found.length > 0));
    status.textContent = found.length ? "" : status.dataset.nothing;
    point(0);
  } catch (error) {
    // Aborted by the next key. Offline, what was found stays.
    if (error.name !== "AbortError") status.textContent = status.dataset.nothing;
  }
}

export function open() {
  if (dialog.open) return dialog.close();
  dialog.showModal();
  input.select();
  search();
}

input.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, 150);
});
input.addEventListener("keydown", (event) => {
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in steps) {
    event.preventDefault();
    point(active + steps[event.key]);
  } else if (event.key === "Enter" && active >= 0) {
    event.preventDefault();
    location.assign(list.children[active].dataset.url);
  }
});
list.addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-url]");
  if (chosen) location.assign(chosen.dataset.url);
});
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
