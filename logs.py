"""Formats of the log: for people, or a JSON object in each line (LOG_FORMAT=json). Both have the ID of the request."""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

FORMATS = ("plain", "json")
# The ID of the request that this thread answers. It stands on error pages and in the header X-Request-ID, too.
request_id: ContextVar[str] = ContextVar("request_id", default="")


class PlainFormatter(logging.Formatter):
    """A line for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line, without the traceback, which follows."""
        number = request_id.get()
        return super().formatMessage(record) + (f" [{number}]" if number else "")


class JsonFormatter(logging.Formatter):
    """A JSON object in one line, whatever a message contains."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if number := request_id.get():
            line["request_id"] = number
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def settings(kind: str) -> dict[str, Any]:
    """Return the configuration of `logging` for a format."""
    formatter = JsonFormatter if kind == "json" else PlainFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"chosen": {"()": formatter}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "chosen"}},
        "loggers": {
            "app": {"handlers": ["console"], "level": "INFO", "propagate": False},
            # It would tell of each request that waits.
            "waitress.queue": {"level": "ERROR"},
        },
        "root": {"handlers": ["console"], "level": "WARNING"},
    }
