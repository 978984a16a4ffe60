"""The share link, and how it leads to a personal link."""

from datetime import timedelta

import pytest

from app import clock
from app.outbox.models import OutboxEmail
from app.parties.models import Invitation, Rsvp
from tests.support.factories import DinnerPartyFactory, InvitationFactory, RsvpFactory

OVER = [("danger", "This invitation is not valid any more.")]
IRIS = "iris@example.org"
SENT = [("info", f"If we can send e-mail to {IRIS}, a personal link is on its way.")]


def share(host, party, button="renew"):
    """Press one of the buttons of the share link, and return the link that the page shows then."""
    page = host.get(f"/parties/{party.slug}/invitations")
    page = host.submit(page.form("/invitations/link"), button=("action", button))
    return page, next((part.split('"')[0] for part in page.text.split('value="http://localhost')[1:]), "")


def link_of(host, party):
    page, link = share(host, party)
    assert [category for category, _text in page.flashes] == ["info"]
    return link.partition("/parties/")[2] and f"/parties/{link.partition('/parties/')[2]}"


def ask(visitor, party, email=IRIS, name="Iris", **options):
    page = visitor.get(f"/parties/{party.slug}")
    return visitor.submit(page.form("/join"), email=email, name=name, **options)


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, title="Fondue", private=True, max_party=3)


@pytest.fixture
def link(host, party):
    return link_of(host, party)


def test_the_share_link_shows_the_party(link, party, visitor, records):
    before = records.dump()
    page = visitor.get(link, follow=False)
    assert (page.status, page.headers["Referrer-Policy"], page.headers["Cache-Control"]) == (
        303,
        "no-referrer",
        "no-store",
    )
    page = visitor.get(link)
    assert (page.path, page.status) == (f"/parties/{party.slug}", 200)
    assert "Or answer without an account" in page.text
    assert page.form("/wish").buttons == [("", ""), ("by", "login")]
    assert records.dump() == before


def test_without_the_share_link_nobody_sees_the_party_or_gets_a_personal_link(link, party, visitor, records):
    assert visitor.get(f"/parties/{party.slug}").status == 404
    page = visitor.post(f"/parties/{party.slug}/join", {"email": IRIS, "name": "Iris"})
    assert (page.path, page.flashes) == ("/", OVER)
    assert visitor.post("/parties/nothing/join", {"email": IRIS}).flashes == OVER
    assert records.count(OutboxEmail) == 0


@pytest.mark.parametrize(
    "path", ["{link}x", "/parties/nothing/join/x", "/parties/{slug}/join/x", "/parties/{slug}/join/%F0%9F"]
)
def test_a_wrong_share_link_is_invalid(link, party, visitor, path):
    page = visitor.get(path.format(link=link, slug=party.slug))
    assert (page.path, page.flashes) == ("/", OVER)


def test_a_renewed_or_stopped_share_link_is_invalid(link, party, host, new_visitor):
    earlier = new_visitor()
    earlier.get(link)
    page, newer = share(host, party)
    assert page.flashes == [
        ("info", "Anyone with the new link can see this party and answer. Earlier links no longer work.")
    ]
    newer = f"/parties/{newer.partition('/parties/')[2]}"
    assert newer != link
    assert new_visitor().get(link).flashes == OVER
    assert earlier.get(f"/parties/{party.slug}").status == 404
    assert new_visitor().get(newer).status == 200
    page, shown = share(host, party, "stop")
    assert (page.flashes, shown) == ([("info", "The link no longer works.")], "")
    assert new_visitor().get(newer).flashes == OVER
    third = f"/parties/{share(host, party)[1].partition('/parties/')[2]}"
    assert len({link, newer, third}) == 3
    assert new_visitor().get(link).flashes == OVER


def test_renewing_the_link_in_two_tabs_renews_it_once(link, party, host, records):
    form = host.get(f"/parties/{party.slug}/invitations").form("/invitations/link")
    host.submit(form, button=("action", "renew"))
    page = host.submit(form, button=("action", "renew"))
    assert page.flashes == [("warning", "Nothing changed: the link has just been changed.")]
    assert records.fresh(party).share_round == 2
    for strange in ("", "x", "-", "--1", "9" * 40, "²"):
        page = host.post(f"/parties/{party.slug}/invitations/link", {"round": strange})
        assert page.flashes == [("warning", "Nothing changed: the link has just been changed.")]


def test_the_link_of_a_draft_waits_until_it_is_published(host, cast, visitor):
    draft = DinnerPartyFactory(host=cast.host, draft=True)
    page = visitor.get(link_of(host, draft))
    assert (page.path, page.flashes) == ("/", [("danger", "This party is not published yet.")])


