"""Figures for Prometheus, if METRICS_TOKEN is set. All processes of a machine add to the same counters."""

import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from flask import Flask, Response, current_app, g, request

from app.counters import Counters

PREFIX = "dinnerparty_"
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
# The keys of the counters begin with this. The rest is as Prometheus reads it.
BEGINNING = "metric:"
REQUESTS, DURATION, OVER = "requests_total", "request_seconds", "+Inf"
HELP = {
    REQUESTS: "Requests, by method and status",
    DURATION: "How long they took",
    "failed_logins_total": "Logins that were refused",
    "jobs_total": "Runs of jobs, by job and result",
    "job_last_success_seconds": "When a job last ran well, in Unix time",
    "csp_reports_total": "Reports of browsers about violations of the Content-Security-Policy",
}


class Sample(NamedTuple):
    """One figure."""

    name: str
    value: float
    labels: Mapping[str, object] = {}

    @property
    def line(self) -> str:
        named = ",".join(f'{name}="{_escaped(value)}"' for name, value in self.labels.items())
        return _line(self.name, named, self.value)


def init_app(app: Flask) -> None:
    """Count the requests of `app`."""
    app.extensions["counters"] = Counters(app.config["COUNTERS_PATH"])
    if app.config["METRICS_TOKEN"]:
        app.before_request(_start)
        app.after_request(_finish)


def count(name: str, amount: float = 1, **labels: object) -> None:
    """Add to a counter. Nobody waits for it, and nothing fails with it."""
    _add({_key(name, labels): amount})


def note_now(name: str) -> None:
    """Store this moment under a name."""
    key = _key(name, {})
    with suppress(sqlite3.Error, OSError):
        counters().delete(key)
        _add({key: time.time()})


def counters() -> Counters:
    """Return what the processes of this machine count together."""
    found: Counters = current_app.extensions["counters"]
    return found


def exposition(gauges: Iterable[tuple[str, str, list[Sample]]]) -> str:
    """Return all figures as Prometheus reads them: those that were counted, and `gauges`: names, help and samples."""
    counted: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for key, value in counters().all(BEGINNING).items():
        name, _, labels = key.removeprefix(BEGINNING).partition("{")
        counted[name].append((labels.removesuffix("}"), value))
    lines: list[str] = []
    for name, text in HELP.items():
        if name == DURATION:
            lines += [*_head(name, "histogram", text), *_histogram(counted)]
        else:
            kind = "counter" if name.endswith("_total") else "gauge"
            lines += _head(name, kind, text)
            lines += [_line(name, labels, value) for labels, value in counted[name] or [("", 0.0)]]
    for name, text, samples in gauges:
        lines += [*_head(name, "gauge", text), *(sample.line for sample in samples)]
    return "\n".join(lines) + "\n"


def request_durations() -> dict[float | str, float]:
    """Return how many requests took up to each number of SECONDS but longer than the one before, and OVER all."""
    found = counters().all(BEGINNING + f"{DURATION}_bucket")
    return {border: found.get(_key(f"{DURATION}_bucket", {"le": border}), 0.0) for border in (*SECONDS, OVER)}


def _histogram(counted: Mapping[str, list[tuple[str, float]]]) -> list[str]:
    """Return a cumulative histogram of what was counted for each bucket alone."""
    found = dict(counted.get(f"{DURATION}_bucket", ()))
    total, lines = 0.0, []
    for border in (*SECONDS, OVER):
        labels = f'le="{border}"'
        total += found.get(labels, 0)
        lines.append(_line(f"{DURATION}_bucket", labels, total))
    seconds = sum(value for _labels, value in counted.get(f"{DURATION}_sum", ()))
    return [*lines, _line(f"{DURATION}_sum", "", seconds), _line(f"{DURATION}_count", "", total)]


def _head(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP {PREFIX}{name} {text}", f"# TYPE {PREFIX}{name} {kind}"]


def _line(name: str, labels: str, value: float) -> str:
    return f"{PREFIX}{name}{{{labels}}} {value!r}" if labels else f"{PREFIX}{name} {value!r}"


def _start() -> None:
    g.started = time.monotonic()


def _finish(response: Response) -> Response:
    # A request for an unknown host does not come to `_start`.
    count_request(request.method, response.status_code, time.monotonic() - g.get("started", time.monotonic()))
    return response


def count_request(method: str, status: int, seconds: float) -> None:
    """Count a request that was answered."""
    border = next((border for border in SECONDS if seconds <= border), OVER)
    _add(
        {
            _key(REQUESTS, {"method": method if method in METHODS else "other", "status": status}): 1,
            _key(f"{DURATION}_bucket", {"le": border}): 1,
            _key(f"{DURATION}_sum", {}): seconds,
        }
    )


def _add(amounts: Mapping[str, float]) -> None:
    if current_app.config["METRICS_TOKEN"]:
        with suppress(sqlite3.Error, OSError):
            counters().add(amounts)


def _key(name: str, labels: Mapping[str, Any]) -> str:
    named = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels.items())
    return f"{BEGINNING}{name}{{{named}}}" if named else f"{BEGINNING}{name}"


def _escaped(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
