#!/usr/bin/env bash
# rcssmin 1.3.0: in a nested rule, the space before a pseudo-class is left out, and the rule matches something else.
#
# CSS Nesting: `.menu { & li :is(a, button) {} }` means links and buttons inside of an li. rcssmin takes `li :is` inside of
# braces for a declaration, in which spaces before a colon mean nothing. `& li:is(a, button)` matches no element at all, and
# no browser reports it. At the top of a style sheet the space is kept. `li *:is(a)` says the same and survives.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq rcssmin==1.3.0
output=$("$folder/venv/bin/python" - <<'PYTHON'
import rcssmin

for sheet in (
    "li :is(a, button) { color: red; }",
    ".menu { & li :is(a, button) { color: red; } }",
    ".menu { & li *:is(a, button) { color: red; } }",
):
    print(rcssmin.cssmin(sheet))
PYTHON
)
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
li :is(a,button){color:red}
.menu{& li:is(a,button){color:red}}
.menu{& li *:is(a,button){color:red}}
EXPECTED
echo "as written here"
