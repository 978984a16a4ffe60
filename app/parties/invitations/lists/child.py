"""Reads one list in a process of its own, with little time and memory.

It is run as a script, without the application, whose import would take longer than any list. From the standard input it
reads a line of JSON with the choices, and the file; it writes a line of JSON.
"""

import contextlib
import importlib
import json
import resource
import sys
from pathlib import Path

BYTES = 100 * 1024 * 1024


def main() -> None:
    for limit, value in (
        (resource.RLIMIT_CPU, int(sys.argv[1])),
        (resource.RLIMIT_AS, BYTES),
        (resource.RLIMIT_FSIZE, 0),
    ):
        # Some systems do not have all of them.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))
    # This package alone, without the one it is in.
    sys.path.append(str(Path(__file__).parent.parent))
    reader = importlib.import_module("lists.reader")
    tables = importlib.import_module("lists.tables")
    asked = json.loads(sys.stdin.buffer.readline())
    data = sys.stdin.buffer.read()
    try:
        reading = reader.read(data.decode() if asked["is_text"] else data, reader.Choices.of(asked["choices"]))
        answer = {"reading": reading.as_json()}
    except tables.RefusedError as error:
        answer = {"refused": error.reason}
    except (MemoryError, RecursionError):
        answer = {"refused": tables.Refusal.TOO_SLOW}
    sys.stdout.buffer.write(json.dumps(answer).encode())


if __name__ == "__main__":
    main()
