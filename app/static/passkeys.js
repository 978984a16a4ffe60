// Passkeys: a form with data-passkey asks the browser for a credential and submits it in the field `credential`.

const toBytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const toText = (buffer) =>
  btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

/** An error message of the server, shown as it is. */
class ServerError extends Error {}

/** Return `options` with bytes in place of their base64url. */
function read(options) {
  const known = (list) => list?.map((passkey) => ({ ...passkey, id: toBytes(passkey.id) }));
  return {
    ...options,
    challenge: toBytes(options.challenge),
    user: options.user && { ...options.user, id: toBytes(options.user.id) },
    excludeCredentials: known(options.excludeCredentials),
    allowCredentials: known(options.allowCredentials),
  };
}

/** Return the browser's answer as JSON, with base64url in place of bytes. */
function write({ id, rawId, type, authenticatorAttachment, response }) {
  const parts = { transports: response.getTransports?.() };
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) parts[name] = toText(response[name]);
  }
  return JSON.stringify({ id, rawId: toText(rawId), type, authenticatorAttachment, response: parts });
}

async function options(form) {
  const body = new FormData();
  body.set("csrf_token", form.elements.csrf_token.value);
  const answer = await fetch(form.dataset.options, { method: "POST", body });
  const said = answer.headers.get("Content-Type")?.startsWith("application/json") ? await answer.json() : {};
  if (!answer.ok || !said.challenge) throw new ServerError(said.message ?? form.dataset.failed);
  return read(said);
}

/** Whether the server would refuse a passkey of this page. The browser may create it all the same, and keep it. */
const isElsewhere = (form) => new URL(form.dataset.site).origin !== location.origin;

async function answer(form) {
  if (isElsewhere(form)) throw new ServerError(form.dataset.elsewhere);
  // The server says what is wrong with the name, before there is a passkey that it refuses.
  if (!form.checkValidity()) return form.submit();
  const publicKey = await options(form);
  const asked = form.dataset.passkey === "add" ? "create" : "get";
  form.elements.credential.value = write(await navigator.credentials[asked]({ publicKey }));
  for (const field of form.querySelectorAll("[data-as]")) {
    field.disabled = !document.getElementById(field.dataset.as)?.checked;
  }
  form.submit();
}

function inWords(error, texts) {
  if (error instanceof ServerError) return error.message;
  const names = { AbortError: "cancelled", InvalidStateError: "known", NotAllowedError: "cancelled", SecurityError: "elsewhere" };
  return texts[names[error.name]] ?? texts.failed;
}

for (const form of window.PublicKeyCredential ? document.querySelectorAll("form[data-passkey]") : []) {
  const told = form.querySelector("[role=alert]");
  const button = form.querySelector("button");
  form.hidden = false;
  if (form.dataset.passkey === "add" && isElsewhere(form)) told.textContent = form.dataset.elsewhere;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.ariaDisabled === "true") return;
    button.ariaDisabled = "true";
    told.textContent = "";
    try {
      await answer(form);
    } catch (error) {
      told.textContent = inWords(error, form.dataset);
      button.ariaDisabled = "false";
    }
  });
  addEventListener("pageshow", () => (button.ariaDisabled = "false"));
}
if (window.PublicKeyCredential) document.querySelectorAll("[data-no-passkeys]").forEach((note) => note.remove());