def test_a_member_with_the_share_link_needs_no_approval(host, cast, client_of):
    party = DinnerPartyFactory(host=cast.host, private=True, approval=True)
    friend = client_of(cast.friend)
    friend.get(link_of(host, party))
    page = friend.submit(friend.get(f"/parties/{party.slug}").form("/rsvp"), button=("answer", "yes"))
    assert page.flashes[0][1].startswith("You successfully RSVP'd")


# -- personal links


def test_a_visitor_without_an_account_gets_a_personal_link_by_email(link, party, visitor, new_visitor, records):
    visitor.get(link)
    assert ask(visitor, party).flashes == SENT
    row = records.one(Invitation)
    assert (row.email, row.name, row.max_party, row.invited_by_id) == (IRIS, "Iris", 3, None)
    letter = records.one(OutboxEmail)
    assert (letter.kind, letter.recipient, letter.topic) == ("personal_link", IRIS, "invitations")
    guest = new_visitor()
    page = guest.get(f"/invitations/{letter.secret}")
    page = guest.submit(page.form("/rsvp"), button=("answer", "yes"), party_size="3")
    assert page.flashes[0][0] == "info"
    assert next(answer for answer in records.all(Rsvp) if answer.email == IRIS).invitation_id == row.id


def test_the_page_is_the_same_for_every_email_address_and_existing_links_are_kept(
    link, party, visitor, new_visitor, cast, records
):
    invitation = InvitationFactory(party=party, email=IRIS)
    taken_back = InvitationFactory(party=party, revoked=True)
    RsvpFactory(party=party, member=cast.friend)
    visitor.get(link)
    told = []
    for email in (IRIS, taken_back.email, cast.friend.email, "nobody@example.org"):
        ((category, text),) = ask(visitor, party, email).flashes
        told.append((category, text.replace(email, "-")))
    assert set(told) == {("info", "If we can send e-mail to -, a personal link is on its way.")}
    written = {letter.recipient: letter.secret for letter in records.all(OutboxEmail)}
    assert written.keys() == {IRIS, cast.friend.email, "nobody@example.org"}
    assert written[IRIS] == invitation.token
    # A member who replied with their account changes nothing by it.
    guest = new_visitor()
    page = guest.get(f"/invitations/{written[cast.friend.email]}")
    page = guest.submit(page.form("/rsvp"), button=("answer", "no"))
    assert page.flashes == [("warning", "This invitation was answered with an account. Log in to change the answer.")]


def test_an_email_address_gets_three_links_a_day(link, party, visitor, records):
    visitor.get(link)
    for _time in range(4):
        assert ask(visitor, party, IRIS.upper()).status == 200
    assert records.count(OutboxEmail) == 3
    clock.set_now(clock.now() + timedelta(days=1, seconds=1))
    assert ask(visitor, party).flashes == SENT
    assert records.count(OutboxEmail) == 4


def test_requests_for_personal_links_are_limited_for_each_day(link, party, visitor, app, records, monkeypatch):
    monkeypatch.setitem(app.config, "INVITATION_DAILY_LIMIT", 1)
    visitor.get(link)
    ask(visitor, party)
    page = ask(visitor, party, "otto@example.org")
    assert page.flashes == [("info", "If we can send e-mail to otto@example.org, a personal link is on its way.")]
    assert records.one(Invitation).email == IRIS


@pytest.mark.parametrize("email", ["", "iris", "iris@localhost", "a@b@c.org"])
def test_an_invalid_email_address_is_refused_and_kept_in_the_form(link, party, visitor, records, email):
    visitor.get(link)
    page = ask(visitor, party, email, name="Iris")
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    assert page.form("/join").fields["name"] == "Iris"
    assert visitor.submit(page.form("/join"), email=IRIS).flashes == SENT


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"status": "cancelled"}, "This party was cancelled."),
        ({"past": True}, "The RSVP deadline has passed; contact the host."),
    ],
)
def test_nobody_gets_a_link_to_a_party_that_does_not_take_place(cast, visitor, records, state, told):
    party = DinnerPartyFactory(host=cast.host, share_round=1, **state)
    with visitor.client.session_transaction() as session:
        session["shared"] = {str(party.id): 1}
    page = visitor.post(f"/parties/{party.slug}/join", {"email": IRIS, "name": "Iris"})
    assert page.flashes == [("danger", told)]
    assert records.count(OutboxEmail) == 0
