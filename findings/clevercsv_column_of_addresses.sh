#!/usr/bin/env bash
# clevercsv 0.8.3 and Python's csv.Sniffer find separators inside of e-mail addresses.
#
# A list with one address on each line has no separator at all. csv.Sniffer takes a letter that occurs equally often in each
# line, and clevercsv the @. Read with that, each row has a part of the address in it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq clevercsv==0.8.3
cd "$folder"
cat >read.py <<'PYTHON'
import csv

import clevercsv

TEXT = "rosa@example.org\nemil@example.org\nhuda@example.org\n"
print("csv.Sniffer:", repr(csv.Sniffer().sniff(TEXT).delimiter))
print("clevercsv:", repr(clevercsv.Detector().detect(TEXT).delimiter))
PYTHON
output=$("$folder/venv/bin/python" -W ignore read.py)
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
csv.Sniffer: 'x'
clevercsv: '@'
EXPECTED
echo "as written here"
