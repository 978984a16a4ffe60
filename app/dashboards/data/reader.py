"""Reading data as somebody who has made no request: the recipient of an e-mail, or who shares a link."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app, g, has_request_context

from app.accounts.models import Member
from app.dashboards.access import ReaderAccess
from app.dashboards.enums import Action
from app.dashboards.models import Dashboard


@contextmanager
def reading_as(member: Member) -> Iterator[None]:
    """Read with the rights of `member`. In a job there is no request, so one is made.

    Pages are not rendered in it: they would show the menus of that member.
    """
    if not has_request_context():
        with current_app.test_request_context(base_url=current_app.config["PUBLIC_URL"]), reading_as(member):
            yield
        return
    # Flask-Login keeps the member of a request there.
    before = g.get("_login_user")
    g._login_user, g.is_for_another = member, True  # noqa: SLF001
    try:
        yield
    finally:
        g._login_user, g.is_for_another = before, False  # noqa: SLF001


def is_for_another() -> bool:
    """Whether what is read is shown to somebody who may not follow the links of that member."""
    return bool(g.get("is_for_another"))


def may(member: Member, action: Action, dashboard: Dashboard) -> bool:
    """Whether `member` can log in, and may do `action` to the dashboard."""
    if not member.is_active:
        return False
    with reading_as(member):
        return ReaderAccess().may(action, dashboard)
