"""From the page of a party to a seat, by way of a registration or a login."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app import clock
from app.accounts.models import Member, Registration
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties.enums import RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from tests.support.factories import PASSWORD, DinnerPartyFactory, MemberFactory, RsvpFactory

NAME = {"first_name": "Ada", "last_name": "Byron", "email": "ada@example.org", "password": PASSWORD}
ACTIVATED = "Your account is activated, you can now log in."


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, title="Fondue", number_seats=4, max_party=3)


def email(records, kind):
    return records.one(select(OutboxEmail).where(OutboxEmail.kind == kind))


def change(app, party, **columns):
    with app.app_context(), transaction():
        db.session.execute(update(DinnerParty).where(DinnerParty.id == party.id).values(columns))


def want(visitor, party, *, seats="2", by="", follow=True):
    form = visitor.get(f"/parties/{party.slug}").form("/wish")
    return visitor.submit(form, button=("by", by) if by else None, seats=seats)


def register(visitor, party, seats="2"):
    page = want(visitor, party, seats=seats)
    return visitor.submit(page.form("/register/form"), **NAME)


def activate(visitor, records):
    letter = email(records, "activation")
    path = re.search(r"/register/activation/\S+", letter.text).group().replace("__secret__", letter.secret)
    page = visitor.get(path)
    return page, visitor.submit(page.form(path))


def test_a_stranger_gets_a_seat_with_the_activation(visitor, new_visitor, party, records):
    page = want(visitor, party)
    assert "Then we reserve 2 seats at “Fondue” for you." in page.text
    assert page.form("/register/form").names >= {"username", "password"}
    visitor.submit(page.form("/register/form"), **NAME)
    assert "Activate and take my 2 seats" in email(records, "activation").text
    assert records.fresh(party).seats_taken == 1
    # The e-mail is opened on another device.
    shown, page = activate(new_visitor(), records)
    assert "Activate and take my 2 seats" in shown.text
    [(category, text)] = page.flashes
    assert category == "info"
    assert text.startswith(f"{ACTIVATED} You successfully RSVP'd to ")
    assert records.fresh(party).seats_taken == 3
    assert email(records, "rsvp_yes").recipient == NAME["email"]
    assert page.url.endswith(f"/login/?next=/parties/{party.slug}?seats%3D2")


def test_a_party_that_is_full_meanwhile_gives_a_place_on_the_waiting_list(visitor, party, records):
    register(visitor, party)
    RsvpFactory.create_batch(2, party=party)
    _shown, page = activate(visitor, records)
    text = "There are no seats for you yet. You are number 1 on the waiting list; we will write if there are."
    assert page.flashes == [("warning", f"{ACTIVATED} {text}")]
    assert records.one(select(Rsvp).where(Rsvp.email == NAME["email"])).status == RsvpStatus.WAITLISTED


def test_the_account_is_activated_also_where_the_seat_is_not_to_be_had(app, visitor, party, records):
    register(visitor, party)
    change(app, party, rsvp_deadline=clock.now() - timedelta(hours=1))
    _shown, page = activate(visitor, records)
    text = "No seat was reserved: The RSVP deadline has passed; contact the host."
    assert page.flashes == [("warning", f"{ACTIVATED} {text}")]
    assert records.one(select(Member).where(Member.username == "ada.byron")).active


def test_a_party_that_became_private_gives_no_seat_and_says_nothing(app, visitor, party, records):
    register(visitor, party)
    change(app, party, visibility="private")
    _shown, page = activate(visitor, records)
    assert page.flashes == [("info", ACTIVATED)]
    assert records.all(select(Rsvp).where(Rsvp.email == NAME["email"])) == []


@pytest.mark.parametrize("activation", ["none", "auto-login"])
def test_without_an_activation_by_email_the_seat_comes_with_the_registration(
    app, monkeypatch, visitor, party, records, activation
):
    monkeypatch.setitem(app.config, "ACTIVATION", activation)
    page = register(visitor, party)
    assert records.fresh(party).seats_taken == 3
    assert records.one(Registration).wish["seats"] == 2
    if activation == "auto-login":
        assert page.path == f"/parties/{party.slug}"
        assert "You have 2 seats at this dinner." in page.text


def test_a_login_leads_back_to_the_party_with_the_seats_filled_in(visitor, party, records):
    MemberFactory(username="grace")
    page = want(visitor, party, seats="3", by="login")
    page = visitor.submit(page.form("/login/"), username="grace", password=PASSWORD)
    assert page.path == f"/parties/{party.slug}"
    form = page.form("/rsvp")
    assert form.fields["party_size"] == "3"
    visitor.submit(form, button=("answer", "yes"))
    assert records.fresh(party).seats_taken == 4


@pytest.mark.parametrize(("seats", "wanted"), [("99", 3), ("0", 1), ("x", 1), ("", 1)])
def test_a_wish_stays_within_the_bounds_of_the_party(visitor, party, seats, wanted):
    page = visitor.get(f"/parties/{party.slug}/wish?by=login&seats={seats}", follow=False)
    assert page.location.endswith(f"seats%3D{wanted}")


def test_nobody_can_wish_for_a_party_that_they_cannot_see(visitor, cast):
    private = DinnerPartyFactory(host=cast.host, private=True)
    assert visitor.get(f"/parties/{private.slug}/wish").status == 404
