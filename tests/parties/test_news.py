"""Hosts hear of answers: once a day by default, at once, or never."""

from datetime import UTC, datetime, timedelta

import pytest

from app import clock
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties.models import CoHost
from app.parties.rsvps import news
from app.parties.waiting_list import mail as waiting_list_mail
from app.parties.waiting_list.models import WaitOffer
from tests.support.factories import DinnerPartyFactory, RsvpFactory, WaitOfferFactory

# Seven in the morning in Madrid.
EARLY = datetime(2030, 6, 1, 5, tzinfo=UTC)
PREFERENCES = "/account/letters/"


@pytest.fixture(autouse=True)
def early():
    clock.set_now(EARLY)


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, title="Soup", starts_at=EARLY + timedelta(days=9), number_seats=8)


def later(**duration):
    clock.set_now(clock.now() + timedelta(**duration))


def send(app):
    with app.app_context():
        return news.send_digests()


def answer(visitor, party, button="yes"):
    return visitor.submit(visitor.get(f"/parties/{party.slug}").form("/rsvp"), button=("answer", button))


def withdraw(visitor, party):
    return visitor.submit(visitor.get(f"/parties/{party.slug}").form("/withdraw"))


def choose(host, value):
    form = host.get(PREFERENCES).form(PREFERENCES)
    assert host.submit(form, answers=value).flashes == [("info", "Settings saved.")]


def to_host(records, cast):
    return [email for email in records.all(OutboxEmail) if email.recipient == cast.host.email]


@pytest.mark.both_databases
def test_by_default_one_email_in_the_morning_says_how_things_are(app, client_of, party, cast, records):
    friend, stranger = client_of(cast.friend), client_of(cast.stranger)
    answer(friend, party)
    later(minutes=1)
    withdraw(friend, party)
    answer(stranger, party)
    assert to_host(records, cast) == []
    with app.app_context(), transaction():
        db.session.merge(cast.host).timezone = "Europe/Madrid"
    assert send(app) == 1
    (digest,) = to_host(records, cast)
    assert digest.subject == "2 answers to your dinners"
    assert "Friend Doe has withdrawn." in digest.text
    assert "Stranger Doe is coming, with 1 seat." in digest.text
    assert digest.topic == "answers"
    later(minutes=1)
    answer(friend, party)
    assert send(app) == 0
    later(hours=2)
    assert send(app) == 1
    later(days=1)
    assert send(app) == 0


def test_the_emails_are_for_every_host_and_not_about_themselves(app, client_of, party, cast, records):
    with app.app_context(), transaction():
        db.session.add(CoHost(party_id=party.id, member_id=cast.friend.id))
    answer(client_of(cast.friend), party)
    assert send(app) == 1
    (digest,) = [email for email in records.all(OutboxEmail) if email.kind == "answers_digest"]
    assert digest.recipient == cast.host.email


def test_at_once(app, host, client_of, party, cast, records):
    choose(host, "at_once")
    answer(client_of(cast.friend), party)
    (told,) = to_host(records, cast)
    assert (told.kind, told.subject) == ("guest_answered", "Friend Doe has answered: Soup")
    # Hosts know who they are.
    assert "Your host is" not in told.text + told.html
    assert "Friend Doe is coming, with 1 seat." in told.text
    assert send(app) == 0
    choose(host, "daily")
    later(days=1)
    assert send(app) == 0


def test_never_by_choice_or_by_the_link_in_the_email(app, host, client_of, party, cast, records):
    answer(client_of(cast.friend), party)
    choose(host, "never")
    assert send(app) == 0
    assert host.get(PREFERENCES).form(PREFERENCES).fields["answers"] == "never"
    assert to_host(records, cast) == []


def test_a_seat_that_is_free_after_the_deadline_is_told_to_the_host_at_once(client_of, cast, records):
    party = DinnerPartyFactory(
        host=cast.host, title="Soup", starts_at=EARLY + timedelta(days=2), rsvp_deadline=EARLY + timedelta(days=1)
    )
    RsvpFactory(party=party, member=cast.friend, party_size=2)
    later(days=1, hours=1)
    friend = client_of(cast.friend)
    withdraw(friend, party)
    (told,) = to_host(records, cast)
    assert told.subject == "2 seats became free: Soup"
    assert "Friend Doe is not coming any more. 2 seats became free." in told.text


# -- groups that do not fit


def test_a_group_larger_than_the_table_is_told_so(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=3, max_party=40, starts_at=EARLY + timedelta(days=9))
    friend = client_of(cast.friend)
    form = friend.get(f"/parties/{party.slug}").form("/rsvp")
    page = friend.submit(form, party_size="40", min_party="40", button=("answer", "yes"))
    if page.status == 200 and not page.flashes:
        page = friend.submit(page.form("/rsvp"), button=("wait", "y"))
    assert "Your group is larger than the table, which has 2 seats for guests." in str(page.flashes)
    (told,) = [email for email in records.all(OutboxEmail) if email.kind == "rsvp_waitlisted"]
    assert "Your group is larger than the table" in told.text


def test_a_larger_offer_says_that_it_is_larger(app, party, cast, records):
    rsvp = RsvpFactory(party=party, member=cast.friend, status="offered", party_size=4, min_party=2)
    offers = [
        WaitOfferFactory(party=party, rsvp=rsvp, seats=2, state="declined"),
        WaitOfferFactory(party=party, rsvp=rsvp, seats=3, state="pending"),
    ]
    with app.app_context(), transaction():
        for offer in offers:
            waiting_list_mail.seat_offered(db.session.get(WaitOffer, offer.id))
    first, second = (email.text for email in records.all(OutboxEmail))
    assert "Good news: 2 seats became free" in first
    assert "Good news: more seats became free. Now 3 seats are held for you" in second
    assert "the last offer had 2." in second


# -- languages


def test_members_are_invited_in_their_own_language(app, host, party, cast, records):
    with app.app_context(), transaction():
        db.session.merge(cast.friend).locale = "es"
    path = f"/parties/{party.slug}/invitations"
    host.submit(host.get(path).form("/invitations"), email=cast.friend.email, locale="ar")
    host.submit(host.get(path).form("/invitations"), email="rosa@example.org", locale="ar")
    assert [email.locale for email in records.all(OutboxEmail)] == ["es", "ar"]
