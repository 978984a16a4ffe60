"""No flash says that an e-mail is sent, or on its way, on a site that sends none."""

import pytest

from app import clock
from app.accounts import tokens
from app.accounts.enums import TokenPurpose
from app.database import transaction
from app.outbox.models import OutboxEmail
from tests.support.factories import (
    PASSWORD,
    DinnerPartyFactory,
    InvitationFactory,
    MemberInvitationFactory,
    OutboxEmailFactory,
    RegistrationFactory,
    RsvpFactory,
)

WHY = "E-mail waits in the outbox, because no mail server is configured."
WAITS = [("warning", WHY)]

pytestmark = pytest.mark.usefixtures("no_mail_server")


def act(admin, view, action, *items):
    return admin.post(f"/{view}/action_post", {"action": action, "rowid": [str(item.id) for item in items]})


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, title="Fondue", max_party=4)


# -- administrators


@pytest.mark.parametrize("number", [1, 2])
def test_an_activation_email_that_cannot_be_sent_again(admin, number, records):
    assert act(admin, "registrations", "resend", *RegistrationFactory.create_batch(number)).flashes == WAITS
    assert records.count(OutboxEmail) == number


def test_an_activated_registration_is_still_said_to_be_activated(admin):
    page = act(admin, "registrations", "resend", RegistrationFactory(activated=True))
    assert page.flashes == [("info", "This account is already activated.")]


@pytest.mark.parametrize("number", [1, 2])
def test_an_invitation_to_register_that_cannot_be_sent_again(admin, number):
    invitations = MemberInvitationFactory.create_batch(number)
    assert act(admin, "memberinvitations", "send_again", *invitations).flashes == WAITS


def test_an_invitation_to_register_that_cannot_be_sent(admin, records):
    page = admin.get("/memberinvitations/add")
    page = admin.submit(page.form("/memberinvitations/add"), email="ada@example.com", locale="en")
    assert page.flashes == WAITS
    assert records.one(OutboxEmail).recipient == "ada@example.com"


@pytest.mark.parametrize("number", [1, 2])
def test_an_invitation_to_a_party_that_cannot_be_sent_again(admin, party, number):
    invitations = InvitationFactory.create_batch(number, party=party)
    assert act(admin, "partyinvitations", "invite_again", *invitations).flashes == WAITS


def test_withdrawing_an_invitation_sends_no_email_and_says_none(admin, party):
    page = act(admin, "partyinvitations", "revoke_invitation", InvitationFactory(party=party))
    assert page.flashes == [("info", "1 invitation withdrawn.")]


def test_a_password_link_that_cannot_be_sent(admin, cast):
    assert act(admin, "users", "send_password_link", cast.friend).flashes == WAITS
    assert act(admin, "users", "send_password_link", cast.host, cast.stranger).flashes == WAITS


def test_an_email_that_is_queued_again_waits(admin):
    page = act(admin, "letters", "resend", OutboxEmailFactory(failed=True))
    assert page.flashes == [("warning", f"1 message queued again. {WHY}")]


def test_the_command_for_a_password_link_says_that_it_waits(app, cast):
    result = app.test_cli_runner().invoke(args=["reset-password", cast.friend.username, "--send-email"])
    assert (result.exit_code, result.output) == (0, f"{WHY}\n")


def test_hosts_of_a_hidden_party_will_be_notified_later(admin, party):
    page = act(admin, "dinnerparties", "hide", party)
    page = admin.submit(page.form("/dinnerparties/action_post"), reason="Too loud")
    assert page.flashes == [("warning", f"1 party is now hidden; its hosts will be notified. {WHY}")]


# -- visitors and members


def test_a_registration_whose_link_waits(visitor):
    page = visitor.get("/register/form")
    page = visitor.submit(
        page.form("/register/form"),
        username="ada", email="ada@example.com", first_name="Ada", last_name="Byron", password=PASSWORD,
    )  # fmt: skip
    assert page.flashes == WAITS
    # The page does not say that an e-mail was sent, either.
    assert page.words.count(WHY) == 2
    assert "we sent you" not in page.words
    assert visitor.log_in("ada", PASSWORD).flashes == [
        ("danger", f"To use your account you have to activate it. {WHY}")
    ]


def test_a_known_and_an_unknown_address_get_the_same_flash(visitor, cast):
    for address in (cast.friend.email, "nobody@example.com"):
        page = visitor.get("/password/forgot")
        assert visitor.submit(page.form("/password/forgot"), email=address).flashes == WAITS
        assert visitor.post("/register/resend", {"email": address}).flashes == WAITS


def test_a_change_of_address_waits_for_its_link(app, client_of, cast, visitor):
    member = client_of(cast.friend)
    page = member.get("/account/email/")
    assert member.submit(page.form("/account/email/"), email="new@example.com").flashes == WAITS
    with app.app_context(), transaction():
        token = tokens.issue(TokenPurpose.UNDO_EMAIL, cast.friend, data={"email": "old@example.com"})
    page = visitor.post(f"/account/email/undo/{token}")
    assert page.flashes == [("warning", f"old@example.com is your e-mail address again. {WHY}")]


# -- hosts


def test_invitations_wait(host, party, records):
    page = host.get(f"/parties/{party.slug}/invitations")
    page = host.submit(page.form("/invitations"), email="iris@example.org", name="Iris")
    assert page.flashes == [("warning", f"1 invited, 0 already invited, 0 invalid addresses. {WHY}")]


def test_the_list_of_invitations_calls_none_sent(host, party):
    InvitationFactory(party=party)
    InvitationFactory(party=party, reminded_at=clock.now())
    text = host.get(f"/parties/{party.slug}/invitations").text
    assert text.count(">Not sent: no mail server</span>") == 2
    assert "Invitation sent" not in text
    assert "Reminder sent" not in text


def test_messages_wait(host, party):
    RsvpFactory(party=party)
    page = host.get(f"/parties/{party.slug}/write")
    typed = {"audiences": "coming", "subject": "Soup", "text": "There is soup."}
    page = host.submit(page.form("/write"), button=("action", "send"), **typed)
    assert page.flashes == [("warning", f"Message queued for 1 guest. {WHY}")]


def test_a_declined_guest_has_not_been_told(host, party):
    rsvp = RsvpFactory(party=party, name="Bo Guest", asking=True)
    page = host.post(f"/parties/{party.slug}/guests/{rsvp.id}/decline")
    assert page.flashes == [("warning", f"The request of Bo Guest was declined. {WHY}")]


def test_guests_of_a_cancelled_party_will_be_told_later(host, party, cast):
    RsvpFactory(party=party, member=cast.friend)
    page = host.post(f"/parties/{party.slug}/cancel")
    assert page.flashes == [("warning", f"Party cancelled; 1 guest will be told. {WHY}")]


def test_a_cancelled_party_without_guests_needs_no_email(host, party):
    page = host.post(f"/parties/{party.slug}/cancel")
    assert page.flashes == [("warning", "Party cancelled; 0 guests will be told.")]
