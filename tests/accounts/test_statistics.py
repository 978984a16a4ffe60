"""The page of statistics: charts and tables with the same numbers, in few statements."""

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from flask_appbuilder.security.sqla.models import PermissionView, Role
from sqlalchemy import select

from app import audit, clock
from app.accounts.models import Member, Totp
from app.database import transaction
from app.extensions import db
from app.parties.enums import RsvpStatus
from tests.support.factories import (
    DinnerPartyFactory,
    MemberFactory,
    OutboxEmailFactory,
    RegistrationFactory,
    RsvpFactory,
)
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


def section(page, heading):
    """Return the part of the page below a heading."""
    start = page.text.index(f"<h2>{heading}</h2>")
    return page.text[start : page.text.index("</section>", start)]


@pytest.mark.both_databases
def test_the_house_is_counted_too(admin, cast):
    party = DinnerPartyFactory(host=cast.host, number_seats=9, starts_at=NOON + timedelta(days=2))
    RsvpFactory(party=party, member=cast.friend, status=RsvpStatus.NO)
    OutboxEmailFactory(created_at=NOON)
    page = admin.get("/statistics/")
    for heading in ("Parties per month", "Seats and answers per month", "Waiting times per month", "E-mails by state"):
        assert section(page, heading)
    rows = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", section(page, "Seats and answers per month")))
    assert "Seats Seats taken" in rows
    assert re.search(r"Jun 1, 2030 9 ", rows)


def test_the_page_leaves_out_what_its_reader_may_not_ask(app, client_of, cast):
    with app.app_context(), transaction() as session:
        of_statistics = PermissionView.view_menu.has(name="StatisticsView")
        role = Role(name="Counter", permissions=session.scalars(select(PermissionView).where(of_statistics)).all())
        session.add(role)
        friend = session.get(Member, cast.friend.id)
        friend.roles.append(role)
    text = client_of(cast.friend).get("/statistics/").text
    assert "<h2>Accounts</h2>" in text
    assert "E-mails by state" not in text


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
    # Three for accounts, one or two for each named query.
    assert len(statements) <= 11, "\n".join(statements)
    of_accounts = section(page, "Accounts") + section(page, "New members by month") + section(page, "Logins by day")
    page = SimpleNamespace(text=of_accounts)
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
    assert section(admin.get("/statistics/"), "Logins by day").count("<rect") == 30
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
