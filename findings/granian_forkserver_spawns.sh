#!/usr/bin/env bash
# granian 2.8.9 spawns its workers where the start method is forkserver.
#
# Python 3.14 starts processes by forkserver on Linux, and a program can choose that with any version. What the fork
# server was told to load beforehand is then shared by what it forks. granian takes another start method than fork or
# spawn for spawn, without a word: each worker loads the application by itself, and shares none of its memory.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq granian==2.8.9
cd "$folder"
cat >application.py <<'PYTHON'
import os

with open("loaded", "a") as log:
    print(os.getpid(), file=log)


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"dinner"]
PYTHON
cat >serve.py <<'PYTHON'
import multiprocessing
import os
import signal
import sys
import threading
import time

from granian import Granian


def stop_when_loaded(expected):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and len(open("loaded").readlines() if os.path.exists("loaded") else []) < expected:
        time.sleep(0.05)
    time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def plain():
    pass


if __name__ == "__main__":
    multiprocessing.set_start_method("forkserver")
    multiprocessing.set_forkserver_preload(["application"])
    # A process of our own is forked from what was loaded once.
    process = multiprocessing.Process(target=plain)
    process.start()
    process.join()
    print("loaded for a process of multiprocessing:", len(open("loaded").readlines()))
    threading.Thread(target=stop_when_loaded, args=(3,), daemon=True).start()
    server = Granian("application:app", port=int(sys.argv[1]), interface="wsgi", workers=2, log_enabled=False)
    server.serve()
    print("loaded with two workers of granian besides:", len(open("loaded").readlines()))
PYTHON
port=$("$folder/venv/bin/python" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
output=$("$folder/venv/bin/python" serve.py "$port")
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
loaded for a process of multiprocessing: 1
loaded with two workers of granian besides: 3
EXPECTED
echo "as written here"
