// A form that is half filled in survives: what was typed is kept in this browser until it is sent, discarded, or its
// writer logs out (app.js). Passwords, files and hidden fields are not kept.

const PREFIX = "draft:";
const SENT = "sent";
const form = document.querySelector("form[data-draft]");

const isKept = (field) => field.name && !["hidden", "password", "file", "submit", "button"].includes(field.type);
const read = (key) => JSON.parse(localStorage.getItem(key) ?? "null");

/** Return the values of the fields, in the order in which they stand. */
function values() {
  const fields = [...form.elements].filter(isKept);
  return fields.map((field) => [field.name, field.type === "checkbox" ? field.checked : field.value]);
}

function fill(saved) {
  const fields = [...form.elements].filter(isKept);
  for (const [index, [name, value]] of saved.entries()) {
    const field = fields[index]?.name === name ? fields[index] : null;
    if (!field) continue;
    if (typeof value === "boolean") field.checked = value;
    else field.value = value;
    if (field.value !== field.defaultValue) field.closest("details")?.setAttribute("open", "");
  }
}

function forget(test) {
  for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX) && test(key)) localStorage.removeItem(key);
}

function keep(form) {
  const key = `${PREFIX}${form.dataset.draft}:${location.pathname}`;
  const notice = document.querySelector("[data-draft-notice]");
  // Somebody else's: they closed the browser without logging out.
  forget((other) => !other.startsWith(`${PREFIX}${form.dataset.draft}:`));
  const pristine = values();
  const saved = read(key);
  // A page with errors shows what was sent, which is newer.
  const isRefused = Boolean(form.querySelector("[aria-invalid]") || document.querySelector(".flash.danger"));
  if (saved && !isRefused && JSON.stringify(saved.values) !== JSON.stringify(pristine)) {
    fill(saved.values);
    form.dispatchEvent(new Event("restored"));
    notice.hidden = false;
  }
  notice.querySelector("button").addEventListener("click", () => {
    forget((each) => each === key);
    fill(pristine);
    notice.hidden = true;
    form.querySelector("input:not([type=hidden])").focus();
  });
  const store = (state) => localStorage.setItem(key, JSON.stringify({ values: values(), state }));
  let timer;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(store, 300);
  });
  form.addEventListener("change", () => store());
  // Another form of the page leads away, too. After a logout (app.js) nothing is kept.
  document.addEventListener("submit", ({ target }) => {
    clearTimeout(timer);
    if (target === form) store(SENT);
    else if (!target.matches("[action$='/logout/']")) store();
  });
  if (isRefused) store();
}

try {
  if (form) {
    keep(form);
  } else if (document.referrer) {
    // This page follows a form that was accepted.
    const left = new URL(document.referrer).pathname;
    forget((key) => key.endsWith(`:${left}`) && read(key).state === SENT);
  }
} catch {
  // No storage in this browser, or what is in it is damaged: the form is as the server sent it.
}
