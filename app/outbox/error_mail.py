"""Unexpected errors are sent by e-mail to those who look after the site (ERROR_MAIL_TO).

It is a handler of the log, so that errors of requests and of the background worker are treated alike. The same error is
sent once an hour, without what people typed: its type and where it happened are enough to find it in the log.
"""

import hashlib
import logging
import threading
import traceback
from datetime import datetime

from flask import Flask, has_request_context, request

from app import clock
from app.database import transaction
from app.outbox.service import URGENT, enqueue

KIND = "error_report"
MAX_MESSAGE_LENGTH, MAX_FRAMES = 300, 12


def init_app(app: Flask) -> None:
    """Send the errors of `app`, if there is somebody to send them to."""
    for handler in [each for each in app.logger.handlers if isinstance(each, ErrorMailHandler)]:
        # Loggers are the process's, not the application's; tests make many of these.
        app.logger.removeHandler(handler)
    if app.config["ERROR_MAIL_TO"]:
        app.logger.addHandler(ErrorMailHandler(app))


class ErrorMailHandler(logging.Handler):
    """Enqueues an e-mail for an error, in a thread of its own: whoever logs one may hold the database."""

    def __init__(self, app: Flask) -> None:
        super().__init__(logging.ERROR)
        self._app = app
        self._writing: list[threading.Thread] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Enqueue an e-mail, unless the error is one of this module."""
        if record.name == __name__:
            return
        rule = request.url_rule if has_request_context() else None
        # The pattern of the address: what stands in its place may be a secret.
        place = f"{request.method} {rule}" if rule is not None else record.name
        thread = threading.Thread(target=self._write, args=(record, place, clock.now()), daemon=True)
        self._writing = [each for each in self._writing if each.is_alive()] + [thread]
        thread.start()

    def flush(self) -> None:
        """Wait until what was reported is written."""
        for thread in self._writing:
            thread.join()

    def _write(self, record: logging.LogRecord, place: str, at: datetime) -> None:
        what, where = _summary(record)
        error = hashlib.sha256(f"{what}\n{where}\n{place}".encode()).hexdigest()[:16]
        try:
            with self._app.app_context(), transaction():
                for address in self._app.config["ERROR_MAIL_TO"]:
                    enqueue(
                        KIND,
                        to=address,
                        name="",
                        locale=None,
                        timezone=None,
                        context={"what": what, "where": where, "place": place, "at": at},
                        dedupe_key=f"{KIND}:{address}:{error}:{at:%Y%m%d%H}"[:200],
                        priority=URGENT,
                    )
        except Exception:
            # The database may be what is broken; the log has the error itself.
            logging.getLogger(__name__).exception("An error could not be sent by e-mail")


def _summary(record: logging.LogRecord) -> tuple[str, str]:
    """Return what happened, and the lines of code it happened in, the innermost last; no values."""
    if not record.exc_info or record.exc_info[1] is None:
        return str(record.msg)[:MAX_MESSAGE_LENGTH], f"{record.pathname}:{record.lineno}"
    error = record.exc_info[1]
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    return type(error).__qualname__, "\n".join(f"{each.filename}:{each.lineno} {each.name}" for each in frames)
