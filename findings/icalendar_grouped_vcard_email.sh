#!/usr/bin/env bash
# icalendar 7.3.0 reads vCards, and loses the e-mail addresses of Apple's.
#
# A property of a vCard may belong to a group (RFC 6350, 3.3): iOS and macOS write "item1.EMAIL", with a label of the same
# group beside it. icalendar keeps such a line under its whole name, so that nothing is found under EMAIL.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq icalendar==7.3.0
cd "$folder"
cat >read.py <<'PYTHON'
from icalendar import Component

LINES = ["BEGIN:VCARD", "VERSION:3.0", "FN:Ana Ruiz", "N:Ruiz;Ana;;;", "{}", "END:VCARD", ""]
for line in ("EMAIL;type=INTERNET:ana@example.org", "item1.EMAIL;type=INTERNET:ana@example.org"):
    card = Component.from_ical("\r\n".join(LINES).format(line))
    print(line.partition(";")[0], "->", card.get("EMAIL"))
PYTHON
output=$("$folder/venv/bin/python" -W ignore read.py)
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
EMAIL -> ana@example.org
item1.EMAIL -> None
EXPECTED
echo "as written here"
