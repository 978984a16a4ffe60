"""The tour of a guest in a real browser, from the first page to a seat, with e-mails through a real mail server.

test_journeys has it in English.
"""

import re

import pytest
from playwright.sync_api import expect

from tests.support.factories import DinnerPartyFactory


@pytest.fixture
def post(app, smtp):
    """Deliver due e-mails; return those that arrived."""

    def deliver():
        seen = len(smtp.messages)
        result = app.test_cli_runner().invoke(args=["outbox", "deliver"])
        assert result.exit_code == 0, result.output
        return smtp.messages[seen:]

    return deliver


@pytest.mark.parametrize(("language", "direction"), [("es", "ltr"), ("ar", "rtl")])
def test_a_visitor_registers_and_gets_a_seat(open_page, site, cast, post, records, language, direction):
    party = DinnerPartyFactory(host=cast.host)
    page = open_page(locale=language)

    page.goto("/")
    expect(page.locator("html")).to_have_attribute("dir", direction)
    page.goto("/register/form")
    for name, value in {"first_name": "Ada", "last_name": "Byron", "email": "ada@example.com"}.items():
        page.fill(f"main [name={name}]", value)
    page.fill("main [name=password]", "a table for eight")
    page.click("main [type=submit]")
    page.wait_for_url("**/register/sent")

    (letter,) = post()
    assert letter["Content-Language"] in {None, language}
    link = re.search(rf"{site}/register/activation/\S+", letter.get_body(("plain",)).get_content())
    page.goto(link.group())
    page.click("main [type=submit]")
    page.wait_for_url("**/login/**")
    assert [letter["To"] for letter in post()] == ["Ada Byron <ada@example.com>"]

    page.fill("main [name=username]", "ada@example.com")
    page.fill("main [name=password]", "a table for eight")
    page.click("main [type=submit]")
    expect(page.get_by_role("status")).to_contain_text("Ada")

    page.goto(f"/parties/{party.slug}")
    page.click("main [name=answer][value=yes]")
    expect(page.get_by_role("status")).to_be_visible()
    assert records.fresh(party).seats_taken == 2
    (letter,) = post()
    assert party.title in letter["Subject"]
