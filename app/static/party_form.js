// The end of a party follows its start, and a time zone that nobody has chosen is that of the browser.

const start = document.querySelector("[name=starts_at]");
const end = document.querySelector("[name=ends_at]");
const THREE_HOURS = 3 * 60 * 60_000;

// Times on a clock, without a zone: both are in the one of the party.
const read = (input) => Date.parse(`${input.value}:00Z`);
const write = (moment) => new Date(moment).toISOString().slice(0, 16);

let before = read(start);
if (!end.value && before) end.value = write(before + THREE_HOURS);
start.addEventListener("change", () => {
  const now = read(start);
  if (Number.isNaN(now)) return;
  const length = read(end) - before;
  end.value = write(now + (length > 0 ? length : THREE_HOURS));
  before = now;
});

const zone = document.querySelector("[name=timezone]");
const name = document.querySelector("[data-zone-name]");
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone.matches("[data-browser-zone]") && here) zone.value = here;
const show = () => (name.textContent = zone.value);
zone.addEventListener("input", show);
zone.form.addEventListener("restored", () => {
  before = read(start);
  show();
});
show();
