"""Personal data in parties: data export, account deletion and retention."""

import io
import json
import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import update

from app import clock
from app.accounts.models import Member
from app.accounts.users import account_deletion
from app.database import transaction
from app.extensions import db, metadata
from app.parties.calendar.models import CalendarEntry, CalendarFeed
from app.parties.invitations.models import Contact
from app.parties.messages.models import GuestMessage
from app.parties.models import CoHost, DinnerParty, Invitation, Rsvp
from app.parties.moderation.models import PartyReport
from app.parties.potluck.models import DishClaim, DishSlot
from app.scheduler import purge
from tests.support.factories import (
    CalendarEntryFactory,
    ContactFactory,
    DinnerPartyFactory,
    DishClaimFactory,
    DishSlotFactory,
    GuestMessageFactory,
    InvitationFactory,
    MenuItemFactory,
    OutboxEmailFactory,
    PartyReportFactory,
    RsvpFactory,
)

# Every column of parties that names a member or holds an e-mail address, where it is in the data export, and what
# account deletion does to it. A new one belongs here, into app.parties.personal_data, and into the test below.
PERSONAL = {
    "calendar_entry.email": ("calendar.json", "the row is deleted"),
    "calendar_feed.member_id": ("calendar.json", "the row is deleted"),
    "co_host.member_id": ("hosting_with_others.json", "the row is deleted"),
    "contact.email": ("address_book.json", "the row is deleted, in the address books of others, too"),
    "contact.owner_id": ("address_book.json", "the row is deleted"),
    "dinner_party.host_id": (
        "parties.json",
        "what is to come is called off; place and description go; the member has no name",
    ),
    "guest_message.author_id": ("messages.json", "nobody wrote it, and nothing stands in it"),
    "invitation.email": ("invitations.json", "another address; the link opens nothing"),
    "invitation.invited_by_id": ("invitations.json", "nobody invited them"),
    "party_report.decided_by_id": (None, "stays: the member has no name; it is in the audit log"),
    "party_report.reporter_id": ("reports.json", "nobody reported it, and in no words"),
    "party_series.host_id": ("series.json", "nobody planned it"),
    "rsvp.email": ("answers.json", "another address"),
    "rsvp.member_id": ("answers.json", "what is to come is withdrawn; the member has no name"),
}
HERE = "/account/data/"
LATER = timedelta(days=14, seconds=1)
KEPT = timedelta(days=365)
SECRETS = ("friend@example.com", "other@example.org", "Iris Friend", "between us", "my own words", "Friendly tart")


@pytest.fixture
def files(client_of, cast):
    """The data export of the friend."""

    def read():
        visitor = client_of(cast.friend)
        page = visitor.submit(visitor.get(HERE).form("/export"))
        with zipfile.ZipFile(io.BytesIO(page.response.get_data())) as packed:
            return {name: packed.read(name).decode() for name in packed.namelist()}

    return read


@pytest.fixture
def erase(app):
    """Delete the account of a member."""

    def do(member):
        with app.app_context():
            with transaction():
                db.session.execute(update(Member).where(Member.id == member.id).values(erase_at=clock.now()))
            assert account_deletion.run_due() == 1

    return do


@pytest.fixture
def known(app, cast):
    """Store everything that parties can store about the friend."""
    own = DinnerPartyFactory(host=cast.friend, title="My own", slug="my-own")
    table = DinnerPartyFactory(host=cast.host, title="Tagine", slug="tagine")
    asked = DinnerPartyFactory(host=cast.stranger, title="Fondue", slug="fondue")
    by_link = InvitationFactory(party=table, email="other@example.org", name="Iris Friend")
    answer = RsvpFactory(party=table, member=cast.friend, invitation=by_link, note="my own words")
    InvitationFactory(party=asked, email="FRIEND@example.com", name="Iris Friend")
    InvitationFactory(party=own, invited_by=cast.friend, email="guest@example.net", name="Gus Guest")
    ContactFactory(owner=cast.friend, email="aunt@example.net")
    ContactFactory(owner=cast.host, email="friend@example.com", name="Iris Friend")
    ContactFactory(owner=cast.host, email="aunt@example.net")
    slot = DishSlotFactory(party=table, name="Something sweet")
    DishClaimFactory(slot=slot, rsvp=answer, dish="Friendly tart")
    past = DinnerPartyFactory(host=cast.host, past=True)
    DishClaimFactory(slot__party=past, rsvp=RsvpFactory(party=past, member=cast.friend), dish="Friendly tart")
    MenuItemFactory(party=own, name="Raclette")
    GuestMessageFactory(party=own, author=cast.friend, subject="between us", text="between us")
    PartyReportFactory(party=asked, reporter=cast.friend, note="my own words")
    CalendarEntryFactory(party_id=past.id, email="friend@example.com")
    with app.app_context(), transaction():
        db.session.add(CoHost(party_id=asked.id, member_id=cast.friend.id))
        db.session.add(CalendarFeed(member_id=cast.friend.id, token_hash="hash of a feed"))
    return own, table, asked, slot, answer


