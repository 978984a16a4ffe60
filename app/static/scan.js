// Scans tickets in the page of check-in, where the browser reads QR codes. Elsewhere the camera app opens the same page.

const corner = document.querySelector("[data-scan]");
const button = corner.querySelector("button");
const video = corner.querySelector("video");
const told = corner.querySelector("[role=status]");
const INTERVAL = 250;

/** Return the path of a ticket of this party, or null: what else a camera sees leads nowhere. */
function ticketPath(text) {
  const base = new URL(corner.dataset.scan, location.href).pathname;
  let url;
  try {
    url = new URL(text, location.href);
  } catch {
    return null;
  }
  const code = url.pathname.startsWith(`${base}/`) ? url.pathname.slice(base.length + 1) : "";
  return /^[0-9A-Za-z-]+$/.test(code) ? `${base}/${code}` : null;
}

async function start() {
  button.disabled = true;
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    told.textContent = button.dataset.failed;
    button.disabled = false;
    return;
  }
  const stop = () => stream.getTracks().forEach((track) => track.stop());
  addEventListener("pagehide", stop);
  video.srcObject = stream;
  video.hidden = false;
  button.hidden = true;
  await video.play();
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  const look = async () => {
    const found = await detector.detect(video).catch(() => []);
    const path = found.map(({ rawValue }) => ticketPath(rawValue)).find(Boolean);
    if (!path) return setTimeout(look, INTERVAL);
    stop();
    location.href = path;
  };
  look();
}

const formats = "BarcodeDetector" in window ? await BarcodeDetector.getSupportedFormats().catch(() => []) : [];
if (formats.includes("qr_code") && navigator.mediaDevices) {
  button.hidden = false;
  button.addEventListener("click", start);
}
