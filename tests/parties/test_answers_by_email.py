"""Strangers answer a public party by e-mail alone, where its hosts allow it."""

import re

import pytest
from sqlalchemy import select

from app.outbox.models import OutboxEmail
from app.parties.enums import RsvpStatus
from app.parties.models import DinnerParty, Invitation, Rsvp
from tests.support.factories import DinnerPartyFactory

IRIS = "iris@example.org"
ASKED = [("info", f"Almost done: confirm your seats with the link that we send to {IRIS}.")]


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, title="Fondue", number_seats=4, max_party=3, answers_by_email=True)


def ask(visitor, party, **fields):
    page = visitor.get(f"/parties/{party.slug}")
    return visitor.submit(page.form("/join"), **({"email": IRIS, "name": "Iris"} | fields))


def link(records):
    letter = records.one(select(OutboxEmail).where(OutboxEmail.kind == "personal_link"))
    path = re.search(r"/invitations/\S+", letter.text).group()
    return letter, path.replace("__secret__", letter.secret)


def test_a_seat_counts_once_it_is_confirmed_by_the_link_in_the_email(visitor, new_visitor, party, records):
    assert ask(visitor, party, party_size="2").flashes == ASKED
    assert records.fresh(party).seats_taken == 1
    assert records.all(select(Rsvp).where(Rsvp.email == IRIS)) == []
    letter, path = link(records)
    assert letter.subject == "Confirm your seats: Fondue"
    assert "asked for 2 seats at this dinner" in letter.text
    guest = new_visitor()
    page = guest.get(path)
    assert (page.path, records.fresh(party).seats_taken) == (f"/parties/{party.slug}", 1)
    page = guest.submit(page.form("/rsvp"), button=("answer", "yes"))
    assert page.flashes[0][1].endswith("Seats for 2 are reserved.")
    assert records.fresh(party).seats_taken == 3
    assert records.one(select(Rsvp).where(Rsvp.email == IRIS)).name == "Iris"


def test_only_hosts_who_allow_it_get_answers_by_email(visitor, host, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    assert not [form for form in visitor.get(f"/parties/{party.slug}").forms if form.action.endswith("/join")]
    assert visitor.post(f"/parties/{party.slug}/join", {"email": IRIS}).flashes == [
        ("danger", "This invitation is not valid any more.")
    ]
    page = host.get(f"/parties/{party.slug}/edit")
    host.submit(page.form("/edit"), button=("action", "publish"), answers_by_email="y")
    assert records.one(DinnerParty).answers_by_email
    assert ask(visitor, party).flashes == ASKED


@pytest.mark.parametrize("hidden", [{"unlisted": True}, {"private": True}, {"draft": True}, {"cancelled": True}])
def test_parties_that_are_not_public_are_not_answered_so(visitor, cast, hidden):
    party = DinnerPartyFactory(host=cast.host, answers_by_email=True, **hidden)
    assert visitor.post(f"/parties/{party.slug}/join", {"email": IRIS}).flashes[0][0] == "danger"


@pytest.mark.usefixtures("no_mail_server")
def test_without_a_mail_server_the_page_offers_an_account_only(visitor, party):
    actions = {form.action for form in visitor.get(f"/parties/{party.slug}").forms}
    assert f"/parties/{party.slug}/wish" in actions
    assert f"/parties/{party.slug}/join" not in actions


def test_who_answers_by_email_needs_approval_like_any_stranger(visitor, new_visitor, host, cast, records):
    party = DinnerPartyFactory(host=cast.host, approval=True, answers_by_email=True)
    ask(visitor, party)
    guest = new_visitor()
    guest.submit(guest.get(link(records)[1]).form("/rsvp"), button=("answer", "yes"))
    assert records.one(select(Rsvp).where(Rsvp.email == IRIS)).status == RsvpStatus.AWAITING_APPROVAL
    # Whom the hosts invite themselves needs none.
    page = host.get(f"/parties/{party.slug}/invitations")
    host.submit(page.form("/invitations"), email=IRIS, name="", number="2")
    assert not records.one(Invitation).asked_by_guest


def test_a_robot_is_asked_whether_it_is_a_person(visitor, party, records):
    page = ask(visitor, party, comment="cheap watches", party_size="2")
    assert page.flashes == [("warning", "One more step: please confirm that you are a person.")]
    assert records.count(OutboxEmail) == 0
    form = page.form("/join")
    assert (form.fields["email"], form.fields["party_size"], form.fields["comment"]) == (IRIS, "2", "")
    assert visitor.submit(form).flashes == ASKED


def test_nothing_typed_is_lost(visitor, party):
    page = ask(visitor, party, email="iris@", party_size="2")
    assert page.status == 422
    assert (page.form("/join").fields["email"], page.form("/join").fields["party_size"]) == ("iris@", "2")


def test_another_site_cannot_ask_in_the_name_of_a_visitor(visitor, party, records):
    page = visitor.get(f"/parties/{party.slug}")
    assert "Set-Cookie" not in page.headers
    fields = {"email": IRIS, "name": "Iris", "party_size": "1"}
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert visitor.post(f"/parties/{party.slug}/join", fields, csrf=False, headers=headers).status == 403
    assert records.all(OutboxEmail) == []
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert visitor.post(f"/parties/{party.slug}/join", fields, csrf=False, headers=own).flashes == ASKED
