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
        copyButton.textContent = copyButton.dataset.copied;
      });
    });
  }
  if (navigator.share) {
    shareButton.hidden = false;
    const share = async () => {
      const shared = navigator.share({ title: form.dataset.title, url: await fetchLink() });
      // The reader may close the dialog.
      await shared.catch((error) => {
        if (error.name !== "AbortError") throw error;
      });
    };
    shareButton.addEventListener("click", () => orShowPage(share));
  }
}
