#!/usr/bin/env bash
# Python's zoneinfo takes the zones of the operating system over a newer package tzdata.
#
# The package is a fallback for systems without zones (PEP 615), so pinning a newer one changes nothing where the system has
# older files, and there is no warning. Here tzdata 2025.2 stands for the system, by PYTHONTZPATH, and 2026.6 is installed.
# A dinner at 19:00 in Vancouver is an hour off: British Columbia stays at UTC-7. Flask-Babel 4.0.0 takes a third set of
# rules, those of pytz, so one process can have two answers.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/python" -m pip --disable-pip-version-check "$@"; }
pip install -qq --target "$folder/system" tzdata==2025.2
pip install -qq tzdata==2026.6 flask-babel==4.0.0 pytz==2024.1

seen() {
    PYTHONTZPATH="$1" "$folder/venv/bin/python" - <<'PYTHON'
from datetime import UTC, datetime
from importlib.metadata import version
from zoneinfo import ZoneInfo

import flask_babel
from flask import Flask

app = Flask("site")
flask_babel.Babel(app, default_timezone="America/Vancouver")
moment = datetime(2027, 1, 16, 2, tzinfo=UTC)
local = moment.astimezone(ZoneInfo("America/Vancouver"))
with app.app_context():
    babel = flask_babel.format_datetime(moment, "HH:mm")
print(f"tzdata {version('tzdata')} installed: zoneinfo {local:%H:%M}, Flask-Babel {babel}")
PYTHON
}

output=$(seen "$folder/system/tzdata/zoneinfo"; seen "")
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
tzdata 2026.6 installed: zoneinfo 18:00, Flask-Babel 18:00
tzdata 2026.6 installed: zoneinfo 19:00, Flask-Babel 18:00
EXPECTED
echo "as written here"
