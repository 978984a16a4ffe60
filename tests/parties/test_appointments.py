"""Calendars are told what becomes of a dinner that they were sent."""

from datetime import timedelta

import pytest
import vobject

from app import clock
from app.database import transaction
from app.extensions import db
from app.outbox.models import EmailTopic, OutboxEmail, Unsubscription
from app.parties.calendar import appointments
from app.parties.calendar.models import CalendarEntry
from app.parties.invitations import mail as invitation_mail
from app.parties.models import DinnerParty, Invitation
from tests.support.factories import CalendarEntryFactory, DinnerPartyFactory, InvitationFactory, RsvpFactory

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:vobject")


def sent(records, to):
    """Return what the calendar of an e-mail address was sent, the oldest first, and how the guest stands in each."""
    letters = sorted((row for row in records.all(OutboxEmail) if row.recipient == to), key=lambda row: row.id)
    calendars = [(row.kind, vobject.readOne(row.calendar)) for row in letters if row.calendar]
    found = [
        (kind, calendar.method.value, calendar.vevent.attendee.params["PARTSTAT"][0]) for kind, calendar in calendars
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
        invitation_mail.party_invitation(stored.party, stored)
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
