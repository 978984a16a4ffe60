"""Hosts see whom their e-mails do not reach, and correct the address."""

import pytest

from app.database import transaction
from app.outbox import delivery, unreachable
from app.outbox.models import MailProblem, OutboxEmail, UnreachableAddress
from app.parties.messages import recipients
from app.parties.models import Invitation
from tests.parties.api_client import ApiClient
from tests.support.factories import InvitationFactory, RsvpFactory

WRONG, RIGHT = "rosa@exmaple.org", "rosa@example.org"


@pytest.fixture
def block(app):
    """Let an address refuse e-mail."""

    def record(email=WRONG, problem=MailProblem.NO_MAILBOX):
        with app.app_context(), transaction():
            unreachable.record(email, problem, "550 5.1.1 no such mailbox")

    return record


def path(party):
    return f"/parties/{party.slug}/invitations"


def invite(host, party, email=WRONG):
    return host.submit(host.get(path(party)).form("/invitations"), email=email, name="Rosa")


def correct(host, party, invitation, email):
    form = host.get(path(party)).form(f"/{invitation.id}/address")
    return host.submit(form, **{f"invitation-{invitation.id}-email": email})


@pytest.mark.both_databases
def test_from_a_refused_invitation_to_one_that_arrives(app, host, party, smtp, records):
    smtp.behaviours[WRONG] = "refuse"
    invite(host, party)
    with app.app_context():
        delivery.drain()
    page = host.get(path(party))
    assert "There is no such mailbox." in page.text
    assert "E-mails do not reach 1 address." in page.text
    assert "Invitation sent" not in page.text
    invitation = records.one(Invitation)
    told = correct(host, party, invitation, RIGHT).flashes
    assert told == [("info", f"The invitation is sent to {RIGHT}.")]
    assert records.fresh(invitation).email == RIGHT
    assert [email.recipient for email in records.all(OutboxEmail)] == [WRONG, RIGHT]
    assert "There is no such mailbox." not in host.get(path(party)).text


def test_an_address_without_a_mailbox_is_not_written_to_until_it_is_confirmed(host, party, block, records):
    block()
    (flash,) = invite(host, party).flashes
    assert flash[0] == "warning"
    assert "E-mails do not reach 1 address: correct it below." in flash[1]
    assert records.count(OutboxEmail) == 0
    invitation = records.one(Invitation)
    again = host.submit(host.get(path(party)).form(f"/{invitation.id}/again"))
    assert again.flashes == [
        ("warning", f"E-mails do not reach {WRONG}. Correct the address, or confirm that it is right.")
    ]
    correct(host, party, invitation, WRONG)
    assert records.count(UnreachableAddress) == 0
    assert records.one(OutboxEmail).recipient == WRONG


@pytest.mark.parametrize(
    ("email", "error"),
    [
        ("rosa", "Please enter a valid e-mail address."),
        ("emil@example.org", "This person is already invited, or has answered."),
    ],
)
def test_a_correction_that_cannot_be_stays_in_its_field(host, party, block, records, email, error):
    InvitationFactory(party=party, email="emil@example.org")
    invitation = InvitationFactory(party=party, email=WRONG)
    block()
    page = correct(host, party, invitation, email)
    assert page.status == 422
    assert error in page.text
    assert page.form(f"/{invitation.id}/address").fields[f"invitation-{invitation.id}-email"] == email
    assert records.fresh(invitation).email == WRONG


def test_the_answer_of_a_guest_without_an_account_moves_along(host, party, block, records):
    invitation = InvitationFactory(party=party, email=WRONG)
    rsvp = RsvpFactory(
        party=party, invitation=invitation, member=None, email=WRONG, name="Rosa", locale="en", timezone="UTC"
    )
    block()
    correct(host, party, invitation, RIGHT)
    assert records.fresh(rsvp).email == RIGHT


def test_the_guest_list_and_the_api_say_whom_emails_do_not_reach(app, host, cast, party, block):
    RsvpFactory(party=party, member=cast.friend)
    block(cast.friend.email, MailProblem.CLOSED)
    page = host.get(f"/parties/{party.slug}/guests")
    assert "The mailbox is closed." in page.text
    assert "E-mails do not reach 1 guest" in page.text
    guests = ApiClient(app, cast.host).get(f"/{party.slug}/guests")["result"]
    assert {guest["mail_problem"] for guest in guests} >= {"closed"}


def test_messages_count_and_reach_only_those_who_can_be_reached(app, party, cast, block):
    RsvpFactory(party=party, member=cast.friend)
    with app.app_context():
        audience = recipients.counts(party, "messages")["coming"]
    block(cast.friend.email)
    with app.app_context():
        assert (audience, recipients.counts(party, "messages")["coming"]) == (1, 0)
        assert recipients.select_rsvps(party, ["coming"], "messages") == []
