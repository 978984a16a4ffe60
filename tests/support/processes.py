"""`flask` commands in processes of their own, forked from one that has loaded the application: loading takes seconds.

What is tested is the command, its signals, its exit status and what it prints. Where the start of the interpreter
matters, use `subprocess` instead.
"""

import contextlib
import io
import multiprocessing
import os
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import reduction
from pathlib import Path
from typing import IO, Any

import flask.cli

import config

CONTEXT = multiprocessing.get_context("forkserver")
STREAMS = ("stdin", "stdout", "stderr")
# The path of a socket has 108 characters at most.
SOCKETS = "/tmp"  # noqa: S108


class FlaskCommand:
    """A running `flask` command, with the interface of `subprocess.Popen` as far as tests need it.

    It writes to `stdout`, or to files of its own that `communicate` reads.
    """

    def __init__(
        self,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        stdout: IO[bytes] | None = None,
        typed: str = "",
        umask: int = 0o022,
    ) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - read by `communicate`
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        for file in (self._output, self._errors):
            weakref.finalize(self, file.close)
        with tempfile.TemporaryFile() as answers:
            answers.write(typed.encode())
            answers.seek(0)
            files = (answers, stdout or self._output, stdout or self._errors)
            self._process = CONTEXT.Process(
                target=_run,
                args=(
                    ["flask", *arguments],
                    {**os.environ, **(environ or {})},
                    umask,
                    [_Sent(file.fileno()) for file in files],
                ),
            )
            start_process(self._process)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        """The exit status, the negative number of the signal that ended it, or None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended; raises TimeoutExpired."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("flask", timeout or 0)
        return self._process.exitcode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait until it has ended, and return what it has printed and its errors."""
        self.wait(timeout)
        return _read(self._output), _read(self._errors)

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            if self.poll() is None:
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to stop."""
        self._process.terminate()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()


def run_flask(*arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run a `flask` command to its end; `options` are those of FlaskCommand."""
    command = FlaskCommand(*arguments, **options)
    output, errors = command.communicate()
    return subprocess.CompletedProcess(arguments, command.wait(), output, errors)


@dataclass(frozen=True)
class _Sent:
    """The number of an open file; in the new process it is a number of the same file there."""

    number: int

    def __reduce__(self) -> tuple[Any, ...]:
        return _receive, (reduction.DupFd(self.number),)


def _receive(sent: Any) -> _Sent:
    return _Sent(sent.detach())


def start_process(process: Any) -> None:
    """Start a process; the first one starts the process that loads the application."""
    # And what most commands load: see app/commands.py and app/late_modules.py.
    commands = ["app.cli", "app.copies.cli", "flask_migrate.cli", "psycopg"]
    CONTEXT.set_forkserver_preload(["flask.cli", "app.dev", *commands])
    usual = tempfile.tempdir
    # multiprocessing makes the folder of its socket there once.
    tempfile.tempdir = SOCKETS if Path(SOCKETS).is_dir() else usual
    try:
        process.start()
    finally:
        tempfile.tempdir = usual


def _run(arguments: list[str], environ: dict[str, str], umask: int, files: list[_Sent]) -> None:
    """Run in the new process: take on the environment and the streams, and be `python -m flask`."""
    os.environ.clear()
    os.environ.update(environ)
    os.umask(umask)
    os.chdir(config.ROOT)
    for number, (name, file) in enumerate(zip(STREAMS, files, strict=True)):
        os.dup2(file.number, number)
        mode = "r" if number == 0 else "w"
        binary = open(number, f"{mode}b", closefd=False)  # noqa: SIM115 - lives as long as the process
        setattr(sys, name, io.TextIOWrapper(binary, encoding="utf-8", line_buffering=True))
    sys.argv = arguments
    try:
        flask.cli.main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
