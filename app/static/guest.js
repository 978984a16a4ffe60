// The page of a party: share it, by what the browser offers or as a copied link. Print a page.

for (const button of document.querySelectorAll("[data-share]")) {
  if (!navigator.share && !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const { share: url, title, copied } = button.dataset;
    if (navigator.share) {
      // Refused if the reader closes the dialog.
      await navigator.share({ title, url }).catch(() => {});
    } else {
      await navigator.clipboard.writeText(url);
      button.textContent = copied;
    }
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
