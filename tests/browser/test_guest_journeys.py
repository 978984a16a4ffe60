"""How many clicks and fields it takes to come to dinner."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.outbox.models import OutboxEmail
from tests.support.factories import PASSWORD, DinnerPartyFactory, InvitationFactory, MemberFactory, RsvpFactory


class Hands:
    """Clicks and fills in on a page, and counts."""

    def __init__(self, page):
        self.page, self.clicks, self.fields = page, 0, 0

    def click(self, selector):
        self.page.click(selector)
        self.clicks += 1

    def fill(self, **fields):
        for name, value in fields.items():
            self.page.fill(f"main [name={name}]", value)
            self.fields += 1

    def follow(self, records, kind):
        """Click the link of the only e-mail of a kind."""
        self.page.goto(link(records, kind))
        self.clicks += 1


def link(records, kind):
    """Return the link with the secret in the only e-mail of a kind."""
    letter = records.one(select(OutboxEmail).where(OutboxEmail.kind == kind))
    return re.search(r"https?://\S*__secret__\S*", letter.text).group().replace("__secret__", letter.secret)


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, title="Fondue")


@pytest.fixture(
    params=[{"locale": "en"}, {"locale": "ar", "viewport": {"width": 390, "height": 844}}], ids=["en", "ar"]
)
def hands(open_page, request):
    return Hands(open_page(**request.param))


def test_a_stranger_has_a_seat_after_four_clicks_and_four_fields(hands, party, records, accessible):
    hands.page.goto(f"/parties/{party.slug}")
    hands.click("form[action$=wish] .primary")
    accessible(hands.page)
    hands.fill(first_name="Ada", last_name="Byron", email="ada@example.org", password=PASSWORD)
    hands.click("main form .primary")
    hands.follow(records, "activation")
    accessible(hands.page)
    hands.click("main form .primary")
    expect(hands.page.locator(".flash.info")).to_be_visible()
    assert records.fresh(party).seats_taken == 2
    assert (hands.clicks, hands.fields) == (4, 4)


def test_a_member_has_a_seat_after_three_clicks_and_two_fields(hands, party, records):
    MemberFactory(username="grace")
    hands.page.goto(f"/parties/{party.slug}")
    hands.click("form[action$=wish] [value=login]")
    hands.fill(username="grace", password=PASSWORD)
    hands.click("main form .primary")
    hands.click("main [name=answer][value=yes]")
    expect(hands.page.locator(".flash.info")).to_be_visible()
    assert records.fresh(party).seats_taken == 2
    assert (hands.clicks, hands.fields) == (3, 2)


def test_a_stranger_has_a_seat_by_email_after_two_clicks_two_fields_and_a_link(hands, cast, records, accessible):
    party = DinnerPartyFactory(host=cast.host, title="Fondue", answers_by_email=True)
    hands.page.goto(f"/parties/{party.slug}")
    accessible(hands.page)
    hands.fill(name="Iris", email="iris@example.org")
    hands.click("form[action$=join] .primary")
    expect(hands.page.locator(".flash.info")).to_be_visible()
    hands.page.goto(link(records, "personal_link"))
    hands.click("main [name=answer][value=yes]")
    expect(hands.page.locator(".flash.info")).to_be_visible()
    assert records.fresh(party).seats_taken == 2
    assert (hands.clicks, hands.fields) == (2, 2)


@pytest.mark.parametrize("locale", ["en", "ar"])
def test_on_a_phone_the_answer_is_on_the_first_screen_of_a_personal_link(open_page, cast, locale):
    party = DinnerPartyFactory(host=cast.host, title="A long evening with friends and soup", private=True, max_party=3)
    invitation = InvitationFactory(party=party, name="Iris", max_party=3)
    page = open_page(locale=locale, viewport={"width": 390, "height": 844})
    page.goto(f"/invitations/{invitation.token}")
    for answer in ("yes", "maybe", "no"):
        box = page.locator(f"main [name=answer][value={answer}]").bounding_box()
        assert box["y"] + box["height"] <= 844, (answer, box)


def test_a_new_language_keeps_what_was_typed_but_no_password(page):
    page.goto("/register/form")
    page.fill("main [name=first_name]", "Ada")
    page.fill("main [name=password]", PASSWORD)
    page.click("main form summary")
    page.fill("main [name=username]", "countess")
    page.click("header details.menu summary")
    page.click("header [name=locale][value=es]")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(page.locator("main [name=first_name]")).to_have_value("Ada")
    expect(page.locator("main [name=username]")).to_be_visible()
    expect(page.locator("main [name=username]")).to_have_value("countess")
    expect(page.locator("main [name=password]")).to_have_value("")
    page.reload()
    expect(page.locator("main [name=first_name]")).to_have_value("")


def test_errors_are_said_twice_and_a_dialog_repeats_the_verb(page, log_in, cast):
    page.goto("/register/form")
    page.fill("main [name=email]", "ada@")
    page.click("main form .primary")
    expect(page.locator(".summary")).to_be_visible()
    expect(page.locator("#email-error")).to_be_visible()
    expect(page.locator(".flash")).to_be_hidden()
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=cast.friend)
    log_in(page, cast.friend)
    page.goto(f"/parties/{party.slug}")
    page.click("form[action$=withdraw] button")
    expect(page.locator("dialog [value=ok]")).to_have_text("Give up my seat")
