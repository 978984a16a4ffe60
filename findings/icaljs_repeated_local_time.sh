#!/usr/bin/env bash
# ical.js 2.2.1 and node-ical 0.26.1: a local time that occurs twice is the second one. RFC 5545 means the first.
#
# When summer time ends in Madrid, 02:30 occurs at 00:30 and at 01:30 UTC. By RFC 5545 (3.3.5) such a time refers to its
# first occurrence. So whoever means one of the two has to write it in UTC.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit ical.js@2.2.1 node-ical@0.26.1 >/dev/null
cat >read.mjs <<'JAVASCRIPT'
import { readFileSync } from "node:fs";
import ICAL from "ical.js";
import nodeIcal from "node-ical";

const text = readFileSync("dinner.ics", "utf8");
const calendar = new ICAL.Component(ICAL.parse(text));
ICAL.TimezoneService.register(calendar.getFirstSubcomponent("vtimezone"));
const event = new ICAL.Event(calendar.getFirstSubcomponent("vevent"));
console.log("ical.js:", event.startDate.toJSDate().toISOString());
const found = Object.values(nodeIcal.sync.parseICS(text)).find((each) => each.type === "VEVENT");
console.log("node-ical:", found.start.toISOString());
JAVASCRIPT
sed 's/$/\r/' >dinner.ics <<'ICS'
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Soup//EN
BEGIN:VTIMEZONE
TZID:Europe/Madrid
BEGIN:DAYLIGHT
DTSTART:19810329T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:soup
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Madrid:20261025T023000
END:VEVENT
END:VCALENDAR
ICS
output=$(node read.mjs)
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
ical.js: 2026-10-25T01:30:00.000Z
node-ical: 2026-10-25T01:30:00.000Z
EXPECTED
echo "as written here"
