"""Remote data: the worker asks for them, and dashboards show what it got last."""

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext
from sqlalchemy import func, or_, select, update

from app import clock
from app.dashboards.data import remote_hosts, remote_request
from app.dashboards.data.models import RemoteAnswer, RemoteProblem
from app.dashboards.data.remote_request import RemoteError
from app.database import transaction
from app.extensions import db

# How often each URL is asked for, how long an answer is shown that no newer one follows, and how long the job works.
INTERVAL, LIFETIME = timedelta(minutes=5), timedelta(days=1)
MAX_AT_ONCE, SECONDS_AT_ONCE = 200, 45.0


def fetch_due(now: Callable[[], float] = time.monotonic) -> int:
    """Ask for what is due, what has waited longest first; return how many URLs answered."""
    listed = current_app.config["DASHBOARD_HOSTS"]
    if not listed:
        return 0
    with transaction():
        urls = _due()
    until, answered = now() + SECONDS_AT_ONCE, 0
    for url in urls:
        if now() > until:
            break
        values: dict[str, Any] = {"asked_at": clock.now()}
        try:
            content = remote_request.fetch(url, listed)
            values |= {"content": content, "fetched_at": clock.now(), "problem": None}
            answered += 1
        except RemoteError as error:
            values["problem"] = error.problem
        with transaction():
            db.session.execute(update(RemoteAnswer).where(RemoteAnswer.url == url).values(values))
    return answered


def _due() -> list[str]:
    asked = func.min(RemoteAnswer.asked_at)
    statement = (
        select(RemoteAnswer.url)
        .where(or_(RemoteAnswer.asked_at.is_(None), RemoteAnswer.asked_at <= clock.now() - INTERVAL))
        .group_by(RemoteAnswer.url)
        .order_by(asked.asc().nulls_first(), RemoteAnswer.url)
    )
    return list(db.session.scalars(statement.limit(MAX_AT_ONCE)))


def last_answer(url: str) -> Any:
    """Return what a URL answered last. Raises ValueError with a localized text."""
    if remote_hosts.target(url, current_app.config["DASHBOARD_HOSTS"]) is None:
        raise ValueError(str(RemoteProblem.NOT_LISTED.label))
    newest = (RemoteAnswer.content, RemoteAnswer.fetched_at, RemoteAnswer.problem)
    statement = select(*newest).where(RemoteAnswer.url == url).order_by(RemoteAnswer.fetched_at.desc().nulls_last())
    row = db.session.execute(statement.limit(1)).one_or_none()
    if row is not None and row.content is not None and _is_fresh(row.fetched_at):
        return json.loads(row.content)
    problem = row.problem if row is not None else None
    raise ValueError(
        str(problem.label) if problem else gettext("These data have not been fetched yet. Try again in a few minutes.")
    )


def _is_fresh(fetched_at: datetime | None) -> bool:
    return fetched_at is not None and fetched_at > clock.now() - LIFETIME
