"""A host copies or shares the personal link of a guest with one press, without leaving the list of invitations."""

import json

import pytest

from tests.support.factories import DinnerPartyFactory, InvitationFactory

SHARE = "navigator.share = async (data) => console.log(JSON.stringify(data));"


@pytest.fixture
def invited(cast):
    party = DinnerPartyFactory(host=cast.host, title="Fondue", slug="fondue")
    return InvitationFactory(party=party, name="Iris")


@pytest.fixture
def shown(open_page, log_in, invited, cast):
    page = open_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.add_init_script(SHARE)
    log_in(page, cast.host)
    page.goto("/parties/fondue/invitations")
    return page


def test_the_link_of_a_guest_is_copied(shown, invited):
    shown.get_by_role("button", name="Copy link").click()
    shown.get_by_role("button", name="Copied").wait_for()
    assert shown.evaluate("navigator.clipboard.readText()").endswith(f"/invitations/{invited.token}")
    assert shown.url.endswith("/parties/fondue/invitations")


def test_the_link_of_a_guest_is_shared(shown, invited):
    with shown.expect_console_message() as told:
        shown.locator("[data-personal-link]").get_by_role("button", name="Share").click()
    shared = json.loads(told.value.text)
    assert shared["title"] == "Fondue"
    assert shared["url"].endswith(f"/invitations/{invited.token}")


def test_without_a_clipboard_the_link_is_on_a_page(open_page, log_in, invited, cast):
    page = open_page()
    log_in(page, cast.host)
    page.add_init_script("delete Navigator.prototype.clipboard;")
    page.goto("/parties/fondue/invitations")
    page.get_by_role("button", name="Copy link").click()
    page.wait_for_url("**/link")
    assert page.locator("#personal-link").input_value().endswith(f"/invitations/{invited.token}")
