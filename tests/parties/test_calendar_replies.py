"""Guests answer in their calendars, where the site receives e-mail."""

from datetime import timedelta
from email.message import EmailMessage

import icalendar
import pytest

from app import clock
from app.database import transaction
from app.extensions import db
from app.inbound import limits, service
from app.inbound.service import Outcome
from app.outbox.models import OutboxEmail
from app.parties.calendar.models import CalendarEntry
from app.parties.invitations import mail as invitation_mail
from app.parties.models import DinnerParty, Invitation, Rsvp
from app.parties.waiting_list.models import WaitOffer
from tests.support.factories import DinnerPartyFactory, InvitationFactory, RsvpFactory, WaitOfferFactory


@pytest.fixture(autouse=True)
def _open_door(app, monkeypatch):
    monkeypatch.setitem(app.config, "INBOUND_ADDRESS", "dinner@dinner.example.org")
    monkeypatch.setattr(service, "limits", limits.RateLimit())


@pytest.fixture
def invite(app):
    """Invite somebody, and return the invitation."""

    def do(party, **columns):
        invitation = InvitationFactory(
            party=party,
            **{"email": "Iris@example.org", "max_party": 4, "invited_by": party.host, **columns},
        )
        with app.app_context(), transaction():
            stored = db.session.get(Invitation, invitation.id)
            invitation_mail.party_invitations(stored.party, [stored])
        return invitation

    return do


@pytest.fixture
def answer(app, records):
    """Press a button in the calendar of a guest who was last sent an appointment."""

    def do(partstat, *, to="Iris@example.org", number=-1, method="REPLY", when=timedelta(0), sender=None, **changes):
        letters = [row for row in records.all(OutboxEmail) if row.recipient == to and row.calendar]
        calendar = icalendar.Calendar.from_ical(sorted(letters, key=lambda row: row.id)[number].calendar)
        (event,) = calendar.walk("VEVENT")
        address = event["organizer"].removeprefix("mailto:")
        calendar["method"] = method
        event["attendee"].params["PARTSTAT"] = partstat
        event["dtstamp"] = icalendar.vDatetime(clock.now() + when)
        for name, value in changes.items():
            event.pop(name, None)
            if value is not None:
                event.add(name, value)
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = sender or to, address, f"{partstat}: dinner"
        message.set_content("I have answered.")
        message.add_alternative(calendar.to_ical().decode(), subtype="calendar", params={"method": method})
        data = message.as_bytes()
        deliver(data, address)
        return data, address

    def deliver(data, address):
        with app.app_context(), transaction():
            assert service.receive(data, address, "iris@example.org") is Outcome.HANDLED

    do.again = deliver
    return do


def status_of(records):
    return [(row.status, row.party_size) for row in records.all(Rsvp) if row.email.lower() == "iris@example.org"]


def kinds(records):
    """Return the kinds of the e-mails to guests."""
    letters = sorted(records.all(OutboxEmail), key=lambda row: row.id)
    return [row.kind for row in letters if row.recipient != "host@example.com"]


def move(app, party, **columns):
    """Change a party as its host does."""
    from app.parties.hosting import service as hosting_service

    with app.app_context(), transaction():
        stored = db.session.get(DinnerParty, party.id)
        for name, value in columns.items():
            setattr(stored, name, value)
        hosting_service.update_party(stored)


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("partstat", "status", "told"),
    [("accepted", "yes", ["rsvp_yes"]), ("DECLINED", "no", ["rsvp_no"]), ("TENTATIVE", "maybe", [])],
)
def test_what_is_pressed_in_the_calendar_counts_as_on_the_page(party, invite, answer, records, partstat, status, told):
    invite(party)
    answer(partstat)
    assert status_of(records) == [(status, 1)]
    assert kinds(records) == ["party_invitation", *told]


@pytest.mark.both_databases
def test_a_reply_that_is_delivered_twice_or_late_counts_once(party, invite, answer, records):
    invite(party)
    yes = answer("ACCEPTED")
    answer.again(*yes)
    answer("DECLINED", number=0, when=timedelta(minutes=1))
    answer.again(*yes)
    assert status_of(records) == [("no", 1)]
    answer("ACCEPTED", number=0, when=timedelta(minutes=-1))
    assert status_of(records) == [("no", 1)]
    assert kinds(records) == ["party_invitation", "rsvp_yes", "rsvp_no"]


