#!/usr/bin/env bash
# icalendar 7.3.2 writes how often a feed is to be read so that calendars do not understand it.
#
# REFRESH-INTERVAL has no default type: RFC 7986 (5.7) requires VALUE=DURATION, which add() leaves out. X-PUBLISHED-TTL,
# which Outlook and others read instead, is written as Python shows a timedelta, not as a duration of RFC 5545 (3.3.6).
# No error is raised. What works: add() with parameters={"VALUE": "DURATION"}, and a vDuration with encode=False.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq icalendar==7.3.2
cat >"$folder/write.py" <<'PYTHON'
from datetime import timedelta

import icalendar

HOUR = timedelta(hours=1)
print("icalendar", icalendar.__version__)
feed = icalendar.Calendar()
feed.add("refresh-interval", HOUR)
feed.add("x-published-ttl", HOUR)
print(feed.to_ical().decode().replace("\r", ""), end="")
feed = icalendar.Calendar()
feed.add("refresh-interval", HOUR, parameters={"VALUE": "DURATION"})
feed.add("x-published-ttl", icalendar.vDuration(HOUR), encode=False)
print(feed.to_ical().decode().replace("\r", ""), end="")
PYTHON
output=$("$folder/venv/bin/python" "$folder/write.py")
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
icalendar 7.3.2
BEGIN:VCALENDAR
REFRESH-INTERVAL:PT1H
X-PUBLISHED-TTL:1:00:00
END:VCALENDAR
BEGIN:VCALENDAR
REFRESH-INTERVAL;VALUE=DURATION:PT1H
X-PUBLISHED-TTL:PT1H
END:VCALENDAR
EXPECTED
echo "as written here"
