"""Every list has an end: what a page, an API, a feed or a file reads does not grow with the tables."""

import contextlib
import gc
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, select

from app import clock
from app.accounts.models import Member
from app.address_key import KEYS, address_key
from app.database import transaction
from app.extensions import db, metadata
from app.parties.enums import PartyStatus, RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from tests.parties.api_client import ApiClient
from tests.site.conftest import populate_site
from tests.support.factories import ContactFactory, DinnerPartyFactory, RsvpFactory

# More than the longest page has, and what it may read: a guest and one who comes along for each.
MANY, MOST = 450, 420
# What has an end for another reason.
BOUNDED = {
    # At most 40 dishes, each brought by at most 100.
    "PotluckView.dishes",
    "PotluckApi.list",
    # At most 1,000 guests have a seat.
    "KitchenView.show",
    "PlaceCardsView.show",
    # The permissions of the site's own code, to be ticked.
    "RoleModelView.add",
    "RoleModelView.edit",
    # What goes with a row that is deleted: 500 rows of a table at most are kept, to be restored.
    "PartySeriesModelView.delete",
    # A file of 100,000 rows at most, sent as 500 at a time are read.
    *(f"{name}.csv" for name in ("AuditEventModelView", "DinnerPartyModelView", "InvitationModelView")),
    *(f"{name}.csv" for name in ("PartyReportModelView", "RsvpModelView", "UserModelView")),
    # All guests of a party, read in the same way.
    "GuestListView.csv",
}


@contextlib.contextmanager
def counted_rows(app) -> Iterator[list[None]]:
    """Collect as many things as SQLite returns rows within the block."""
    rows: list[None] = []

    def count(_cursor, row):
        rows.append(None)
        return row

    def watch(connection, *_):
        connection.row_factory = count

    def leave(connection, *_):
        connection.row_factory = None

    with app.app_context():
        pool = db.engine.pool
    event.listen(pool, "checkout", watch)
    event.listen(pool, "checkin", leave)
    # Python 3.11.7 ended with a segmentation fault when it collected garbage between two calls of a row factory.
    gc.disable()
    try:
        yield rows
    finally:
        gc.enable()
        event.remove(pool, "checkout", watch)
        event.remove(pool, "checkin", leave)


def clone(name: str, /, **columns: Callable[[int], Any] | Any) -> None:
    """Store MANY copies of the first row of a table; `columns` have other values, of the number of the copy."""
    table = metadata.tables[name]
    keys = list(table.primary_key.columns)
    row = db.session.execute(select(table).order_by(*keys).limit(1)).mappings().first() or {}
    kept = {name: value for name, value in row.items() if len(keys) > 1 or name != "id"}
    for key, of in KEYS.items():
        value = columns.get(of)
        if key in kept and value is not None:
            columns[key] = (lambda number, value=value: address_key(value(number))) if callable(value) else value
    copies = [
        {**kept, **{name: value(number) if callable(value) else value for name, value in columns.items()}}
        for number in range(MANY)
    ]
    db.session.execute(insert(table), copies)


