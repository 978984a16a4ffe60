"""Read a list outside of this process: whatever a file does, it costs a bounded time and memory, and no worker."""

import json
import logging
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from . import kinds
from .reader import Choices, Reading
from .tables import Refusal, RefusedError

logger = logging.getLogger(__name__)
# Of computing, and by the wall clock: on a busy machine, two seconds of computing take longer.
CPU_SECONDS, SECONDS = 2, 10
CHILD = Path(__file__).with_name("child.py")


def read(data: bytes | str, choices: Choices | None = None, *, seconds: int = CPU_SECONDS) -> Reading:
    """Read a list. Raises RefusedError if it is none, or takes too long."""
    if len(data) > kinds.MAX_BYTES:
        raise RefusedError(Refusal.TOO_LARGE)
    asked = {"is_text": isinstance(data, str), "choices": asdict(choices or Choices())}
    body = data.encode("utf-8", "replace") if isinstance(data, str) else data
    try:
        done = subprocess.run(
            # Isolated: nothing in the working directory or the environment is taken for a module.
            [sys.executable, "-I", str(CHILD), str(seconds)],
            input=json.dumps(asked).encode() + b"\n" + body,
            capture_output=True,
            timeout=SECONDS,
            check=False,
            env={},
        )
    except subprocess.TimeoutExpired as error:
        raise RefusedError(Refusal.TOO_SLOW) from error
    if done.returncode < 0 or not done.stdout:
        logger.warning(
            "A list could not be read (%d): %s", done.returncode, done.stderr.decode("utf-8", "replace")[-2000:]
        )
        # A signal: that of the limit, as a rule. Everything else is a fault in the package.
        raise RefusedError(Refusal.TOO_SLOW if done.returncode < 0 else Refusal.DAMAGED)
    answer = json.loads(done.stdout)
    if "refused" in answer:
        raise RefusedError(Refusal(answer["refused"]))
    return Reading.of(answer["reading"])
