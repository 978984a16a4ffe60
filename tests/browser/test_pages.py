"""Every page looks right enough for a machine: on a desk, on a phone in the dark, and from right to left."""

import pytest

from tests.support.factories import DinnerPartyFactory, LetterFactory, MemberFactory, RegistrationFactory, RsvpFactory

PHONE = {"width": 390, "height": 844}
DEVICES = {
    "desk": {},
    "phone in the dark": {"viewport": PHONE, "color_scheme": "dark", "has_touch": True},
    "arabic phone": {"locale": "ar", "viewport": PHONE},
}
STRANGERS_PAGES = [
    "/",
    "/parties/",
    "/parties/{party}",
    "/login/",
    "/register/form",
    "/register/activation/{token}",
    "/nowhere",
]
GUESTS_PAGES = ["/", "/parties/{party}", "/parties/new", "/parties/{party}/edit", "/user/{host}"]
ADMINISTRATORS_PAGES = [
    *("/dinnerparties/list/", "/dinnerparties/list/?psize=1000", "/dinnerparties/add", "/dinnerparties/show/1"),
    *("/dinnerparties/edit/1", "/users/list/", "/users/add", "/users/show/{host_id}", "/users/edit/{host_id}"),
    *("/rsvps/list/", "/registrations/list/", "/letters/list/", "/letters/show/1", "/roles/list/", "/roles/edit/1"),
]

pytestmark = pytest.mark.parametrize("device", DEVICES)


@pytest.fixture
def address(cast):
    """Fill in the addresses of what is on the site: parties in all states and people with long names."""
    party = DinnerPartyFactory(
        host=cast.host, title="A dinner with " + "a very long title " * 5, description="Come. " * 99
    )
    RsvpFactory(party=party, member=cast.friend)
    RsvpFactory(party=party, member=MemberFactory(first_name="Wolfeschlegelsteinhausenbergerdorff"), waiting=True)
    DinnerPartyFactory(host=cast.host, full=True, number_seats=3, title="عشاء منسف")
    DinnerPartyFactory(host=cast.host, past=True)
    LetterFactory(failed=True)
    values = {"party": party.slug, "host": "host", "host_id": cast.host.id, "token": RegistrationFactory().token}
    return lambda pattern: pattern.format(**values)


@pytest.fixture
def look(open_page, accessible, address, device, log_in):
    """Open an address on a device as somebody, and look at it."""

    def look(pattern, member=None):
        page = open_page(**DEVICES[device])
        if member:
            log_in(page, member)
        page.goto(address(pattern))
        assert page.locator("h1").count() == 1
        # Chromium rounds what fits; one pixel is no scroll bar.
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 1
        accessible(page)

    return look


@pytest.mark.parametrize("pattern", STRANGERS_PAGES)
def test_a_strangers_page(look, pattern):
    look(pattern)


@pytest.mark.parametrize("pattern", GUESTS_PAGES)
def test_a_guests_page(look, cast, pattern):
    look(pattern, cast.host)


@pytest.mark.parametrize("pattern", ADMINISTRATORS_PAGES)
def test_an_administrators_page(look, cast, pattern):
    look(pattern, cast.admin)