def test_a_group_keeps_its_size_and_the_host_reads_the_comment(visitor, party, invite, answer, records):
    invitation = invite(party)
    visitor.get(f"/invitations/{invitation.token}")
    visitor.post(f"/parties/{party.slug}/rsvp", {"answer": "yes", "party_size": "3", "min_party": "2"})
    answer("TENTATIVE", comment="We may be late.\nIris")
    assert status_of(records) == [("maybe", 3)]
    answer("ACCEPTED", when=timedelta(minutes=1))
    assert status_of(records) == [("yes", 3)]
    (rsvp,) = [row for row in records.all(Rsvp) if row.invitation_id]
    assert (rsvp.note, rsvp.min_party) == ("We may be late.\nIris", 2)


@pytest.mark.parametrize("free", [0, 1])
def test_who_accepts_when_too_few_seats_are_free_waits_for_all_of_them(visitor, cast, invite, answer, records, free):
    party = DinnerPartyFactory(host=cast.host, number_seats=4)
    invitation = invite(party)
    visitor.get(f"/invitations/{invitation.token}")
    visitor.post(f"/parties/{party.slug}/rsvp", {"answer": "maybe", "party_size": "2"})
    RsvpFactory.create_batch(3 - free, party=party)
    answer("ACCEPTED")
    assert status_of(records) == [("waitlisted", 2)]
    assert kinds(records)[-1] == "rsvp_waitlisted"


@pytest.mark.parametrize("seats", [1, 2])
def test_who_accepts_takes_an_offer_of_all_seats_and_is_asked_about_fewer(cast, party, invite, answer, records, seats):
    invitation = invite(party)
    rsvp = RsvpFactory(
        party=party, member=None, invitation=invitation, email=invitation.email, name="Iris", status="offered",
        party_size=2, min_party=1, locale="en", timezone="UTC", waitlisted_at=clock.now(),
    )  # fmt: skip
    WaitOfferFactory(rsvp=rsvp, seats=seats)
    answer("ACCEPTED")
    assert status_of(records) == [("yes", 2) if seats == 2 else ("offered", 2)]
    assert kinds(records)[-1] == ("rsvp_yes" if seats == 2 else "reply_refused")
    assert records.one(WaitOffer).state == ("claimed" if seats == 2 else "pending")


def test_an_answer_to_what_has_changed_since_does_not_count(app, party, invite, answer, records):
    invite(party)
    move(app, party, starts_at=party.starts_at + timedelta(hours=1))
    answer("ACCEPTED", number=0)
    assert status_of(records) == []
    assert kinds(records)[-1] == "reply_outdated"
    # To the new appointment it does.
    answer("ACCEPTED", when=timedelta(minutes=1))
    assert status_of(records) == [("yes", 1)]


def test_an_answer_to_a_time_that_changed_without_the_guest_hearing_of_it_does_not_count(
    app, party, invite, answer, records
):
    invite(party, invited_by=None)
    move(app, party, starts_at=party.starts_at + timedelta(hours=1))
    answer("ACCEPTED")
    assert status_of(records) == []
    assert kinds(records) == ["party_invitation", "reply_outdated"]


def test_an_old_answer_to_the_time_that_still_holds_counts(app, party, invite, answer, records):
    invite(party)
    move(app, party, venue="Another house")
    answer("ACCEPTED", number=0)
    assert status_of(records) == [("yes", 1)]


@pytest.mark.parametrize(("partstat", "method"), [("DELEGATED", "REPLY"), ("TENTATIVE", "COUNTER")])
def test_who_proposes_another_time_or_sends_somebody_else_gets_the_link_once(
    party, invite, answer, records, partstat, method
):
    invitation = invite(party)
    answer.again(*answer(partstat, method=method))
    assert status_of(records) == []
    assert kinds(records) == ["party_invitation", "reply_refused"]
    letter = max(records.all(OutboxEmail), key=lambda row: row.id)
    assert (letter.recipient, letter.secret) == (invitation.email, invitation.token)
    assert "You cannot propose another time or send somebody else." in letter.text


