"""The page of statistics: charts and tables with the same numbers, in few statements."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from app import audit, clock
from app.accounts.models import Totp
from app.database import transaction
from app.extensions import db
from tests.support.factories import MemberFactory, RegistrationFactory
from tests.support.statements import count_statements

NOON = datetime(2030, 6, 15, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon():
    clock.set_now(NOON)


def number(page, label):
    """Return the number in the table row with this label."""
    found = re.search(rf'<th scope="row">\s*<bdi>{label}</bdi>\s*</th>\s*<td[^>]*>\s*<bdi>(\d+)</bdi>', page.text)
    assert found, label
    return int(found[1])


@pytest.mark.both_databases
def test_members_are_counted_by_state_and_registration_month(app, admin):
    MemberFactory(username="bea", active=False, joined_at=NOON - timedelta(days=62))
    MemberFactory(username="cleo", banned_at=NOON, joined_at=NOON - timedelta(days=400))
    MemberFactory(username="dora", active=False, erased_at=NOON)
    RegistrationFactory()
    RegistrationFactory(expired=True)
    with app.app_context(), transaction():
        db.session.add(Totp(member_id=MemberFactory(username="ella").id, secret="x", confirmed_at=NOON))
    clock.set_now(NOON - timedelta(days=3))
    with app.app_context(), transaction():
        audit.record("logged_in", "member")
    clock.set_now(NOON)
    admin.get("/statistics/")
    with count_statements() as statements:
        page = admin.get("/statistics/")
    assert len(statements) <= 6, "\n".join(statements)
    shown = {
        label: number(page, label)
        for label in ("Active", "Not active", "Banned", "Deleted", "With a second factor", "Pending registrations")
    }
    assert shown == {
        "Active": 6, "Not active": 1, "Banned": 1, "Deleted": 1, "With a second factor": 1, "Pending registrations": 1,
    }  # fmt: skip
    assert (number(page, "Apr 2030"), number(page, "Jun 2030"), number(page, "Jul 2029")) == (1, 7, 0)
    assert (number(page, "Jun 12"), number(page, "Jun 15"), number(page, "Jun 14")) == (1, 1, 0)


def test_the_charts_need_no_script_or_inline_style(admin):
    text = admin.get("/statistics/").text
    assert text.count("<rect") == 6 + 12 + 30
    assert "style=" not in text
    assert text.count("<script") == 1


@pytest.mark.parametrize("name", ["accounts", "members", "logins"])
def test_each_chart_is_taken_away_as_files(admin, name):
    page = admin.get("/statistics/").text
    files = {kind: admin.get(f"/statistics/{name}.{kind}") for kind in ("svg", "png", "csv")}
    assert all(f'href="/statistics/{name}.{kind}" download' in page for kind in files)
    assert files["svg"].text.startswith("<svg")
    assert files["png"].response.data.startswith(b"\x89PNG")
    assert "Number" in files["csv"].text.splitlines()[0]


def test_there_are_no_other_files(admin, client_of, cast):
    assert admin.get("/statistics/other.csv").status == 404
    assert client_of(cast.friend).get("/statistics/accounts.csv").status == 403


def test_the_page_is_for_administrators_and_in_their_menu(admin, client_of, cast, visitor):
    assert 'href="/statistics/"' in admin.get("/users/list/").text
    assert client_of(cast.friend).get("/statistics/").status == 403
    assert visitor.get("/statistics/").path == "/login/"
