"""The background worker: delivers e-mail and runs the scheduler. `flask worker`, or a process that run.py starts."""

import signal
import threading
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from app.accounts.ldap import checks as directory_checks
from app.copies.schedule import backup_job
from app.inbound.server import Listener
from app.outbox import service
from app.outbox.delivery import Deliverer
from app.scheduler import Scheduler
from config import STOP_SIGNALS


def run(
    app: Flask, stop_signals: Iterable[signal.Signals] = STOP_SIGNALS, wanted: Callable[[], bool] = lambda: True
) -> None:
    """Run in the foreground until one of `stop_signals` arrives or `wanted` returns False.

    Without a mail server only the scheduler runs. The current e-mail is delivered before it stops.
    """
    loops: list[Any] = [Scheduler(app)]
    with app.app_context():
        if service.handles():
            loops.append(Deliverer(app))
    if app.config["BACKUP_FOLDER"]:
        # A thread of its own, because seats and reminders cannot wait for a backup.
        stop = threading.Event()
        loops.append(Scheduler(app, [backup_job(stop.is_set)], stop, prepare=lambda: None))
    if app.config["INBOUND_LISTEN"]:
        loops.append(Listener(app))
    for number in stop_signals:
        signal.signal(number, lambda *_: [loop.stop() for loop in loops])
    # run.py blocks these signals until the handlers are installed.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    threads = [threading.Thread(target=loop.run_forever, args=(wanted,)) for loop in loops]
    for thread in threads:
        thread.start()
    with app.app_context():
        directory_checks.warn()
    for thread in threads:
        thread.join()
