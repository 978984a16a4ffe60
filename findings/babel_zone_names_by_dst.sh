#!/usr/bin/env bash
# Babel 2.19.0 calls Dublin's summer Greenwich Mean Time, and its winter Irish Standard Time.
#
# Ireland's standard time is that of the summer; since tzdata 2018 its winter is daylight saving time of -1 hour. Babel takes
# the "daylight" name when dst() is not zero, so both names are swapped. Vancouver, which stays at UTC-7 since tzdata 2026b,
# has no daylight saving time any more, and is called Pacific Standard Time, which is UTC-8. There is no error, and offsets
# are right: only the names of zones are wrong, in every language.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq babel==2.19.0 tzdata==2026.6

output=$(PYTHONTZPATH='' "$folder/venv/bin/python" - <<'PYTHON'
from datetime import datetime
from zoneinfo import ZoneInfo

import babel
from babel import dates

print("Babel", babel.__version__)
for zone, day in (("Europe/Dublin", 7), ("Europe/Dublin", 1), ("America/Vancouver", 1)):
    moment = datetime(2027, day, 15, 19, tzinfo=ZoneInfo(zone))
    print(f"{zone} {moment:%Y-%m-%d %z}: {dates.get_timezone_name(moment, width='long', locale='en')}")
PYTHON
)
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
Babel 2.19.0
Europe/Dublin 2027-07-15 +0100: Greenwich Mean Time
Europe/Dublin 2027-01-15 +0000: Irish Standard Time
America/Vancouver 2027-01-15 -0700: Pacific Standard Time
EXPECTED
echo "as written here"
