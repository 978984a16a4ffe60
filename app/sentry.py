"""Unexpected errors are sent to Sentry, if SENTRY_DSN is set and the package sentry-sdk is installed."""

import logging
from importlib import import_module
from typing import Any

from flask import Flask

import logs

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Start the client of Sentry. It is told errors and places in the code, and nothing of people."""
    if not app.config["SENTRY_DSN"]:
        return
    try:
        sdk: Any = import_module("sentry_sdk")
    except ImportError:
        log.warning("SENTRY_DSN is set, but the package sentry-sdk is not installed: errors are not sent to Sentry")
        return
    sdk.init(
        dsn=app.config["SENTRY_DSN"],
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        before_send=without_secrets,
    )


def without_secrets(event: dict[str, Any], _hint: object) -> dict[str, Any]:
    """Return what is sent: URLs, headers and cookies may have secrets. The ID leads to the request in the log."""
    event.pop("user", None)
    asked = event.pop("request", None)
    if asked:
        event["request"] = {"method": asked.get("method", "")}
    event.setdefault("tags", {})["request_id"] = logs.request_id.get()
    return event
