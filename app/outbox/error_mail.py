"""A log handler that sends unexpected errors by e-mail to the administrators in ERROR_MAIL_TO.

It covers requests and the background worker. The same error is sent once an hour, without any values: its type and its
place in the code are enough to find it in the log.
"""

import hashlib
import logging
import threading
import traceback
from datetime import datetime

from flask import Flask, has_request_context, request

from app import clock
from app.database import transaction
from app.outbox.service import URGENT, EmailRequest, enqueue

KIND = "error_report"
MAX_MESSAGE_LENGTH, MAX_FRAMES = 300, 12


def init_app(app: Flask) -> None:
    """Install the handler if ERROR_MAIL_TO is set."""
    for handler in [each for each in app.logger.handlers if isinstance(each, ErrorMailHandler)]:
        # Loggers belong to the process. Tests create several applications in one process.
        app.logger.removeHandler(handler)
    if app.config["ERROR_MAIL_TO"]:
        app.logger.addHandler(ErrorMailHandler(app))


class ErrorMailHandler(logging.Handler):
    """Enqueues an e-mail for an error. It does so in a thread, because the code that logs may be in a transaction."""

    def __init__(self, app: Flask) -> None:
        super().__init__(logging.ERROR)
        self._app = app
        self._threads: list[threading.Thread] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Enqueue an e-mail, unless this module itself logged the error."""
        if record.name == __name__:
            return
        rule = request.url_rule if has_request_context() else None
        # The URL rule, not the URL: that may contain a secret.
        place = f"{request.method} {rule}" if rule is not None else record.name
        thread = threading.Thread(target=self._enqueue, args=(record, place, clock.now()), daemon=True)
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()

    def flush(self) -> None:
        """Wait until the e-mails are enqueued."""
        for thread in self._threads:
            thread.join()

    def _enqueue(self, record: logging.LogRecord, place: str, at: datetime) -> None:
        what, where = _summary(record)
        error = hashlib.sha256(f"{what}\n{where}\n{place}".encode()).hexdigest()[:16]
        try:
            with self._app.app_context(), transaction():
                for address in self._app.config["ERROR_MAIL_TO"]:
                    enqueue(
                        EmailRequest(
                            KIND,
                            to=address,
                            context={"what": what, "where": where, "place": place, "at": at},
                            dedupe_key=f"{KIND}:{address}:{error}:{at:%Y%m%d%H}"[:200],
                            priority=URGENT,
                        )
                    )
        except Exception:
            # The database may be down. The error itself is in the log.
            logging.getLogger(__name__).exception("An error could not be sent by e-mail")


def _summary(record: logging.LogRecord) -> tuple[str, str]:
    """Return the error and its lines of code, the innermost last; no values."""
    if not record.exc_info or record.exc_info[1] is None:
        return str(record.msg)[:MAX_MESSAGE_LENGTH], f"{record.pathname}:{record.lineno}"
    error = record.exc_info[1]
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    return type(error).__qualname__, "\n".join(f"{each.filename}:{each.lineno} {each.name}" for each in frames)
