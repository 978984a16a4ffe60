"""What pages and flashes say of a party is true in each state that it can be in."""

from datetime import timedelta

import pytest

from app import clock
from tests.support.factories import (
    DinnerPartyFactory,
    DishClaimFactory,
    DishSlotFactory,
    InvitationFactory,
    PartySeriesFactory,
    RsvpFactory,
)

ONGOING = timedelta(minutes=-30)


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, title="Fondue", max_party=4)


def test_who_has_seats_is_told_so_and_not_how_many_are_free(client_of, cast, party, visitor):
    RsvpFactory(party=party, member=cast.friend, party_size=2)
    friend = client_of(cast.friend)
    for path in (f"/parties/{party.slug}", "/user/friend"):
        text = friend.get(path).text
        assert "You have 2 seats" in text
        assert "5 free seats" not in text
    assert "5 free seats" in visitor.get(f"/parties/{party.slug}").text


def test_no_seats_are_called_free_when_nobody_can_answer_any_more(cast, visitor):
    party = DinnerPartyFactory(host=cast.host, rsvp_deadline=clock.now() - timedelta(hours=1))
    text = visitor.get(f"/parties/{party.slug}").text
    assert "Answers are closed" in text
    assert "free seat" not in text
    assert "The answer deadline has passed. Please contact the host." in text
    assert "Log in to reserve" not in text


def test_a_stranger_logs_in_to_wait_where_no_seat_is_free(cast, visitor, party):
    full = DinnerPartyFactory(host=cast.host, number_seats=1)
    assert "Log in to join the waiting list" in visitor.get(f"/parties/{full.slug}").text
    assert "Log in to reserve a seat" in visitor.get(f"/parties/{party.slug}").text


@pytest.mark.parametrize(("is_guest", "thanks"), [(True, True), (False, False)])
def test_only_who_was_there_is_thanked_for_coming(client_of, cast, is_guest, thanks):
    party = DinnerPartyFactory(host=cast.host, past=True)
    if is_guest:
        RsvpFactory(party=party, member=cast.friend, here=True)
    text = client_of(cast.friend).get(f"/parties/{party.slug}").text
    assert "This party is over." in text
    assert ("Thank you for coming." in text) is thanks


def test_a_party_that_has_begun_is_not_called_over_or_past(cast, visitor):
    party = DinnerPartyFactory(host=cast.host, starts_at=clock.now() + ONGOING)
    text = visitor.get(f"/parties/{party.slug}").text
    assert "Has started" in text
    assert "This party has started." in text
    assert "This party is over." not in text
    assert ">Past<" not in text


@pytest.mark.parametrize(
    ("had", "asked", "told"),
    [
        ({}, "Others can have your seat then.", "Your seats have been released."),
        ({"waiting": True}, "You will lose your place on the waiting list.", "You have left the waiting list."),
        ({"asking": True}, "Withdraw your request for a seat?", "Your request has been withdrawn."),
    ],
)
def test_who_withdraws_is_told_what_they_gave_up(client_of, cast, party, had, asked, told):
    RsvpFactory(party=party, member=cast.friend, **had)
    friend = client_of(cast.friend)
    page = friend.get(f"/parties/{party.slug}")
    assert asked in page.text
    assert friend.submit(page.form("/withdraw")).flashes == [("info", told)]


def test_a_group_that_waits_while_a_seat_is_free_is_not_told_that_the_table_is_full(client_of, cast):
    party = DinnerPartyFactory(host=cast.host, number_seats=2)
    friend = client_of(cast.friend)
    page = friend.post(f"/parties/{party.slug}/rsvp", {"answer": "yes", "party_size": "2", "wait": "y"})
    ((_category, text),) = page.flashes
    assert "The table is full" not in text


def test_a_change_of_a_published_party_does_not_publish_it_again(host, party):
    page = host.submit(host.get(f"/parties/{party.slug}/edit").form("/edit"), description="Bring wine.")
    assert page.flashes == [("info", "Party “Fondue” saved.")]


