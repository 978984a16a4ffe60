// The end of a party follows its start. A time zone that nobody has chosen is that of the town in the address, or of the
// browser where the site does not know it.

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
zone.addEventListener("input", () => {
  delete zone.dataset.proposed;
  show();
});

// Only names of towns: US/Central would be in too many addresses.
const TOWNS = /^(Africa|America|Asia|Atlantic|Australia|Europe|Indian|Pacific)\/(.*\/)?/;
const letters = (text) => text.normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase();
const plain = (text) => letters(text).replace(/[\p{N}_-]+/gu, " ").trim();
const towns = new Map();
for (const { value } of zone.list.options) if (TOWNS.test(value)) towns.set(plain(value.replace(TOWNS, "")), value);
for (const place of document.querySelectorAll("[name=area], [name=address]")) {
  place.addEventListener("change", () => {
    // The town stands behind the street: in "Paris Street, 28012 Madrid" it is Madrid.
    const found = place.value.split(/[,;،]/).map((part) => towns.get(plain(part))).filter(Boolean).at(-1);
    if (!found || !("proposed" in zone.dataset)) return;
    zone.value = found;
    show();
  });
}
zone.form.addEventListener("restored", () => {
  before = read(start);
  show();
});
show();