def test_after_the_deadline_one_can_give_up_a_seat_but_not_take_one(app, party, invite, answer, records):
    invite(party)
    answer("ACCEPTED")
    clock.set_now(clock.now() + timedelta(days=1))
    with app.app_context(), transaction():
        db.session.get(DinnerParty, party.id).rsvp_deadline = clock.now() - timedelta(hours=1)
    answer("DECLINED")
    assert status_of(records) == [("cancelled", 1)]
    answer("ACCEPTED", when=timedelta(minutes=1))
    assert status_of(records) == [("cancelled", 1)]
    assert kinds(records) == ["party_invitation", "rsvp_yes", "rsvp_no", "reply_refused"]
    letter = max(records.all(OutboxEmail), key=lambda row: row.id)
    assert "The RSVP deadline has passed; contact the host." in letter.text


@pytest.mark.parametrize("sender", ["mallory@example.net", None])
def test_the_token_proves_who_answers_and_the_sender_proves_nothing(app, party, invite, answer, records, sender):
    invite(party)
    invite(party, email="jo@example.org")
    data, address = answer("ACCEPTED", sender=sender)
    assert status_of(records) == [("yes", 1)]
    # Somebody who knows the UID and the address of a guest, but has no token of theirs.
    for token in (address.replace("calendar-i", "calendar-i9"), address.replace("-i", "-r")):
        with app.app_context(), transaction():
            assert service.receive(data, token, "iris@example.org") is Outcome.UNKNOWN_ADDRESS


@pytest.mark.parametrize("uid", ["dinner-999@localhost", None])
def test_an_answer_to_another_event_is_none(party, invite, answer, records, uid):
    invite(party)
    answer("ACCEPTED", uid=uid)
    assert (status_of(records), kinds(records)) == ([], ["party_invitation"])


def test_a_withdrawn_invitation_and_a_cancelled_party_take_no_answer(app, party, invite, answer, records):
    invitation = invite(party)
    with app.app_context(), transaction():
        db.session.get(Invitation, invitation.id).revoked_at = clock.now()
    answer("ACCEPTED")
    with app.app_context(), transaction():
        db.session.get(Invitation, invitation.id).revoked_at = None
    move(app, party, status="cancelled")
    answer("ACCEPTED", when=timedelta(minutes=1))
    assert (status_of(records), kinds(records)) == ([], ["party_invitation", "invitation_cancelled"])


def test_a_member_answers_in_the_calendar_what_they_answered_with_their_account(
    client_of, cast, party, answer, records
):
    client_of(cast.friend).post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    answer("DECLINED", to=cast.friend.email)
    (rsvp,) = [row for row in records.all(Rsvp) if row.member_id == cast.friend.id]
    assert rsvp.status == "no"


def test_the_organizer_of_a_guest_stays_the_same(app, party, invite, answer, records):
    invite(party)
    answer("ACCEPTED")
    move(app, party, venue="Another house")
    organizers = {
        icalendar.Calendar.from_ical(row.calendar).walk("VEVENT")[0]["organizer"] for row in records.all(OutboxEmail)
    }
    assert len(organizers) == 1


def test_where_no_answer_arrives_none_is_asked_for(app, party, invite, monkeypatch, records):
    invite(party)
    monkeypatch.setitem(app.config, "INBOUND_ADDRESS", "")
    invite(party, email="jo@example.org")
    opened, closed = (icalendar.Calendar.from_ical(row.calendar) for row in records.all(OutboxEmail))
    assert (opened["method"], closed["method"]) == ("REQUEST", "PUBLISH")
    (asked,), (told,) = opened.walk("VEVENT"), closed.walk("VEVENT")
    assert asked["attendee"].params["RSVP"] == "TRUE"
    assert asked["organizer"].startswith("mailto:dinner+calendar-i")
    assert "attendee" not in told
    only_link = "Answers from your calendar do not arrive here. Please answer by the link in the e-mail."
    assert (only_link in asked["description"], only_link in told["description"]) == (False, True)
    assert {entry.method for entry in records.all(CalendarEntry)} == {"REQUEST"}
