"""Times of a party are shown in its time zone, with place and offset to readers who may live by another clock."""

import re
from datetime import UTC, datetime, timedelta

import pytest

import config
from app import clock
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties.hosting.views import _shown
from app.parties.invitations import mail as invitation_mail
from app.parties.models import Invitation, Rsvp
from app.parties.waiting_list import seats
from app.parties.waiting_list.models import WaitOffer
from tests.support.factories import DinnerPartyFactory, InvitationFactory, MemberFactory, RsvpFactory

NOW = datetime(2030, 7, 1, 0, 36, tzinfo=UTC)
IN_NEW_YORK = "8:36 AM (New York, UTC-4)"
# What has no party, or shows the same moment twice.
ELSEWHERE = {"calendar.html", "_party.html"}


@pytest.fixture
def party(cast):
    clock.set_now(NOW)
    return DinnerPartyFactory(
        host=cast.host,
        timezone="America/New_York",
        starts_at=NOW + timedelta(days=7),
        rsvp_deadline=NOW + timedelta(hours=36),
        number_seats=2,
        full=True,
    )


@pytest.fixture
def offered(app, party):
    """The invitation of a guest without an account who has an offer until 12:36 UTC."""
    invitation = InvitationFactory(party=party)
    guest = RsvpFactory(
        party=party, member=None, email=invitation.email, name="Iris", locale="en", timezone=None,
        invitation=invitation, waiting=True,
    )  # fmt: skip
    with app.app_context(), transaction():
        leaving = db.session.query(Rsvp).filter(Rsvp.party_id == party.id, Rsvp.status == "yes").order_by(Rsvp.id)[1]
        leaving.status = "no"
        db.session.flush()
        seats.release_and_reoffer(party.id, 1)
        offer = db.session.query(WaitOffer).filter_by(rsvp_id=guest.id).one()
        assert offer.expires_at == NOW + timedelta(hours=12)
    return invitation


def plain(text):
    return text.replace("\u202f", " ")


def test_a_guest_without_a_time_zone_reads_the_end_of_an_offer_on_the_clock_of_the_party(
    visitor, party, offered, records
):
    (letter,) = [letter for letter in records.all(OutboxEmail) if letter.kind == "seat_offered"]
    assert IN_NEW_YORK in plain(letter.text)
    assert IN_NEW_YORK in plain(letter.html)
    visitor.get(f"/invitations/{offered.token}")
    for page in ("", "/offer", "/waiting-list"):
        text = plain(visitor.get(f"/parties/{party.slug}{page}").text)
        assert "8:36 AM (New York time)" in text
        assert "12:36 PM" not in text
        assert '<span class="elsewhere"' not in text


@pytest.mark.parametrize(("zone", "shown"), [("Europe/Madrid", IN_NEW_YORK), ("America/Toronto", "8:36 AM")])
def test_hosts_read_it_on_the_clock_of_the_party_too(app, client_of, party, offered, zone, shown):
    with app.app_context(), transaction():
        db.session.merge(party.host).timezone = zone
    host = client_of(party.host)
    for page in ("guests", "waiting-list"):
        text = plain(host.get(f"/parties/{party.slug}/{page}").text)
        assert shown in text
        assert (IN_NEW_YORK in text) is (shown == IN_NEW_YORK)


def test_an_invited_person_reads_time_and_deadline_on_the_clock_of_the_party(app, party, records):
    invitation = InvitationFactory(party=party, invited_by=party.host)
    with app.app_context(), transaction():
        stored = db.session.get_one(Invitation, invitation.id)
        invitation_mail.party_invitations(stored.party, [stored])
    text = plain(records.one(OutboxEmail).text)
    assert "Sunday, July 7, 2030, 8:36 PM (New York, UTC-4)" in text
    assert f"Please answer by Jul 2, 2030, {IN_NEW_YORK}." in text


def test_the_zone_of_a_guest_without_an_account_is_not_guessed(visitor, cast, records):
    party = DinnerPartyFactory(host=cast.host, private=True)
    invitation = InvitationFactory(party=party)
    visitor.get(f"/invitations/{invitation.token}")
    form = visitor.get(f"/parties/{party.slug}").form(f"/parties/{party.slug}/rsvp")
    visitor.submit(form, button=("answer", "yes"))
    (guest,) = [row for row in records.all(Rsvp) if row.email == invitation.email]
    assert guest.timezone is None


def test_a_member_without_a_time_zone_is_told_the_zone_of_every_time(app, client_of, cast):
    member = MemberFactory(timezone=None)
    party = DinnerPartyFactory(host=cast.host, timezone="UTC", starts_at=datetime(2040, 7, 1, 18, tzinfo=UTC))
    assert "from 6 PM to 9 PM (UTC)" in plain(client_of(member).get(f"/parties/{party.slug}").text)


def test_a_stored_value_is_shown_as_the_form_has_it(app, party):
    with app.test_request_context():
        assert plain(_shown(party.rsvp_deadline, party)) == f"Jul 2, 2030, {IN_NEW_YORK}"


def test_no_page_or_email_of_a_party_shows_a_moment_without_naming_the_zone():
    templates = config.ROOT / "app/templates"
    emails = [path for path in (templates / "mail").glob("*/body.*") if "party" in path.read_text()]
    assert len(emails) > 20
    bare = [
        f"{path.parent.name}/{path.name}: {found}"
        for path in (*(templates / "parties").glob("*.html"), *emails)
        if path.name not in ELSEWHERE
        for found in re.findall(r"[\w.]+\|(?:date_time|time|spoken\w*)\b(?!\()", path.read_text())
    ]
    assert bare == []


def test_until_when_one_can_change_ones_mind_is_on_the_clock_of_the_party(app, client_of, cast, party, records):
    with app.app_context(), transaction():
        db.session.merge(cast.friend).timezone = None
        db.session.merge(party).number_seats = 9
    friend = client_of(cast.friend)
    for wish in ("yes", "maybe", "yes", "no"):
        clock.set_now(clock.now() + timedelta(minutes=1))
        friend.post(f"/parties/{party.slug}/rsvp", {"answer": wish})
    letters = [letter for letter in records.all(OutboxEmail) if letter.recipient == cast.friend.email]
    assert [letter.kind for letter in letters] == ["rsvp_yes", "rsvp_maybe", "rsvp_yes", "rsvp_no"]
    for text in (text for letter in letters[1::2] for text in (letter.text, letter.html)):
        assert f"You can change your mind until Jul 2, 2030, {IN_NEW_YORK}." in plain(text)