def fill_site(site, reader: Member, stranger: Member) -> None:
    """Give the reader, the party and the site MANY of everything they can have."""
    now, party = clock.now(), site.party.id
    clone("ab_user", username="copy{}".format, email="copy{}@example.com".format)
    people = db.session.scalars(select(Member.id).where(Member.username.startswith("copy"))).all()
    clone("ab_user_role", user_id=people.__getitem__)
    own, others = (
        _parties(now, "own-{}", host_id=reader.id),
        _parties(now, "other-{}", host_id=stranger.id, series_id=None),
    )
    _fill_party(party, people)
    given = {"invitation_id": None, "waitlisted_at": now, "member_id": reader.id, "email": reader.email}
    clone("rsvp", party_id=others.__getitem__, status=RsvpStatus.YES, **given)
    clone("co_host", party_id=others.__getitem__, member_id=reader.id, created_at=now)
    clone("invitation", party_id=others.__getitem__, email=reader.email, token_hash="b{}".format)
    clone("party_series", id=own.__getitem__, host_id=reader.id)
    entry = {"method": "REQUEST", "sequence": 0, "party_sequence": 0, "current_from": 0}
    clone("calendar_entry", party_id=others.__getitem__, email=reader.email, **entry)
    clone("login_session", token_hash="{}".format, last_seen_at=now, created_at=now)
    clone("device", token_hash="{}".format, member_id=reader.id, created_at=now, last_seen_at=now)
    clone("external_identity", member_id=reader.id, issuer="https://a", subject="{}".format, created_at=now)
    clone("contact", email="copy{}@example.org".format)
    clone("ab_api_key", user_id=reader.id, lookup_hash="{}".format, uuid="{}".format)
    clone("token", member_id=reader.id, token_hash="{}".format)
    clone("ab_register_user", username="n{}".format, email="n{}@example.com".format, registration_hash="{}".format)
    clone("member_invitation", email="fresh{}@example.org".format, token_hash="{}".format)
    for table, column in (("ab_role", "name"), ("ab_group", "name"), ("letter", "dedupe_key")):
        clone(table, **{column: "copy {}".format})
    clone("inbound_message", digest="{}".format)
    clone("unreachable_address", email="copy{}@example.com".format)
    clone("audit_event")


def _parties(now: Any, slug: str, **columns: Any) -> Sequence[int]:
    clone(
        "dinner_party",
        slug=slug.format,
        starts_at=lambda number: now + timedelta(hours=number) * (-1) ** number,
        status=lambda number: PartyStatus.DONE if number % 2 else PartyStatus.PUBLISHED,
        **columns,
    )
    made = select(DinnerParty.id).where(DinnerParty.slug.startswith(slug.partition("{")[0]))
    return db.session.scalars(made).all()


def _fill_party(party: int, people: Sequence[int]) -> None:
    statuses = [status for status in RsvpStatus if status != RsvpStatus.REMOVED]
    clone(
        "rsvp",
        party_id=party,
        member_id=people.__getitem__,
        email="copy{}@example.com".format,
        status=lambda number: statuses[number % len(statuses)],
        invitation_id=None,
        waitlisted_at=clock.now(),
    )
    answers = db.session.scalars(select(Rsvp.id).where(Rsvp.member_id.in_(people))).all()
    person = {"name": "Copy", "diets": [], "allergens": ["nuts"], "note": ""}
    clone("rsvp_person", rsvp_id=answers.__getitem__, position=0, **person)
    clone("line_event", party_id=party, rsvp_id=answers[0], kind="declined")
    clone("dish_claim", rsvp_id=answers.__getitem__)
    clone("invitation", party_id=party, email="copy{}@example.org".format, token_hash="a{}".format)
    clone("guest_message", party_id=party, mark="copy {}".format)
    clone("party_report", party_id=party)


@pytest.mark.slow
def test_what_is_read_does_not_grow_with_the_tables(app, new_app, cast, client_of):
    """Read by somebody who sees everything: an administrator who hosts the party and is a guest of all others."""
    reader = cast.admin
    party = DinnerPartyFactory(host=reader, slug="the-party", share_round=1)
    site = populate_site(app, party, RsvpFactory(party=party, member=cast.friend), reader)
    ContactFactory(owner=reader)
    visitor, program = client_of(reader), ApiClient(app, reader)
    with app.app_context(), transaction():
        fill_site(site, reader, cast.stranger)
    visitor.get("/")  # fill the caches of the process
    program.ask("GET")
    long, shown = {}, 0
    for rule, _method in site.rules("GET"):
        address = site.address(rule)
        with counted_rows(app) as rows:
            if address.startswith("/api/"):
                told = {"Authorization": f"Bearer {program.key}"}
                answer = program.client.get(address, headers=told)
                status, _ = answer.status_code, answer.data
            else:
                page = visitor.get(address, follow=False)
                status, _ = page.status, page.response.data
        shown += status == 200
        if len(rows) > MOST and rule.endpoint not in BOUNDED:
            long[str(rule)] = len(rows)
    assert long == {}
    assert shown > len(list(site.rules("GET"))) * 0.4
    devices = visitor.get("/account/devices/?page=2")
    assert devices.text.count('/sign-out"') == 50
    assert "page=3" in devices.text
