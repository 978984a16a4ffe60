// Improvements of the pages. All pages work without JavaScript.

const confirmDialog = document.querySelector("#confirm");

/** Ask `message` in the dialog; call `onYes` with its form if the user presses the button, which is called `verb`. */
function ask(message, verb, onYes) {
  const form = confirmDialog.querySelector("form");
  if (verb) confirmDialog.querySelector("[value=ok]").textContent = verb;
  confirmDialog.querySelector("#confirm-message").textContent = message;
  confirmDialog.querySelector("[value=cancel]").onclick = () => confirmDialog.close();
  form.onsubmit = (event) => {
    event.preventDefault();
    confirmDialog.close();
    onYes(form);
  };
  confirmDialog.showModal();
}

// Links to a confirmation page: ask in the dialog instead, and POST to the same URL.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-post]");
  if (!link || !confirmDialog || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  ask(link.dataset.post, link.textContent.trim(), (form) => {
    form.action = link.href;
    form.submit();
  });
});

// Buttons with a confirmation, and forms that must not be submitted twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
  } else if (button?.dataset.confirm && confirmDialog && !form.dataset.confirmed) {
    event.preventDefault();
    ask(button.dataset.confirm, button.textContent.trim(), () => {
      form.dataset.confirmed = "yes";
      form.requestSubmit(button);
    });
  } else {
    form.dataset.sent = "yes";
    button?.setAttribute("aria-disabled", "true");
  }
});
// A form on a page restored from the browser's history may be submitted again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    delete form.dataset.confirmed;
    form.querySelector("[aria-disabled]")?.removeAttribute("aria-disabled");
  }
});

document.querySelector("[data-focus]")?.focus();

// A new language loads the page anew: what was typed into its forms stays in this tab until then, but no password or file.
const TYPED = "typed";
const formsOfPage = () => [...document.querySelectorAll("main form")];
const typedFields = (form) =>
  [...form.elements].filter(({ name, type }) => name && !/^(password|file|hidden|submit|button)$/.test(type));
document.querySelector("form[action$='/lang/']")?.addEventListener("submit", () => {
  const forms = formsOfPage().map((form) => typedFields(form).map(({ name, value, checked }) => [name, value, checked]));
  sessionStorage.setItem(TYPED, JSON.stringify({ path: location.pathname, forms }));
});
const typed = JSON.parse(sessionStorage.getItem(TYPED) ?? "null");
sessionStorage.removeItem(TYPED);
if (typed?.path === location.pathname) {
  for (const [number, form] of formsOfPage().entries()) {
    for (const [index, field] of typedFields(form).entries()) {
      const [name, value, checked] = typed.forms[number]?.[index] ?? [];
      if (name !== field.name) continue;
      const fold = field.value !== value || field.checked !== checked ? field.closest("details") : null;
      if (fold) fold.open = true;
      if (/^(checkbox|radio)$/.test(field.type)) field.checked = checked;
      else field.value = value;
    }
  }
}

for (const button of document.querySelectorAll(".dismiss")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    button.closest(".flash").remove();
    document.querySelector("#main").focus();
  });
}

// Good news goes away by itself, warnings and errors stay. Nothing moves for readers who asked for that.
if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
  for (const flash of document.querySelectorAll(".flash.info")) {
    let timer;
    const stop = () => {
      clearTimeout(timer);
      flash.classList.remove("fading");
    };
    const start = () => {
      stop();
      if (flash.matches(":hover, :focus-within")) return;
      timer = setTimeout(() => flash.classList.add("fading"), 6000 + 60 * flash.textContent.length);
    };
    for (const name of ["pointerenter", "focusin"]) flash.addEventListener(name, stop);
    for (const name of ["pointerleave", "focusout"]) flash.addEventListener(name, () => setTimeout(start));
    flash.addEventListener("transitionend", () => flash.classList.contains("fading") && flash.remove());
    start();
  }
}

for (const all of document.querySelectorAll("[data-check-all]")) {
  const rows = all.closest("table").querySelectorAll("input[name=rowid]");
  all.parentElement.hidden = false;
  all.addEventListener("change", () => rows.forEach((row) => (row.checked = all.checked)));
}

const zone = document.querySelector("input[type=hidden][name=timezone]");
if (zone && !zone.value) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";

// Close menus on a click outside and on Escape.
const openMenus = () => document.querySelectorAll("details.menu[open]");
document.addEventListener("click", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A field with data-options-url loads suggestions for the text typed so far.
for (const input of document.querySelectorAll("input[list]")) {
  let timer;
  let request;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    request?.abort();
    if (!input.dataset.optionsUrl) return;
    timer = setTimeout(async () => {
      request = new AbortController();
      const url = new URL(input.dataset.optionsUrl, location.href);
      url.searchParams.set("q", input.value);
      try {
        const response = await fetch(url, { signal: request.signal, headers: { Accept: "application/json" } });
        if (!response.ok) return;
        const options = await response.json();
        input.list.replaceChildren(...options.map(({ label, value }) => new Option(label, value)));
      } catch {
        // Aborted by the next key, or offline: there are no suggestions.
      }
    }, 200);
  });
}

// A field of Flask-AppBuilder whose choices have a page of their own. {{ID}} in its URL is the value of another field.
for (const input of document.querySelectorAll("input[endpoint]")) {
  const masterId = input.getAttribute("master_id");
  const select = document.createElement("select");
  for (const name of ["id", "name", "required", "aria-describedby", "aria-invalid"]) {
    if (input.hasAttribute(name)) select.setAttribute(name, input.getAttribute(name));
  }
  const show = (options, chosen) => {
    const known = options.some(({ id }) => id === chosen);
    select.replaceChildren(new Option("—", ""), ...options.map(({ id, text }) => new Option(text, id)));
    select.value = known ? chosen : "";
  };
  const load = async () => {
    const chosen = select.value || input.value;
    const master = masterId && document.getElementById(masterId).value;
    if (masterId && !master) return show([], "");
    const url = input.getAttribute("endpoint").replace("{{ID}}", encodeURIComponent(master));
    try {
      const response = await fetch(url, { headers: { Accept: "application/json" } });
      if (response.ok) show(await response.json(), chosen);
    } catch {
      // Offline: what was chosen stays.
    }
    input.value = "";
    select.dispatchEvent(new Event("change", { bubbles: true }));
  };
  show(input.value ? [{ id: input.value, text: input.value }] : [], input.value);
  input.replaceWith(select);
  document.addEventListener("change", ({ target }) => target.id === masterId && target !== select && load());
  load();
}

// The input of a filter value has the type of its column.
for (const select of document.querySelectorAll("select[name=_flt]")) {
  const input = select.form.elements._value;
  const all = [...input.list.options];
  const kinds = ["number", "date", "datetime-local"];
  const adapt = () => {
    const option = select.selectedOptions[0];
    const { column, optionsUrl } = option.parentElement.dataset;
    const kind = option.dataset.kind ?? option.parentElement.dataset.kind;
    input.type = kinds.includes(kind) ? kind : "text";
    input.list.replaceChildren(...all.filter((option) => option.dataset.column === column));
    if (optionsUrl) input.dataset.optionsUrl = optionsUrl;
    else delete input.dataset.optionsUrl;
  };
  select.addEventListener("change", adapt);
  adapt();
}

// Charts tell their values and can be zoomed; pages without one do not load that.
const chart = document.querySelector("[data-charts]");
if (chart) import(chart.dataset.charts);
