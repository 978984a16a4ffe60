"""Calendars are told what becomes of a dinner that they were sent."""

from datetime import timedelta

import pytest
import vobject

from app import clock
from app.accounts.models import Member
from app.accounts.users import account_deletion
from app.database import transaction
from app.extensions import db
from app.outbox.models import EmailTopic, OutboxEmail, Unsubscription
from app.parties.calendar import appointments
from app.parties.calendar.models import CalendarEntry
from app.parties.invitations import mail as invitation_mail
from app.parties.models import DinnerParty, Invitation, Rsvp
from tests.support.factories import (
    CalendarEntryFactory,
    DinnerPartyFactory,
    InvitationFactory,
    OutboxEmailFactory,
    RsvpFactory,
    UnreachableAddressFactory,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:vobject")


def sent(records, to):
    """Return what the calendar of an e-mail address was sent, the oldest first, and how the guest stands in each."""
    letters = sorted((row for row in records.all(OutboxEmail) if row.recipient == to), key=lambda row: row.id)
    calendars = [(row.kind, vobject.readOne(row.calendar)) for row in letters if row.calendar]
    found = [
        # Where e-mail is not received, nobody is asked.
        (
            kind,
            calendar.method.value,
            *(each.params["PARTSTAT"][0] for each in calendar.vevent.contents.get("attendee", ())),
        )
        for kind, calendar in calendars
    ]
    numbers = [int(calendar.vevent.sequence.value) for _kind, calendar in calendars]
    return found, numbers


def has(party, email):
    """Let the calendar of an e-mail address have the party."""
    CalendarEntryFactory(party_id=party.id, email=email.lower())


def tick():
    """An e-mail is sent once for each moment of an answer."""
    clock.set_now(clock.now() + timedelta(minutes=1))


@pytest.mark.both_databases
def test_a_calendar_follows_its_owner_out_in_again_and_elsewhere(client_of, cast, party, records):
    friend, host, here = client_of(cast.friend), client_of(cast.host), f"/parties/{party.slug}"
    for wish in ("yes", "maybe", "yes"):
        friend.post(f"{here}/rsvp", {"answer": wish})
        tick()
    friend.post(f"{here}/withdraw")
    tick()
    friend.post(f"{here}/rsvp", {"answer": "yes"})
    host.submit(host.get(f"{here}/edit").form(f"{here}/edit"), venue="Another house")
    host.post(f"{here}/cancel")
    found, numbers = sent(records, cast.friend.email)
    assert found == [
        ("rsvp_yes", "REQUEST", "ACCEPTED"),
        ("rsvp_maybe", "REQUEST", "TENTATIVE"),
        ("rsvp_yes", "REQUEST", "ACCEPTED"),
        ("rsvp_no", "CANCEL", "DECLINED"),
        ("rsvp_yes", "REQUEST", "ACCEPTED"),
        ("party_changed", "REQUEST", "ACCEPTED"),
        ("party_cancelled", "CANCEL", "ACCEPTED"),
    ]
    # A calendar may ignore a cancellation, or an invitation after one, with a SEQUENCE that it knows.
    assert numbers == [0, 0, 0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("answer", "full", "told"),
    [
        ("yes", False, ("rsvp_yes", "REQUEST", "ACCEPTED")),
        ("yes", True, ("rsvp_waitlisted", "REQUEST", "TENTATIVE")),
        ("no", False, ("rsvp_no", "CANCEL", "DECLINED")),
    ],
)
def test_the_calendar_of_an_invited_guest_hears_their_answer(visitor, cast, records, answer, full, told):
    party = DinnerPartyFactory(host=cast.host, small=True, full=full)
    invitation = InvitationFactory(party=party)
    has(party, invitation.email)
    visitor.get(f"/invitations/{invitation.token}")
    visitor.post(f"/parties/{party.slug}/rsvp", {"answer": answer})
    assert sent(records, invitation.email)[0] == [told]


def test_who_leaves_the_waiting_list_loses_the_tentative_dinner(client_of, visitor, cast, records):
    party = DinnerPartyFactory(host=cast.host, small=True, full=True)
    invitation = InvitationFactory(party=party)
    has(party, invitation.email)
    visitor.get(f"/invitations/{invitation.token}")
    visitor.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    host = client_of(cast.host)
    host.submit(host.get(f"/parties/{party.slug}/edit").form(f"/parties/{party.slug}/edit"), venue="Another house")
    visitor.post(f"/parties/{party.slug}/withdraw")
    assert sent(records, invitation.email)[0] == [
        ("rsvp_waitlisted", "REQUEST", "TENTATIVE"),
        ("party_changed", "REQUEST", "TENTATIVE"),
        ("rsvp_no", "CANCEL", "DECLINED"),
    ]


@pytest.mark.parametrize("status", ["yes", "waitlisted", "awaiting_approval"])
def test_whom_the_host_removes_loses_the_dinner_in_the_calendar(client_of, cast, party, records, status):
    rsvp = RsvpFactory(party=party, member=cast.friend, status=status, waitlisted_at=clock.now())
    has(party, cast.friend.email)
    client_of(cast.host).post(f"/parties/{party.slug}/guests/{rsvp.id}/remove")
    ((_kind, method, _stands),) = sent(records, cast.friend.email)[0]
    assert method == "CANCEL"


# -- other ways out


@pytest.fixture
def answered_elsewhere(party, cast):
    """An invitation to one address, whose reader answered yes with the account of another; both calendars have the party."""
    invitation = InvitationFactory(party=party, email="at.work@example.org")
    RsvpFactory(party=party, member=cast.friend, invitation=invitation, status="yes")
    has(party, invitation.email)
    has(party, cast.friend.email)
    return invitation


def email_about(invitation, state):
    return OutboxEmailFactory(
        kind="party_invitation",
        recipient=invitation.email,
        dedupe_key=f"party_invitation:{invitation.id}:1",
        state=state,
        secret=None,
    )


@pytest.mark.both_databases
@pytest.mark.parametrize(("state", "answer"), [("sent", None), ("queued", None), ("failed", None), ("sent", "yes")])
def test_whose_invitation_is_withdrawn_loses_the_dinner_that_was_sent(client_of, cast, party, records, state, answer):
    invitation = InvitationFactory(party=party)
    if answer:
        RsvpFactory(
            party=party,
            member=None,
            email=invitation.email,
            name="",
            locale=None,
            timezone=None,
            invitation=invitation,
            status=answer,
        )
    has(party, invitation.email)
    email_about(invitation, state)
    client_of(cast.host).post(f"/parties/{party.slug}/invitations/{invitation.id}/revoke")
    told = state == "sent" and answer is None
    assert sent(records, invitation.email)[0] == ([("appointment_removed", "CANCEL", "NEEDS-ACTION")] if told else [])
    # What never left the outbox is forgotten; who keeps their seat keeps the dinner.
    assert [entry.method for entry in records.all(CalendarEntry)] == (
        ["CANCEL"] if told else ["REQUEST"] if answer else []
    )


def test_a_withdrawn_guest_who_is_invited_again_has_the_dinner_again(client_of, cast, party, records):
    invitation = InvitationFactory(party=party)
    has(party, invitation.email)
    host, here = client_of(cast.host), f"/parties/{party.slug}/invitations/{invitation.id}"
    host.post(f"{here}/revoke")
    host.post(f"{here}/again", {"round": 1})
    found, numbers = sent(records, invitation.email)
    assert [each[0] for each in found] == ["appointment_removed", "party_invitation"]
    assert numbers == [1, 2]


@pytest.mark.parametrize("leave", ["withdraw", "rsvp", "remove"])
def test_the_calendar_of_the_invited_address_hears_who_leaves_by_another(
    client_of, cast, party, records, answered_elsewhere, leave
):
    here = f"/parties/{party.slug}"
    if leave == "remove":
        rsvp = next(rsvp for rsvp in records.all(Rsvp) if rsvp.member_id == cast.friend.id)
        client_of(cast.host).post(f"{here}/guests/{rsvp.id}/remove")
    else:
        client_of(cast.friend).post(f"{here}/{leave}", {"answer": "no"})
    assert sent(records, answered_elsewhere.email)[0] == [("appointment_removed", "CANCEL", "NEEDS-ACTION")]
    assert {entry.method for entry in records.all(CalendarEntry)} == {"CANCEL"}


@pytest.mark.parametrize("how", ["cancel", "delete", "series"])
def test_a_party_that_goes_leaves_no_calendar_with_it(client_of, cast, party, records, answered_elsewhere, how):
    maybe = RsvpFactory(
        party=party, member=None, email="m@example.org", name="", locale=None, timezone=None, status="maybe"
    )
    silent = InvitationFactory(party=party, invited_by=cast.host)
    # The owner was told how clocks are set anew.
    addresses = [cast.host.email, cast.friend.email, answered_elsewhere.email, maybe.email, silent.email]
    for email in (cast.host.email, maybe.email, silent.email):
        has(party, email)
    if how == "cancel":
        client_of(cast.host).post(f"/parties/{party.slug}/cancel")
    elif how == "delete":
        client_of(cast.admin).post(f"/dinnerparties/delete/{party.id}")
        assert not any(row.id == party.id for row in records.all(DinnerParty))
    else:
        host = client_of(cast.host)
        host.post(
            f"/parties/{party.slug}/series", {"frequency": "weekly", "every": "1", "number": "2", "action": "create"}
        )
        host.post(f"/parties/{party.slug}/series/cancel")
    assert {email: [each[1] for each in sent(records, email)[0]] for email in addresses} == {
        email: ["CANCEL"] for email in addresses
    }


def test_a_party_that_moves_moves_in_every_calendar(client_of, cast, party, records, answered_elsewhere):
    has(party, cast.host.email)
    host, here = client_of(cast.host), f"/parties/{party.slug}/edit"
    page = host.submit(host.get(here).form(here), venue="Another house")
    addresses = cast.host.email, cast.friend.email, answered_elsewhere.email
    methods = [each[1] for email in addresses for each in sent(records, email)[0]]
    # Where e-mail is not received, invited people are not asked.
    assert methods == ["REQUEST", "REQUEST", "PUBLISH"]
    assert "1 guest" in page.flashes[0][1]


@pytest.mark.both_databases
def test_a_deleted_account_takes_its_dinners_out_of_its_calendar(app, cast, records):
    start = clock.now() + timedelta(days=60)
    own, party, other = (DinnerPartyFactory(host=host, starts_at=start) for host in (cast.friend, cast.host, cast.host))
    InvitationFactory(party=other, email=cast.friend.email.upper())
    RsvpFactory(party=party, member=cast.friend, status="yes")
    guest = RsvpFactory(party=own, member=cast.stranger, status="yes")
    email = cast.friend.email
    for each in (own, party, other):
        has(each, email)
    has(own, guest.email)
    with app.app_context():
        with transaction():
            account_deletion.schedule(db.session.get(Member, cast.friend.id))
        clock.set_now(clock.now() + timedelta(days=app.config["ACCOUNT_DELETION_GRACE_DAYS"], hours=1))
        assert account_deletion.run_due() == 1
    (farewell,) = [row for row in records.all(OutboxEmail) if row.recipient == email]
    found = list(vobject.readComponents(farewell.calendar))
    assert {(each.method.value, each.vevent.uid.value.partition("@")[0]) for each in found} == {
        ("CANCEL", f"dinner-{each.id}") for each in (own, party, other)
    }
    assert "removes them from your calendar" in farewell.text
    assert sent(records, guest.email)[0] == [("party_cancelled", "CANCEL", "ACCEPTED")]
    assert not any(entry.email == email for entry in records.all(CalendarEntry))


def test_a_member_with_a_new_address_still_loses_what_they_leave(app, client_of, cast, party, records):
    RsvpFactory(party=party, member=cast.friend, status="yes")
    has(party, cast.friend.email)
    with app.app_context(), transaction():
        db.session.get(Member, cast.friend.id).email = "new@example.org"
    client_of(cast.friend).post(f"/parties/{party.slug}/withdraw")
    assert sent(records, "new@example.org")[0] == [("rsvp_no", "CANCEL", "DECLINED")]


def test_an_invitation_with_a_corrected_address_leaves_the_calendar_of_the_old_one(client_of, cast, party, records):
    invitation = InvitationFactory(party=party)
    has(party, invitation.email)
    UnreachableAddressFactory(email=invitation.email, problem="full")
    client_of(cast.host).post(
        f"/parties/{party.slug}/invitations/{invitation.id}/address",
        {f"invitation-{invitation.id}-email": "right@example.org"},
    )
    assert [each[1] for each in sent(records, invitation.email)[0]] == ["CANCEL"]
    assert {entry.email: entry.method for entry in records.all(CalendarEntry)} == {"right@example.org": "REQUEST"}


# -- what is not sent


@pytest.mark.parametrize("wish", ["no", "maybe"])
def test_no_calendar_is_told_of_a_dinner_that_it_does_not_have(client_of, cast, party, records, wish):
    client_of(cast.friend).post(f"/parties/{party.slug}/rsvp", {"answer": wish})
    assert records.all(OutboxEmail) == []


@pytest.mark.parametrize("subscribed", [True, False])
def test_only_what_is_sent_is_remembered(app, cast, party, records, subscribed):
    invitation = InvitationFactory(party=party)
    with app.app_context(), transaction():
        if not subscribed:
            db.session.add(Unsubscription(email=invitation.email, topic=EmailTopic.INVITATIONS))
            db.session.flush()
        stored = db.session.get(Invitation, invitation.id)
        invitation_mail.party_invitations(stored.party, [stored])
    assert records.count(CalendarEntry) == records.count(OutboxEmail) == subscribed


@pytest.mark.both_databases
def test_only_a_change_of_the_party_outdates_a_reply(app, client_of, cast, party):
    friend, here = client_of(cast.friend), f"/parties/{party.slug}"
    for wish in ("yes", "no", "yes"):
        friend.post(f"{here}/rsvp", {"answer": wish})
        tick()

    def outdated():
        with app.app_context(), transaction():
            stored = db.session.get(DinnerParty, party.id)
            return [appointments.is_outdated(stored, cast.friend.email, number) for number in range(4)]

    assert outdated() == [False, False, False, False]
    host = client_of(cast.host)
    host.submit(host.get(f"{here}/edit").form(f"{here}/edit"), venue="Another house")
    assert outdated() == [True, True, True, False]
