// Rows of a form are added, removed and moved without leaving the page: the same request that the button would send
// without JavaScript, of whose answer the form is shown.

document.addEventListener("submit", async (event) => {
  const button = event.submitter;
  const form = event.target;
  if (!form.matches("[data-rows]") || button?.name !== "row") return;
  event.preventDefault();
  event.stopPropagation();
  const data = new FormData(form, button);
  let answer;
  try {
    // A button called "action" hides the property of the form.
    const address = form.getAttribute("action") ?? location.href;
    const response = await fetch(address, { method: "POST", body: new URLSearchParams(data), redirect: "error" });
    answer = new DOMParser().parseFromString(await response.text(), "text/html");
  } catch {
    // Offline, or logged out: the browser says so.
  }
  const fresh = answer?.querySelector("form[data-rows]");
  if (!fresh) {
    form.removeAttribute("data-rows");
    form.requestSubmit(button);
    return;
  }
  const before = document.querySelector(".flashes");
  const told = answer.querySelector(".flashes");
  before?.remove();
  if (told) document.querySelector("#main").prepend(told);
  form.replaceWith(fresh);
  focus(fresh, button.value);
}, true);

/** Put the focus where the work goes on: into the new row, onto the moved one, or beside the removed one. */
function focus(form, command) {
  const [verb, number] = command.split("-");
  const rows = [...form.querySelectorAll("fieldset.part")];
  const at = { add: rows.length - 1, up: number - 1, down: Number(number) + 1 }[verb] ?? Math.min(number, rows.length - 1);
  const row = rows[at];
  const wanted = row?.querySelector(`button[value^="${verb}-"]:not([disabled])`);
  const field = verb === "open" ? "[type=checkbox]" : "input:not([type=hidden])";
  (["up", "down"].includes(verb) && wanted ? wanted : (row?.querySelector(field) ?? form.querySelector("[value=add]")))?.focus();
}
