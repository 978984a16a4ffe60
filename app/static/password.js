// A strength meter for new passwords, and a button that shows the password. The server checks passwords itself.

const OBVIOUS = /pass?wor[dt]|qwert[yz]|asdf|letmein|welcome|dinner ?party|\d{4,}/giu;

/** Return 0 for too short, 1 for easy to guess, 2 for harder, 3 for hard. */
function strength(text, least) {
  const typed = [...text];
  if (typed.length < least) return 0;
  const kept = [...text.toLowerCase().replace(OBVIOUS, "x")];
  // Repeated characters and sequences such as "abc" do not count.
  const steps = kept.filter((letter, at) => {
    const step = at ? letter.codePointAt(0) - kept[at - 1].codePointAt(0) : 2;
    return Math.abs(step) > 1;
  });
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\p{Lo}/u, /\p{N}/u, /[^\p{L}\p{N}]/u].filter((kind) => kind.test(text)).length;
  const worth = Math.min(steps.length, 2 * new Set(steps).size) + 2 * (kinds - 1);
  if (worth < 10) return 1;
  return worth < 18 ? 2 : 3;
}

for (const input of document.querySelectorAll("input[data-strength]")) {
  const hint = document.getElementById(`${input.id}-strength`);
  if (!hint) continue;
  const [meter, words] = [hint.querySelector("meter"), hint.querySelector("[role=status]")];
  const { short, weak, fair, good } = hint.dataset;
  const tell = () => {
    hint.hidden = !input.value;
    const found = strength(input.value, Number(input.dataset.strength));
    meter.value = found;
    const text = [short, weak, fair, good][found];
    if (words.textContent !== text) words.textContent = text;
  };
  input.addEventListener("input", tell);
  tell();
}

for (const button of document.querySelectorAll("button[data-reveal]")) {
  const input = document.getElementById(button.dataset.reveal);
  if (!input) continue;
  const show = (visible) => {
    if (visible === (input.type === "text")) return;
    input.type = visible ? "text" : "password";
    [button.textContent, button.dataset.other] = [button.dataset.other, button.textContent];
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    show(input.type === "password");
    input.focus();
  });
  // Browsers would remember the value of a text field.
  input.form?.addEventListener("submit", () => show(false));
}
