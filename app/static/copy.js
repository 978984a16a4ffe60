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

// The personal link of a guest is on a page of its own, which is asked for when the button is pressed: the site records
// who looked at it. Without a clipboard, or when that fails, the page is shown.
for (const form of document.querySelectorAll("form[data-personal-link]")) {
  const [copyButton, shareButton] = form.querySelectorAll("button");
  const fetchLink = async () => {
    const response = await fetch(form.action, { method: "POST", body: new FormData(form) });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return page.querySelector("#personal-link").value;
  };
  const orShowPage = async (action) => {
    try {
      await action();
    } catch {
      form.submit();
    }
  };
  if (navigator.clipboard && window.ClipboardItem) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      orShowPage(async () => {
        const text = fetchLink().then((link) => new Blob([link], { type: "text/plain" }));
        await navigator.clipboard.write([new ClipboardItem({ "text/plain": text })]);
        confirmed(copyButton);
      });
    });
  }
  if (navigator.share) {
    shareButton.hidden = false;
    shareButton.addEventListener("click", () => orShowPage(async () => share(form.dataset.title, await fetchLink())));
  }
}
