"""Loaded by the fork server of run.py before it forks the processes of the site, so that they share its memory.

Nothing here may start a thread or open a connection. Without a fork server, each process imports this module.
"""

import contextlib
import functools
import gc
import multiprocessing
import signal

from flask import Flask

from app import compression, create_app, i18n, server, templating, worker
from app.outbox import error_mail
from config import STOP_SIGNALS

__all__ = ["application", "server", "worker"]


def application() -> Flask:
    """Return the application of the fork server, or create one for this process."""
    app = _create_app()
    # Each process configures its log after the fork, which removes all handlers.
    error_mail.init_app(app)
    return app


_create_app = functools.cache(create_app)


def _prepare(app: Flask) -> None:
    # What each process would do for its first page.
    compression.prepare(app)
    i18n.runtime.prepare(app)
    templating.prepare(app)


def _be_fork_server() -> None:
    # When systemd stops all processes, the fork server must outlive the others, because it alone knows their exit codes.
    # Forked processes inherit the blocked signals and receive them when they are ready; a handler would miss signals
    # that arrive just after the fork.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    # The forked process tries again, and reports the error.
    with contextlib.suppress(Exception):
        _prepare(application())
    # The garbage collector writes to the objects it visits, and written memory is no longer shared.
    gc.collect()
    gc.freeze()


if multiprocessing.parent_process() is None:
    _be_fork_server()
