#!/usr/bin/env bash
# icalendar 7.3.2: add_missing_timezones() leaves out Ramadan 2027 in Morocco, and lets summer time begin an hour late.
#
# Morocco has summer time, except in Ramadan. From the definition that is written, a reader takes 19:00 on 20 February
# 2027 for 18:00 UTC, where tzdata has 19:00 UTC. The onset of an observance is the local time before the change (RFC 5545,
# 3.6.5): summer time begins in Madrid at 02:00 on 28 March 2027, and is written as 03:00. A reader that converts from UTC
# shows the hour after that change wrongly.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq icalendar==7.3.2 tzdata==2026.2
cat >"$folder/write.py" <<'PYTHON'
import zoneinfo
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import icalendar
import tzdata

zoneinfo.reset_tzpath([])  # The tzdata that is installed above, not that of the system.
print(f"icalendar {icalendar.__version__}, tzdata {tzdata.__version__}")
for name, local in (
    ("Africa/Casablanca", datetime(2027, 2, 20, 19)),
    ("Europe/Madrid", datetime(2027, 3, 28, 3, 30)),
):
    moment = local.replace(tzinfo=ZoneInfo(name))
    event = icalendar.Event()
    event.add("dtstart", moment)
    calendar = icalendar.Calendar()
    calendar.add_component(event)
    calendar.add_missing_timezones(first_date=date(2026, 1, 1), last_date=date(2029, 1, 1))
    print(f"{name}: {local} is {moment.astimezone(UTC):%H:%M} UTC; observances that begin in 2027:")
    for part in calendar.walk("VTIMEZONE")[0].subcomponents:
        listed = part.get("rdate", [])
        dates = [each.dt for rdate in (listed if isinstance(listed, list) else [listed]) for each in rdate.dts]
        for onset in sorted({part.decoded("dtstart"), *dates}):
            if onset.year == 2027:
                print(f"  from {onset} on: {part.decoded('tzoffsetto')}")
PYTHON
output=$("$folder/venv/bin/python" "$folder/write.py")
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
icalendar 7.3.2, tzdata 2026.2
Africa/Casablanca: 2027-02-20 19:00:00 is 19:00 UTC; observances that begin in 2027:
Europe/Madrid: 2027-03-28 03:30:00 is 01:30 UTC; observances that begin in 2027:
  from 2027-03-28 03:00:00 on: 2:00:00
  from 2027-10-31 03:00:00 on: 1:00:00
EXPECTED
echo "as written here"