def addresses(records, model):
    return sorted(row.email for row in records.all(model))


def test_every_column_with_personal_data_is_declared():
    ours = {
        mapper.local_table
        for mapper in DinnerParty.registry.mappers
        if mapper.class_.__module__.startswith("app.parties.")
    }
    assert ours <= set(metadata.tables.values())
    # A key goes with its address.
    found = {
        f"{table.name}.{column.name}"
        for table in ours
        for column in table.columns
        # A switch that has to do with e-mail is none.
        if ("email" in column.name and not column.name.endswith("_key") and column.type.python_type is not bool)
        or any(key.column.table.name == "ab_user" for key in column.foreign_keys)
    }
    assert found == set(PERSONAL)


def test_the_data_export_has_all_data_of_a_member_and_nothing_of_others(files, known, cast):
    read = files()
    assert {name for name, _how in PERSONAL.values() if name} <= set(read)
    found = {name: json.loads(content) for name, content in read.items() if name.endswith(".json")}
    assert found["parties.json"][0]["menu"][0]["name"] == "Raclette"
    assert [party["title"] for party in found["hosting_with_others.json"]] == ["Fondue"]
    sent, received = found["invitations.json"]["sent"], found["invitations.json"]["received"]
    assert [(row["email"], row["party"]["title"]) for row in sent] == [("guest@example.net", "My own")]
    assert [row["party"]["title"] for row in received] == ["Fondue"]
    assert [row["email"] for row in found["address_book.json"]] == ["aunt@example.net"]
    assert {row["asked_for"] for row in found["brought.json"]} >= {"Something sweet"}
    assert found["messages.json"][0]["text"] == "between us"
    assert found["reports.json"][0]["note"] == "my own words"
    assert found["calendar.json"]["secret_address_since"]
    assert [entry["method"] for entry in found["calendar.json"]["sent"]] == ["REQUEST"]
    text = "".join(read.values())
    assert "hash of a feed" not in text
    assert "token" not in "".join(found["invitations.json"]["received"][0])


def test_the_data_export_leaves_out_drafts_and_revoked_invitations(files, cast):
    InvitationFactory(
        party=DinnerPartyFactory(host=cast.host, draft=True, title="Surprise"), email=cast.friend.email, sent_at=None
    )
    private = DinnerPartyFactory(host=cast.host, private=True, title="Secret supper")
    InvitationFactory(party=private, email=cast.friend.email, revoked=True)
    text = "".join(files().values())
    assert ("Surprise" in text, "Secret supper" in text) == (False, False)


@pytest.mark.both_databases
def test_account_deletion_removes_all_personal_data(erase, known, cast, records):
    own, table, _asked, slot, answer = known
    erase(cast.friend)
    # Except the e-mail that confirms it.
    left = str({name: [row for row in rows if "account_deleted" not in row] for name, rows in records.dump().items()})
    assert [words for words in SECRETS if words.lower() in left.lower()] == []
    assert (records.fresh(own).status, records.fresh(answer).status) == ("cancelled", "cancelled")
    assert records.fresh(table).seats_taken == 1
    assert (records.fresh(slot).claimed, records.fresh(slot).wanted) == (0, 3)
    assert records.count(DishClaim) == 1
    assert addresses(records, Contact) == ["aunt@example.net"]
    assert records.count(CalendarFeed) == records.count(CoHost) == 0
    assert addresses(records, CalendarEntry) == ["guest@example.net"]
    theirs = [row for row in records.all(Invitation) if row.email.startswith("erased-")]
    assert [(row.name, row.token_hash, row.revoked_at is not None) for row in theirs] == [("", None, True)] * 2
    (other,) = [row for row in records.all(Invitation) if not row.email.startswith("erased-")]
    assert (other.email, other.invited_by_id) == ("guest@example.net", None)
    assert records.one(GuestMessage).author_id is None
    assert records.one(PartyReport).reporter_id is None
    assert len(records.all(DishSlot)) == 2


