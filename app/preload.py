"""What the fork server of run.py loads before it forks the processes of the site, which share the memory of all this.

Nothing here may start a thread or open a connection. Where there is no fork server, each process imports it by itself.
"""

import contextlib
import functools
import gc
import multiprocessing
import signal

import granian.server.mp  # noqa: F401 - so that its processes share it
from flask import Flask

from app import create_app, worker
from app.outbox import error_mail
from config import STOP_SIGNALS

__all__ = ["application", "worker"]


def application() -> Flask:
    """Return the application: the one that the fork server has made, or one for this process."""
    app = _create_app()
    # Each process configures its log after the fork, which removes all handlers.
    error_mail.init_app(app)
    return app


_create_app = functools.cache(create_app)


def _be_fork_server() -> None:
    # When everything is told to stop, as by systemd, the fork server goes on until the others have ended: it alone knows
    # how they did. What it forks inherits this, and so gets a signal when it is ready for one; a handler would miss those
    # that come just after a fork.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    # Whoever is forked tries again, and says what is wrong.
    with contextlib.suppress(Exception):
        application()
    # The garbage collector writes to what it looks at, and memory that is written to is no longer shared.
    gc.collect()
    gc.freeze()


if multiprocessing.parent_process() is None:
    _be_fork_server()
