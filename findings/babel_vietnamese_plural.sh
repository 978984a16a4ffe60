#!/usr/bin/env bash
# Babel 2.19.0 counts Vietnamese in two ways.
#
# CLDR 49 gave Vietnamese a second plural category: "one" for 0 and 1. Babel 2.19.0 follows it in Locale.plural_form
# (2.18.0 had one category). New catalogs still take their Plural-Forms from Babel's own table, which says one form.
# So a catalog that Babel begins for Vietnamese has no text for a category that Babel's formats distinguish.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"

seen() {
    "$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq "babel==$1"
    "$folder/venv/bin/python" - <<'PYTHON'
import babel
from babel import Locale
from babel.messages.catalog import Catalog

rule = Locale.parse("vi").plural_form
print(f"Babel {babel.__version__}: CLDR {sorted({rule(n) for n in range(100)})}, catalog {Catalog(locale='vi').num_plurals}")
PYTHON
}

output=$(seen 2.18.0; seen 2.19.0)
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
Babel 2.18.0: CLDR ['other'], catalog 1
Babel 2.19.0: CLDR ['one', 'other'], catalog 1
EXPECTED
echo "as written here"