def test_the_personal_link_of_a_deleted_member_is_invalid(erase, cast, visitor):
    invitation = InvitationFactory(email=cast.friend.email)
    erase(cast.friend)
    page = visitor.get(f"/invitations/{invitation.token}")
    assert page.flashes == [("danger", "This invitation is not valid any more.")]


def test_an_anonymised_guest_gets_no_emails(erase, client_of, cast, records):
    invitation = InvitationFactory(email=cast.friend.email, invited_by=cast.host)
    erase(cast.friend)
    admin = client_of(cast.admin)
    page = admin.post("/partyinvitations/action_post", {"action": "invite_again", "rowid": str(invitation.id)})
    assert page.flashes == [
        ("warning", "The data of this person has been deleted. There is no e-mail address to write to.")
    ]
    assert records.fresh(invitation).revoked_at


@pytest.mark.both_databases
def test_guests_without_an_account_are_anonymised_after_the_retention_period(app, cast, records):
    long_ago = DinnerPartyFactory(host=cast.host, starts_at=clock.now() - KEPT - timedelta(hours=1))
    lately = DinnerPartyFactory(host=cast.host, starts_at=clock.now() - KEPT + timedelta(hours=1))
    for party in (long_ago, lately):
        for email in ("Ann@example.org", "friend@example.com"):
            invited = InvitationFactory(party=party, email=email)
            RsvpFactory(
                party=party,
                member=None,
                invitation=invited,
                email=email,
                name="Ann",
                note="late",
                locale="en",
                timezone="UTC",
            )
        CalendarEntryFactory(party_id=party.id)
    OutboxEmailFactory()

    def kept():
        with app.app_context():
            return done_by_cleanup()

    done = kept()
    assert (done["invitations anonymised"], done["RSVPs without an account anonymised"]) == (1, 1)
    for model in (Invitation, Rsvp):
        rows = [row for row in records.all(model) if row.email.startswith("forgotten-")]
        assert [(row.party_id, row.name, row.email, row.locale) for row in rows] == [
            (long_ago.id, "", f"forgotten-{rows[0].id}@invalid", None)
        ]
        assert sorted(
            {row.email for row in records.all(model) if row.party_id == lately.id} - {"host@example.com"}
        ) == [
            "Ann@example.org",
            "friend@example.com",
        ]
    assert [entry.party_id for entry in records.all(CalendarEntry)] == [lately.id]
    assert records.fresh(long_ago).seats_taken == 3
    again = kept()
    assert (again["invitations anonymised"], again["RSVPs without an account anonymised"]) == (0, 0)


def done_by_cleanup():
    return {task.plural: count for count, task in purge()}


def test_the_retention_period_is_a_setting(new_app, cast, records):
    InvitationFactory(party=DinnerPartyFactory(host=cast.host, past=True), email="ann@example.org")
    with new_app(INVITATION_RETENTION_DAYS="3").app_context():
        assert done_by_cleanup()["invitations anonymised"] == 1
    assert records.one(Invitation).name == ""


@pytest.mark.both_databases
def test_a_member_can_change_to_an_email_address_that_already_has_an_rsvp(app, cast, records):
    shared, own = DinnerPartyFactory(host=cast.host), DinnerPartyFactory(host=cast.host)
    first, second = (RsvpFactory(party=party, member=cast.friend) for party in (shared, own))
    invited = InvitationFactory(party=shared, email="ann@example.org")
    RsvpFactory(
        party=shared, member=None, invitation=invited, email="ann@example.org", name="Ann", locale="en", timezone="UTC"
    )
    with app.app_context(), transaction():
        db.session.get(Member, cast.friend.id).email = "Ann@example.org"
    assert [records.fresh(answer).email for answer in (first, second)] == ["friend@example.com", "Ann@example.org"]
