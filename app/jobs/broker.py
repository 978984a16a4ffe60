"""The connection to Celery's broker: for its workers, and for the hints that this process sends.

A hint says that e-mail was written. It is sent by a thread after the commit, so no request waits for the broker, and it
may be lost: Celery's beat looks into the database anyway.
"""

import logging
import os
import threading
import time
from typing import Any

from flask import Flask, current_app

QUEUE, PREFIX = "dinnerparty", "dinnerparty."
EMAILS = f"{PREFIX}emails"
# A hint that no worker took until then is of no use.
HINT_SECONDS = 30
PAUSE_AFTER_ERROR_SECONDS = 10.0
# The longest time limit of a job is shorter. Until then, Redis keeps a task from others that a worker has not confirmed.
VISIBILITY_SECONDS = 2 * 3600
KEY = "celery_hints"

logger = logging.getLogger(__name__)


def client(settings: dict[str, Any]) -> Any:
    """Return an instance of Celery with the broker of CELERY_BROKER_URL."""
    from celery import Celery

    celery = Celery("dinnerparty", broker=settings["CELERY_BROKER_URL"], set_as_current=False)
    celery.conf.update(
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        # What a worker had when it was killed is done by another one. The rows say whether it still has to be done.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        # Memory that a library keeps is given back.
        worker_max_tasks_per_child=1000,
        worker_send_task_events=True,
        task_send_sent_event=True,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=2,
        broker_transport_options=_transport_options(settings["CELERY_BROKER_URL"]),
        beat_scheduler="app.celery_app:LeasedBeat",
        timezone="UTC",
    )
    return celery


def _transport_options(url: str) -> dict[str, Any]:
    # Who asks for a task finds out soon that the broker is lost. A worker that waits for tasks tries for ever.
    soon = {"max_retries": 1, "interval_start": 0, "interval_max": 0}
    if url.startswith("amqp"):
        return soon
    return {**soon, "visibility_timeout": VISIBILITY_SECONDS, "socket_connect_timeout": 2, "socket_timeout": 10}


def hint() -> None:
    """Tell Celery's workers, if there are any, that e-mail is due. Returns at once."""
    if not current_app.config["CELERY_BROKER_URL"]:
        return
    hints: Hints | None = current_app.extensions.get(KEY)
    if hints is None or hints.process != os.getpid():
        hints = current_app.extensions[KEY] = Hints(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001
    hints.wanted.set()


class Hints:
    """Sends hints in a thread. Several that are wanted at once are one."""

    def __init__(self, app: Flask) -> None:
        self.process = os.getpid()
        self.wanted = threading.Event()
        self._celery = client(dict(app.config))
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        is_lost = False
        while self.wanted.wait():
            self.wanted.clear()
            try:
                self._celery.send_task(EMAILS, retry=False, expires=HINT_SECONDS, ignore_result=True)
                is_lost = False
            except Exception as error:  # noqa: BLE001 - each broker has errors of its own
                if not is_lost:
                    logger.warning(
                        "The broker of Celery cannot be reached (%s); e-mail waits for it", type(error).__name__
                    )
                is_lost = True
                time.sleep(PAUSE_AFTER_ERROR_SECONDS)
