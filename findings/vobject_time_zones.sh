#!/usr/bin/env bash
# vobject 0.9.9: a time zone that was like UTC from 2000 to 2020 is no time zone, and the first definition of a name stays.
#
# A file may define its own time zones. If a definition has no other offset than +00:00 in those years, as one of London
# that begins in 2024, vobject takes it for UTC and does not keep it: times in this zone come out without any.
# Definitions are kept by their names for the life of the process. When a second file has a newer one of the same name, as
# after a government has changed its rules, its times are read by the first one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq vobject==0.9.9
cat >"$folder/read.py" <<'PYTHON'
from importlib.metadata import version

import vobject

FILE = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Soup//EN
BEGIN:VTIMEZONE
TZID:{zone}
{observances}
END:VTIMEZONE
BEGIN:VEVENT
UID:soup
DTSTAMP:20260101T000000Z
DTSTART;TZID={zone}:20260701T190000
END:VEVENT
END:VCALENDAR
"""


def observance(kind, onset, before, after):
    return f"BEGIN:{kind}\nDTSTART:{onset}\nTZOFFSETFROM:{before}\nTZOFFSETTO:{after}\nTZNAME:X\nEND:{kind}"


def offset(zone, *observances):
    text = FILE.format(zone=zone, observances="\n".join(observances))
    return vobject.readOne(text).vevent.dtstart.value.utcoffset()


print("vobject", version("vobject"))
london = [
    observance("STANDARD", "20241027T020000", "+0100", "+0000"),
    observance("DAYLIGHT", "20250330T010000", "+0000", "+0100"),
    observance("STANDARD", "20251026T020000", "+0100", "+0000"),
    observance("DAYLIGHT", "20260329T010000", "+0000", "+0100"),
    observance("STANDARD", "20261025T020000", "+0100", "+0000"),
]
print("London in July:", offset("/soup.example/London", *london))
for written in ("-0800", "-0700"):
    found = offset("/soup.example/Vancouver", observance("STANDARD", "19700101T000000", written, written))
    print(f"Vancouver, defined as {written}: {found.total_seconds() / 3600:+.0f} hours")
PYTHON
output=$("$folder/venv/bin/python" -W ignore "$folder/read.py" 2>/dev/null)
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
vobject 0.9.9
London in July: None
Vancouver, defined as -0800: -8 hours
Vancouver, defined as -0700: -8 hours
EXPECTED
echo "as written here"
