#!/usr/bin/env bash
# Saves the catalogs with the tools that translators use, and shows that `flask i18n format` leaves no line that nobody changed.
# Needs msgcat, msgmerge and the network; too slow for `make test`. Run it in the folder of the project.
set -euo pipefail
python=${PYTHON:-.venv/bin/python}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/tools"
"$folder/tools/bin/pip" --disable-pip-version-check install -qq polib==1.2.0 translate-toolkit==3.19.6 babel==2.18.0
python3 -m venv "$folder/newer"
"$folder/newer/bin/pip" --disable-pip-version-check install -qq babel==2.19.0

babel='import sys
from babel.messages.pofile import read_po, write_po
path, key = sys.argv[1:]
with open(path, "rb") as file: catalog = read_po(file, locale=key)
with open(path, "wb") as file: write_po(file, catalog)'
polib='import polib, sys
polib.pofile(sys.argv[1]).save()'
toolkit='import sys
from translate.storage import pypo
store = pypo.pofile.parsefile(sys.argv[1])
store.save()'
formatted='import sys
from pathlib import Path
from app.i18n import catalogs, files
path = Path(sys.argv[1])
files.write(catalogs.read(path), path, files.key_of(path))'

save() {
    case $1 in
        msgcat) msgcat --width=60 --output-file="$2" "$2" ;;
        msgmerge) msgmerge --quiet --no-fuzzy-matching --update --backup=none "$2" translations/messages.pot ;;
        polib) "$folder/tools/bin/python" -c "$polib" "$2" ;;
        babel-2.18) "$folder/tools/bin/python" -c "$babel" "$2" "$3" ;;
        babel-2.19) "$folder/newer/bin/python" -c "$babel" "$2" "$3" ;;
        toolkit) "$folder/tools/bin/python" -c "$toolkit" "$2" ;;
        windows) sed -i 's/$/\r/; 1s/^/\xef\xbb\xbf/' "$2" ;;
    esac
}

failed=0
for tool in msgcat msgmerge polib babel-2.18 babel-2.19 toolkit windows; do
    for path in translations/*/LC_MESSAGES/messages.po; do
        key=$(basename "$(dirname "$(dirname "$path")")")
        copy="$folder/$tool/$key/LC_MESSAGES/messages.po"
        mkdir -p "$(dirname "$copy")"
        cp "$path" "$copy"
        "$python" -c "$formatted" "$copy"
        cp "$copy" "$copy.before"
        save "$tool" "$copy" "$key"
        "$python" -c "$formatted" "$copy"
        lines=$(diff "$copy.before" "$copy" | grep -c '^[<>]' || true)
        echo "$tool $key: $lines lines"
        [ "$lines" = 0 ] || failed=1
    done
done
exit "$failed"
