// Improvements of the pages. All pages work without JavaScript.

const confirmDialog = document.querySelector("#confirm");

/** Ask `message` in the dialog; call `onYes` with its form if the user presses the button, which is called `verb`. */
function ask(message, verb, onYes, page = "") {
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
  if (page) tell(page);
}

/** Show what the page of a question says about what follows; until then nobody can confirm it. */
async function tell(page) {
  const button = confirmDialog.querySelector("[value=ok]");
  button.disabled = true;
  try {
    const response = await fetch(page, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(5000) });
    const read = new DOMParser().parseFromString(await response.text(), "text/html");
    const told = [...read.querySelectorAll("[data-consequences] p")].map((each) => each.textContent.trim());
    if (response.ok && told.length) confirmDialog.querySelector("#confirm-message").textContent = told.join(" ");
  } catch {
    // Offline, or too slow: the question stays as it is.
  } finally {
    button.disabled = false;
  }
}
// The form may send something else afterwards: it must not do what was asked about.
confirmDialog?.addEventListener("close", () => (confirmDialog.querySelector("form").onsubmit = null));

// Links to a confirmation page: ask in the dialog instead, and POST to the same URL.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-post]");
  if (!link || !confirmDialog || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const onYes = (form) => {
    form.action = link.href;
    form.submit();
  };
  ask(link.dataset.post, link.textContent.trim(), onYes, "tells" in link.dataset ? link.href : "");
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
      const shown = flash.querySelector("[data-undo]") ? 10000 : 6000 + 60 * flash.textContent.length;
      timer = setTimeout(() => flash.classList.add("fading"), shown);
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

// A reader whose time zone the site does not know reads a time on their own clock, too, if that shows another one.
for (const time of document.querySelectorAll("time[data-zone]")) {
  const moment = new Date(time.dateTime);
  const format = (timeZone) =>
    new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short", timeZone });
  try {
    const here = format().format(moment);
    if (here === format(time.dataset.zone).format(moment)) continue;
    const yours = document.createElement("span");
    yours.className = "elsewhere";
    yours.textContent = time.dataset.yours.replace("{time}", () => here);
    time.after(" ", yours);
  } catch {
    // A time zone that this browser does not know.
  }
}

// On a narrow screen the tabs scroll: show the open one.
document.querySelector(".party-tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// Drafts of forms are for whoever is logged in: drafts.js keeps them.
document.querySelector("form[action$='/logout/']")?.addEventListener("submit", () => {
  for (const key of Object.keys(localStorage)) if (key.startsWith("draft:")) localStorage.removeItem(key);
});

// The time zone of a new member is the browser's.
const zone = document.querySelector("input[type=hidden][name=timezone]");
if (zone && !zone.value) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";

// A cell that can be changed: the field of its page takes the place of the value.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a.in-place");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  let form;
  try {
    const response = await fetch(link.href);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    form = document.adoptNode(page.querySelector("#field-form"));
  } catch {
    // Offline, or logged out: the page says so.
  }
  if (!form) return location.assign(link.href);
  // The list is within a form: this one stands behind it, and its field refers to it.
  const cell = link.closest("td");
  const before = [...cell.childNodes];
  const field = form.querySelector(".field");
  const actions = form.querySelector(".actions");
  form.id = `field-${Date.now()}`;
  form.elements.next.value = location.pathname + location.search;
  for (const control of [...field.querySelectorAll("input, select, textarea"), ...actions.querySelectorAll("button")]) {
    control.setAttribute("form", form.id);
  }
  document.querySelector("main").append(form);
  cell.replaceChildren(field, actions);
  cell.classList.add("changing");
  const restore = () => {
    cell.replaceChildren(...before);
    cell.classList.remove("changing");
    form.remove();
    link.focus();
  };
  actions.querySelector("a").addEventListener("click", (click) => {
    click.preventDefault();
    restore();
  });
  cell.addEventListener("keydown", (key) => key.key === "Escape" && form.isConnected && restore());
  field.querySelector("input, select, textarea").focus();
});

// The command palette, by its button and by Ctrl-K or Cmd-K.
const goTo = document.querySelector("a[data-palette]");
async function openPalette(event) {
  event.preventDefault();
  (await import(goTo.dataset.palette)).open();
}
goTo?.addEventListener("click", (event) => !(event.ctrlKey || event.metaKey || event.shiftKey) && openPalette(event));
document.addEventListener("keydown", (event) => {
  if (goTo && event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) openPalette(event);
});

// How many rows are chosen for a bulk action.
for (const told of document.querySelectorAll("[data-chosen]")) {
  const form = told.closest("form");
  const count = () => {
    const number = form.querySelectorAll("input[name=rowid]:checked").length;
    told.hidden = !number;
    told.textContent = told.dataset.chosen.replace("{number}", number.toLocaleString(document.documentElement.lang));
  };
  form.addEventListener("change", count);
  addEventListener("pageshow", count);
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

// Buttons that copy or share a link. Without JavaScript the text of its field can be selected.
async function copy(field) {
  field.select();
  // Pages without TLS, as in a network at home, have no clipboard.
  if (navigator.clipboard) await navigator.clipboard.writeText(field.value);
  else document.execCommand("copy");
}

function confirmed(button) {
  const label = button.textContent;
  button.textContent = button.dataset.copied;
  setTimeout(() => (button.textContent = label), 2000);
}

async function share(title, url) {
  try {
    await navigator.share({ title, url });
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  if (!field) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await copy(field);
    confirmed(button);
  });
}

for (const button of document.querySelectorAll("[data-share]")) {
  if (!navigator.share) continue;
  button.hidden = false;
  const { share: id, title } = button.dataset;
  button.addEventListener("click", () => share(title, document.getElementById(id).value));
}

// Share a page, by what the browser offers or as a copied link.
for (const button of document.querySelectorAll("[data-share-page]")) {
  if (!navigator.share && !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const { sharePage: url, title, copied } = button.dataset;
    if (navigator.share) {
      // Refused if the reader closes the dialog.
      await navigator.share({ title, url }).catch(() => {});
    } else {
      await navigator.clipboard.writeText(url);
      button.textContent = copied;
    }
  });
}

// Print a page.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

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
for (const input of document.querySelectorAll("input[list]:not([data-label])")) {
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

// Charts tell their values and can be zoomed; pages without one do not load that.
const chart = document.querySelector("[data-charts]");
if (chart) import(chart.dataset.charts);
