"""Celery's real worker processes, forked from a process that has loaded the application."""

import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import config
from tests.support.processes import CONTEXT, start_process

START = (*("-A", "app.celery_app", "worker", "--beat", "--concurrency", "1"), *("--without-mingle", "--without-gossip"))
STOP_SECONDS = 20


class CeleryWorker:
    """A worker with its beat, in a process group of its own."""

    def __init__(self, log: Path, environ: Mapping[str, str]) -> None:
        self.log = log
        self._process = CONTEXT.Process(target=_run, args=(str(log), {**os.environ, **environ}))
        start_process(self._process)

    def is_alive(self) -> bool:
        """Whether it runs."""
        return bool(self._process.is_alive())

    def kill(self) -> None:
        """Kill all its processes, as a power cut does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        self._process.join()

    def stop(self) -> int | None:
        """Stop it after its current tasks; return its exit status."""
        self._process.terminate()
        self._process.join(STOP_SECONDS)
        return self._process.exitcode


def _run(log: str, environ: dict[str, str]) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(config.ROOT)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(output, number)
    sys.argv = ["celery", *START, "--loglevel", "info", "--hostname", f"worker{os.getpid()}@test"]
    from celery.__main__ import main

    main()