def test_the_share_link_of_a_draft_works_once_it_is_published(host, cast):
    draft = DinnerPartyFactory(host=cast.host, draft=True)
    page = host.submit(
        host.get(f"/parties/{draft.slug}/invitations").form("/invitations/link"), button=("action", "renew")
    )
    told = "Once the party is published, anyone with this link can see it and answer."
    assert page.flashes == [("info", told)]
    assert "Anyone with this link can see the party and answer" not in page.text


def test_who_has_a_seat_is_not_told_to_wait_for_one_to_get_a_ticket(host, party):
    page = host.get(f"/parties/{party.slug}/ticket")
    assert page.flashes == [("warning", "There is no ticket for you: check-in is over, or you are the host.")]


def test_the_landing_page_promises_no_dinner_that_there_is_not(visitor, cast):
    assert "Choose a dinner" not in visitor.get("/").text
    assert "No public dinners are planned." in visitor.get("/").text
    DinnerPartyFactory(host=cast.host)
    assert "Choose a dinner" in visitor.get("/").text
    assert "near you" not in visitor.get("/").text


@pytest.mark.usefixtures("no_mail_server")
def test_no_page_promises_an_email_where_none_is_sent(visitor, host, party):
    promises = ("We will send", "we will send", "will be told", "Enter your e-mail address and")
    for browser, path in (
        (visitor, "/password/forgot"),
        (visitor, "/register/form"),
        (host, f"/parties/{party.slug}/overview"),
    ):
        text = browser.get(path).text
        assert "sends no e-mail" in text
        assert not [promise for promise in promises if promise in text]
    for path in ("write", "reminders"):
        assert "no mail server is configured" in host.get(f"/parties/{party.slug}/{path}").text


@pytest.mark.usefixtures("no_mail_server")
def test_no_question_promises_an_email_where_none_is_sent(admin, host, cast, party):
    promises = ("will be notified", "are notified", "will be told", "be written to", "gets one e-mail", "an e-mail")
    PartySeriesFactory(first=party)
    RsvpFactory(party=party, name="Ann", asking=True)
    seated = RsvpFactory(party=party, member=cast.friend)
    DishClaimFactory(rsvp=seated, slot=DishSlotFactory(party=party))
    InvitationFactory(party=party)

    def ask(view, action, item):
        return admin.post(f"/{view}/action_post", {"action": action, "rowid": [str(item.id)]})

    pages = {
        "Decline the request of Ann?": host.get(f"/parties/{party.slug}/guests"),
        "Their seats are offered to the next guest": host.get(f"/parties/{party.slug}/guests/{seated.id}/remove"),
        "1 date will be cancelled. This site sends no e-mail": host.get(f"/parties/{party.slug}/series"),
        "tell your guests yourself": host.get("/account/data/erase"),
        "from bringing this dish?": host.get(f"/parties/{party.slug}/dishes"),
        "1 guest holds seats.": ask("dinnerparties", "cancel", party),
        "guests keep their seats.": ask("dinnerparties", "hide", party),
        "its owner can log in and keep it": ask("users", "schedule_deletion", cast.friend),
        "Tell it to the person yourself": admin.get("/users/add"),
        "E-mail waits in the outbox": admin.get("/memberinvitations/add"),
        "E-mail waits": host.get("/account/email/"),
    }
    for told, page in pages.items():
        assert told in page.text, told
        assert not [promise for promise in promises if promise in page.text], told


@pytest.mark.usefixtures("no_mail_server")
def test_nobody_is_said_to_have_got_an_email_about_their_deleted_account(admin, cast):
    page = admin.post("/users/action_post", {"action": "schedule_deletion", "rowid": [str(cast.friend.id)]})
    ((category, told),) = admin.submit(page.form("/users/action_post"), reason="Asked by phone").flashes
    assert category == "warning"
    assert told.startswith(f"The account of {cast.friend.display_name} will be deleted on ")
    assert "have got" not in told


def test_lists_say_who_has_seats_instead_of_how_many_are_free(client_of, cast, party, visitor):
    RsvpFactory(party=party, member=cast.friend, party_size=2)
    friend = client_of(cast.friend)
    for path in ("/parties/", f"/user/{cast.host.username}"):
        text = friend.get(path).text
        assert "You have 2 seats</span>" in text
        assert "free seats</span>" not in text
    assert "5 free seats" in visitor.get("/parties/").text
