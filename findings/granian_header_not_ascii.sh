#!/usr/bin/env bash
# granian 2.8.9 hands over an empty header to a WSGI application if its value has a character that is not ASCII.
#
# Browsers send the cookies of all sites of a domain in one header. One cookie of a neighbour site with a name or value such
# as José therefore takes all others with it: the application sees no session, and the visitor is logged out. Nothing is
# logged. PEP 3333 lets servers decode such bytes as Latin-1; waitress 3 does, as shown below.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq granian==2.8.9 waitress==3.0.2
cd "$folder"

cat >application.py <<'PYTHON'
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [ascii(environ.get("HTTP_COOKIE")).encode()]
PYTHON

cat >ask.py <<'PYTHON'
import socket
import subprocess
import sys
import time


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def ask(port, cookie):
    for _attempt in range(200):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(f"GET / HTTP/1.0\r\nCookie: {cookie}\r\n\r\n".encode())
                return b"".join(iter(lambda: client.recv(4096), b"")).decode().splitlines()[-1]
        except ConnectionRefusedError:
            time.sleep(0.05)
    sys.exit("not served")


def serve(name, *command):
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", *(part.format(port=port) for part in command)], stderr=subprocess.DEVNULL)
    try:
        for cookie in ("visitor=Jose; session=1", "visitor=José; session=1"):
            print(f"{name}: {ascii(cookie)} arrives as {ask(port, cookie)}")
    finally:
        process.terminate()
        process.wait()


serve("granian", "granian", "--interface", "wsgi", "--port", "{port}", "--log-level", "critical", "application:application")
serve("waitress", "waitress", "--listen=127.0.0.1:{port}", "application:application")
PYTHON

"$folder/venv/bin/python" ask.py | tee seen
cat >expected <<'TEXT'
granian: 'visitor=Jose; session=1' arrives as 'visitor=Jose; session=1'
granian: 'visitor=Jos\xe9; session=1' arrives as ''
waitress: 'visitor=Jose; session=1' arrives as 'visitor=Jose; session=1'
waitress: 'visitor=Jos\xe9; session=1' arrives as 'visitor=Jos\xc3\xa9; session=1'
TEXT
diff expected seen && echo "As described."
