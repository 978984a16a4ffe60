"""E-mail addresses and usernames are compared by one stored key, whatever the database takes for lower case."""

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, literal, or_, select, text, update
from sqlalchemy.exc import IntegrityError

from app import setup
from app.accounts import queries
from app.accounts.models import Member
from app.address_key import address_key
from app.checks import addresses  # noqa: F401 - registers itself
from app.database import transaction
from app.doctor import CHECKS
from app.extensions import db
from app.outbox import unreachable, unsubscribe
from app.outbox.models import EmailTopic, MailProblem, OutboxEmail
from app.parties.invitations import service as invitations
from app.parties.invitations.import_list import ImportEntry
from app.parties.invitations.models import Contact
from app.parties.models import DinnerParty, Invitation, Rsvp
from tests.support.databases import application, close_connections, set_up
from tests.support.factories import DinnerPartyFactory, MemberFactory, RowFactory, RsvpFactory

SAME = [
    ("Ana@Example.COM", "ana@example.com"),
    ("JÖRG@example.com", "jörg@example.com"),
    ("IRIS@example.com", "iris@example.com"),
    (" ana@example.com. ", "ana@example.com"),
    ("ana@BÜCHER.example", "ana@xn--bcher-kva.example"),
    ("ana@bücher。example", "ana@XN--BCHER-KVA.example"),
    ("ΝΙΚΟΣ.Α@example.com", "νικος.α@example.com"),
    (unicodedata.normalize("NFD", "JÖRG@bücher.example"), "jörg@bücher.example"),
    ("ДИНА", "дина"),
    ("ana@[192.0.2.1]", "ANA@[192.0.2.1]"),
]
# Other mailboxes, and domains of other owners.
DIFFERENT = [
    ("groß@example.com", "gross@example.com"),
    ("ana@faß.example", "ana@fass.example"),
    ("ısık@example.com", "isik@example.com"),
    ("josé@example.com", "jose@example.com"),
    ("ana.b@example.com", "anab@example.com"),
    ("ana+b@example.com", "ana@example.com"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_one_mailbox_have_one_key(one, other):
    assert address_key(one) == address_key(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_other_mailboxes_have_other_keys(one, other):
    assert address_key(one) != address_key(other)


@given(st.text(max_size=20), st.text(max_size=20))
def test_the_key_of_a_key_is_itself(local, domain):
    for spelled in (local, f"{local}@{domain}"):
        key = address_key(spelled)
        assert address_key(key) == key
        assert address_key(unicodedata.normalize("NFD", spelled)) == key


def test_no_name_or_address_is_compared_by_the_database():
    app = Path(setup.__file__).parent
    found = [f"{file}" for file in app.rglob("*.py") if re.search(r"func\.(lower|upper)\(", file.read_text("utf-8"))]
    assert found == []


GUEST = {"member": None, "name": "Guest", "locale": None, "timezone": None}


# -- databases that fold case in their own ways


@pytest.fixture
def turkish(database, database_kind, tmp_path):
    """The application on a database for which the lower case of I is ı; SQLite knows that of ASCII only."""
    if database_kind == "sqlite":
        yield database.app
        return
    # This build of PostgreSQL has no locale but C: a function takes the place of its own.
    database.place.create("turkish")
    app = application(database.place.url("turkish"), tmp_path)
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text(
            "CREATE FUNCTION lower(value text) RETURNS text LANGUAGE sql IMMUTABLE AS "
            "$$ SELECT pg_catalog.lower(translate(value, 'Iİ', 'ıi')) $$"
        ))  # fmt: skip
        connection.execute(text("ALTER DATABASE turkish SET search_path = public, pg_catalog"))
    close_connections(app)
    set_up(app)
    yield app
    close_connections(app)
    database.place.connection.execute("DROP DATABASE turkish WITH (FORCE)")


@pytest.mark.both_databases
def test_every_database_finds_the_same_people(turkish, database_kind):
    RowFactory.app = turkish
    strange = {"sqlite": ("JÖRG", "jÖrg"), "postgresql": ("IRIS", "ırıs")}[database_kind]
    with turkish.app_context():
        assert db.session.scalar(select(func.lower(literal(strange[0])))) == strange[1]
    host, party = MemberFactory(username="IRIS", email="IRIS@JÖRG.example"), DinnerPartyFactory()
    with turkish.app_context(), transaction():
        for spelled in ("iris", "Iris", "iris@jörg.example", "IRIS@XN--JRG-SNA.EXAMPLE."):
            assert queries.member_by_name_or_email(spelled).id == host.id, spelled
            assert queries.login_record(spelled, "", "", "").member.id == host.id, spelled
        assert queries.member_by_name_or_email("ırıs") is None
        entries = [ImportEntry(f"{name}@example.com") for name in ("JÖRG", "jörg", "IRIS", "iris", "ırıs")]
        result = invitations.invite(
            db.session.get(DinnerParty, party.id), db.session.get(Member, host.id), entries, "en"
        )
        assert (result.added, result.skipped, result.repeated) == (3, 0, 2)
        again = invitations.invite(
            db.session.get(DinnerParty, party.id), db.session.get(Member, host.id), entries[1::2], "en"
        )
        assert (again.added, again.skipped) == (0, 2)
        assert sorted(db.session.scalars(select(Contact.email_key))) == [
            "iris@example.com", "jörg@example.com", "ırıs@example.com"
        ]  # fmt: skip
        assert unsubscribe.unsubscribe("JÖRG@example.com", EmailTopic.MESSAGES)
        assert not unsubscribe.unsubscribe("jörg@example.com", EmailTopic.MESSAGES)
        unreachable.record("IRIS@example.com", MailProblem.NO_MAILBOX, "550")
        reached = select(Invitation.email).where(
            unsubscribe.accepts(Invitation.email_key, EmailTopic.MESSAGES),
            ~unreachable.is_blocked(Invitation.email_key),
        )
        assert list(db.session.scalars(reached)) == ["ırıs@example.com"]


@pytest.mark.both_databases
def test_a_second_row_of_one_address_is_refused(app):
    member, rsvp = MemberFactory(email="jörg@example.com"), RsvpFactory(email="jörg@example.com", **GUEST)
    for add in (
        lambda: MemberFactory(email="JÖRG@example.com"),
        lambda: MemberFactory(username=member.username.upper()),
        lambda: RsvpFactory(party=rsvp.party, email="Jörg@example.com.", **GUEST),
    ):
        with pytest.raises(IntegrityError):
            add()


def test_a_key_follows_its_address(app):
    member, rsvp = MemberFactory(email="Ana@example.com"), RsvpFactory(email="bo@example.com", **GUEST)
    with app.app_context(), transaction():
        values = {"party_id": rsvp.party_id, "round": 1}
        db.session.execute(
            insert(Invitation).values([{**values, "email": "A@x.example"}, {**values, "email": "B@x.example"}])
        )
        db.session.get(Member, member.id).email = "Zoe@example.com"
    with app.app_context():
        assert db.session.get(Member, member.id).email_key == "zoe@example.com"
        assert list(db.session.scalars(select(Invitation.email_key).order_by(Invitation.id))) == [
            "a@x.example",
            "b@x.example",
        ]


LOOKUPS = {
    "MULTI-INDEX OR": lambda: select(Member).where(or_(Member.username_key == "a", Member.email_key == "a")),
    "uq_ab_user_email_key": lambda: select(Member).where(Member.email_key == "a"),
    "uq_ab_user_username_key": lambda: select(Member).where(Member.username_key == "a"),
    "uq_invitation_party_id_email_key": lambda: select(Invitation).where(
        Invitation.party_id == 1, Invitation.email_key == "a"
    ),
    "uq_rsvp_party_id_email_key": lambda: select(Rsvp).where(Rsvp.party_id == 1, Rsvp.email_key == "a"),
    "uq_unsubscription_topic_email_key": lambda: select(literal(1)).where(unsubscribe.accepts("a", "messages")),
    "ix_letter_recipient_key_created_at": lambda: select(OutboxEmail).where(OutboxEmail.recipient_key == "a"),
}


@pytest.mark.parametrize("index", LOOKUPS)
def test_a_lookup_uses_the_index(app, index):
    with app.app_context():
        sql = LOOKUPS[index]().compile(db.engine, compile_kwargs={"literal_binds": True})
        plan = " ".join(row[3] for row in db.session.execute(text(f"EXPLAIN QUERY PLAN {sql}")))
    assert index in plan


def test_the_doctor_names_rows_that_are_one_by_their_key(app):
    members = [MemberFactory(), MemberFactory(), MemberFactory()]
    with app.app_context(), transaction():
        db.session.execute(update(Member).where(Member.id == members[1].id).values(duplicate=1))
        db.session.execute(update(Member).where(Member.id == members[2].id).values(email_key=None))
    with app.app_context():
        texts = [finding.text for finding in CHECKS["addresses"].findings()]
    assert texts == [
        f"ab_user: these rows have the address or name of an older row, spelled otherwise: {members[1].id}",
        f"ab_user: these rows cannot be found by their email: {members[2].id}",
    ]
    with app.app_context(), transaction():
        member = db.session.get(Member, members[2].id)
        member.email = str(member.email)
    with app.app_context():
        assert db.session.get(Member, members[2].id).email_key == members[2].email
