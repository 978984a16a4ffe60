// Tells that an invitation was seen: by a reader's browser, not by a mail server that opens every link.

for (const mark of document.querySelectorAll("[data-opened]")) {
  const body = new URLSearchParams({ csrf_token: mark.dataset.token });
  fetch(mark.dataset.opened, { method: "POST", body, keepalive: true }).catch(() => {});
}
