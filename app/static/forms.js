// Improvements of generated forms.

// A related row: the box shows its name, and a hidden field sends its key. Typing searches, as in a combobox of ARIA.
for (const input of document.querySelectorAll("input[data-label]")) {
  const sent = Object.assign(document.createElement("input"), { type: "hidden", name: input.name, value: input.value });
  const list = Object.assign(document.createElement("ul"), { id: `${input.id}-found`, className: "found-list", hidden: true });
  const label = document.querySelector(`label[for="${input.id}"]`);
  let timer;
  let request;
  let active = -1;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", label?.textContent.trim() ?? "");
  input.removeAttribute("name");
  input.removeAttribute("list");
  input.value = input.dataset.label;
  for (const [name, value] of Object.entries({
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": list.id,
  })) {
    input.setAttribute(name, value);
  }
  input.after(sent, list);
  const close = () => {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const point = (number) => {
    if (!list.children.length) return;
    active = (number + list.children.length) % list.children.length;
    [...list.children].forEach((each, index) => each.setAttribute("aria-selected", String(index === active)));
    input.setAttribute("aria-activedescendant", list.children[active].id);
    list.children[active].scrollIntoView({ block: "nearest" });
  };
  const choose = (option) => {
    sent.value = option.dataset.value;
    input.value = option.dataset.name;
    close();
    input.focus();
  };
  const search = async () => {
    request?.abort();
    request = new AbortController();
    const url = new URL(input.dataset.optionsUrl, location.href);
    url.searchParams.set("q", input.value);
    try {
      const response = await fetch(url, { signal: request.signal, headers: { Accept: "application/json" } });
      if (!response.ok) return;
      const found = await response.json();
      list.replaceChildren(
        ...found.map(({ label: name, value }, index) => {
          const option = Object.assign(document.createElement("li"), { id: `${list.id}-${index}` });
          option.setAttribute("role", "option");
          option.setAttribute("aria-selected", "false");
          Object.assign(option.dataset, { value, name });
          option.append(Object.assign(document.createElement("bdi"), { textContent: name }));
          if (value !== name) {
            option.append(Object.assign(document.createElement("bdi"), { textContent: value, className: "hint" }));
          }
          return option;
        }),
      );
      active = -1;
      list.hidden = !found.length || document.activeElement !== input;
      input.setAttribute("aria-expanded", String(!list.hidden));
    } catch {
      // Aborted by the next key, or offline: what is typed is sent.
    }
  };
  input.addEventListener("input", () => {
    sent.value = input.value;
    clearTimeout(timer);
    timer = setTimeout(search, 200);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && list.hidden) search();
    else if (event.key === "ArrowDown") point(active + 1);
    else if (event.key === "ArrowUp" && !list.hidden) point(active < 0 ? -1 : active - 1);
    else if (event.key === "Enter" && active >= 0) choose(list.children[active]);
    else if (event.key === "Escape" && !list.hidden) close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  // Not on click: the box must not lose the focus before.
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    const option = event.target.closest("[role=option]");
    if (option) choose(option);
  });
  input.addEventListener("blur", close);
}

// A box that hides the rows of a table, or the choices of a list, that do not have its words.
for (const input of document.querySelectorAll("[data-sifts]")) {
  const items = document.getElementById(input.dataset.sifts).querySelectorAll("[data-sifted]");
  input.closest("[hidden]").hidden = false;
  input.addEventListener("input", () => {
    const words = input.value.toLocaleLowerCase().split(/\s+/);
    for (const item of items) {
      const text = item.dataset.sifted.toLocaleLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
    }
  });
  // Enter would send the form.
  input.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
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
