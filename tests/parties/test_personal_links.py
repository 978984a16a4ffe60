"""Personal links of guests without an account, and of members."""

import pytest

from app.outbox.models import OutboxEmail
from app.parties.models import Rsvp
from tests.support.factories import PASSWORD, DinnerPartyFactory, InvitationFactory, RsvpFactory

SEE_YOU = "See you on "


def open_link(visitor, invitation):
    return visitor.get(f"/invitations/{invitation.token}")


def answer(visitor, party, wish="yes", **typed):
    page = visitor.get(f"/parties/{party.slug}")
    return visitor.submit(page.form(f"/parties/{party.slug}/rsvp"), button=("answer", wish), **typed)


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, private=True)


@pytest.fixture
def invitation(party):
    return InvitationFactory(party=party)


def test_a_guest_without_an_account_replies_by_personal_link(visitor, party, invitation, records):
    page = open_link(visitor, invitation)
    assert party.title in page.text
    ((category, text),) = answer(visitor, party).flashes
    assert (category, text[: len(SEE_YOU)]) == ("info", SEE_YOU)
    row = next(row for row in records.all(Rsvp) if row.email == invitation.email)
    assert (row.status, row.member_id, row.invitation_id, row.name) == ("yes", None, invitation.id, "Iris Invited")
    letter = records.one(OutboxEmail)
    assert letter.secret == invitation.token
    assert invitation.token not in letter.text


def test_opening_a_personal_link_changes_nothing(visitor, party, invitation, records):
    open_link(visitor, invitation)
    assert records.count(Rsvp) == 1
    assert records.fresh(invitation).opened_at is None


def test_a_revoked_link_is_invalid(visitor, party, records):
    invitation = InvitationFactory(party=party, revoked=True)
    page = open_link(visitor, invitation)
    assert page.flashes == [("danger", "This invitation is not valid any more.")]
    assert visitor.get(f"/parties/{party.slug}").status == 404


def test_the_party_size_is_limited_by_the_invitation(visitor, party, invitation):
    open_link(visitor, invitation)
    page = answer(visitor, party, party_size="3")
    assert page.flashes == [("danger", "One answer can cover at most 2 people here.")]
    assert answer(visitor, party, party_size="2").flashes[0][0] == "info"


def test_a_guest_without_an_invitation_awaits_approval(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, approval=True)
    friend = client_of(cast.friend)
    assert answer(friend, party).flashes == [("info", "Your request was sent to the host.")]
    assert answer(friend, party).flashes == [
        ("info", "Nothing changed: your request is waiting for the host's approval.")
    ]
    assert records.fresh(party).seats_taken == 1
    letter = records.one(OutboxEmail)
    assert (letter.kind, letter.recipient) == ("approval_requested", cast.host.email)
    assert friend.post(f"/parties/{party.slug}/withdraw").flashes == [("info", "Your request has been withdrawn.")]


def test_an_invited_guest_needs_no_approval(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, approval=True)
    InvitationFactory(party=party, email=cast.friend.email)
    assert answer(client_of(cast.friend), party).flashes[0][0] == "info"
    assert records.fresh(party).seats_taken == 2


def test_the_link_does_not_change_an_rsvp_given_with_an_account(visitor, cast, party, invitation, records):
    RsvpFactory(party=party, member=cast.friend, email=invitation.email)
    open_link(visitor, invitation)
    page = answer(visitor, party, "no")
    assert page.flashes == [("warning", "This invitation was answered with an account. Log in to change the answer.")]


def test_logging_in_keeps_the_link_and_attaches_the_rsvp(visitor, cast, party, invitation, records):
    open_link(visitor, invitation)
    answer(visitor, party)
    visitor.log_in(cast.stranger.username, PASSWORD)
    answer(visitor, party, party_size="2")
    row = next(row for row in records.all(Rsvp) if row.invitation_id == invitation.id)
    assert (row.member_id, row.party_size) == (cast.stranger.id, 2)


def test_logging_out_removes_the_link_from_the_session(visitor, cast, party, invitation):
    open_link(visitor, invitation)
    visitor.log_in(cast.stranger.username, PASSWORD)
    visitor.post("/logout/")
    assert visitor.get(f"/parties/{party.slug}").status == 404


# -- opened links


def seen(visitor, party):
    """Send the request of the page's script."""
    assert "data-opened" in visitor.get(f"/parties/{party.slug}").text
    page = visitor.post(f"/parties/{party.slug}/opened")
    assert (page.status, page.text) == (204, "")


def test_an_opened_link_is_recorded_once(visitor, party, invitation, records):
    open_link(visitor, invitation)
    seen(visitor, party)
    opened_at = records.fresh(invitation).opened_at
    assert opened_at is not None
    assert "data-opened" not in visitor.get(f"/parties/{party.slug}").text
    visitor.post(f"/parties/{party.slug}/opened")
    assert records.fresh(invitation).opened_at == opened_at


def test_an_rsvp_records_the_link_as_opened_too(visitor, party, invitation, records):
    open_link(visitor, invitation)
    answer(visitor, party, "no")
    assert records.fresh(invitation).opened_at is not None


def test_only_the_invited_browser_can_record_the_link_as_opened(visitor, client_of, cast, party, invitation, records):
    assert visitor.post(f"/parties/{party.slug}/opened").status == 404
    assert client_of(cast.host).post(f"/parties/{party.slug}/opened").status == 204
    assert records.fresh(invitation).opened_at is None


def test_a_link_opened_by_a_member_is_attached_to_their_rsvp(client_of, cast, party, invitation, records):
    given = RsvpFactory(party=party, member=cast.friend)
    friend = client_of(cast.friend)
    open_link(friend, invitation)
    seen(friend, party)
    assert records.fresh(given).invitation_id == invitation.id


def test_the_url_of_a_link_is_sent_in_no_referrer(visitor, invitation):
    for token in (invitation.token, "unknown"):
        page = visitor.get(f"/invitations/{token}", follow=False)
        assert page.status == 303
        assert (page.headers["Referrer-Policy"], page.headers["Cache-Control"]) == ("no-referrer", "no-store")


def test_a_guest_without_an_account_sees_their_name_and_how_to_register(visitor, party, invitation):
    page = open_link(visitor, invitation)
    assert f"You are answering as Iris Invited, {invitation.email}." in page.text
    assert "Register to see all your invitations in one place." in page.text


def test_a_member_sees_no_hint_to_register(client_of, cast, party, invitation):
    page = open_link(client_of(cast.friend), invitation)
    assert "You are answering as" not in page.text
