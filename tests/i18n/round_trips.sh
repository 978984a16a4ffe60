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
for path in Path(sys.argv[1]).rglob("messages.po"):
    files.write(catalogs.read(path), path, files.key_of(path))'
tools="msgcat msgmerge polib babel-2.18 babel-2.19 toolkit windows"

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

for tool in $tools; do
    mkdir -p "$folder/saved/$tool"
    cp -R translations/*/ "$folder/saved/$tool/"
done
# Starting Python takes longer than formatting.
"$python" -c "$formatted" "$folder/saved"
cp -R "$folder/saved" "$folder/before"
for tool in $tools; do
    for path in "$folder/saved/$tool"/*/LC_MESSAGES/messages.po; do
        save "$tool" "$path" "$(basename "$(dirname "$(dirname "$path")")")"
    done
done
echo "lines changed by the tools: $(diff -r "$folder/before" "$folder/saved" | grep -c '^[<>]')"
"$python" -c "$formatted" "$folder/saved"
echo "lines left after the format: $(diff -r "$folder/before" "$folder/saved" | grep -c '^[<>]')"
diff -rq "$folder/before" "$folder/saved"
