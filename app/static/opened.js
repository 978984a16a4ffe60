// Reports that an invitation was opened in a browser. Mail scanners open links, but run no scripts.

for (const mark of document.querySelectorAll("[data-opened]")) {
  const body = new URLSearchParams({ csrf_token: mark.dataset.token });
  fetch(mark.dataset.opened, { method: "POST", body, keepalive: true }).catch(() => {});
}
