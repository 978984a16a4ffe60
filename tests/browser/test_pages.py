"""Every page is free of errors and accessible: on desktops and phones, light and dark, left-to-right and right-to-left.

Pages that are added later are included automatically, each for the reader who sees most of it.
The journeys check the responses of forms.
"""

from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from app.extensions import appbuilder_of
from tests.site.conftest import populate_site
from tests.support.factories import (
    DinnerPartyFactory,
    MemberFactory,
    RsvpFactory,
    WaitOfferFactory,
)

# The narrowest phones, and a desktop at 400 %.
SIZES = {"width": 1280, "height": 800}, {"width": 320, "height": 640}
MAX_REQUESTS = 9
# The structure of a page without its content: which element is in which, with what decides about their look
# and their role.
PARTS = """() => {
    const told = element => element.localName + [...element.attributes].map(
        ({name, value}) => ["class", "hidden", "role", "type"].includes(name) ? `[${name}=${value}]` : `[${name}]`
    ).join("")
    return [...new Set([...document.querySelectorAll("body *")].map(
        element => `${told(element.parentElement)} > ${told(element)}`
    ))]
}"""
# Password managers and screen readers ask whose password it is.
NAMELESS = """() => [...document.forms].filter(
    (form) => form.querySelector("[type=password]") && !form.querySelector("[type=text], [type=email]")).length"""
# The parts that this process has examined, by look.
EXAMINED = defaultdict(set)
READERS = {}
LONG = "A dinner with a very long title and Wolfeschlegelsteinhausenbergerdorff as the guest of honour"
STATES = {
    "nobody": ["/parties/full", "/register/activation/nothing", "/nowhere"],
    "host": [
        "/parties/draft",
        "/parties/cancelled",
        "/parties/past",
        "/parties/full",
        "/parties/full/waiting-list",
        "/parties/feast",
        "/users/list/",
    ],
    "guest": [
        "/parties/full",
        "/parties/full/waiting-list",
        "/parties/the-party",
        "/parties/feast",
        "/parties/feast/offer",
        "/parties/feast/waiting-list",
    ],
    "administrator": [
        "/dinnerparties/list/?_flt_0_title=a&_flt_0_status=published&psize_DinnerPartyModelView=10",
        "/dinnerparties/list/?_flt_0_title=nothing",
        "/rsvps/list/?_flt_0_name=nobody",
        "/nowhere",
    ],
}


@dataclass(frozen=True)
class Look:
    """The language, text direction and colour scheme of a page.

    Every page is measured on the phone in every look, and on the desktop in one: what is too wide there is too wide on
    the phone. The long accessibility check runs on the desktop in one look and on the phone in the other: colours depend
    on the colour scheme, visible elements on the size.
    A page whose parts were all examined on other pages is not examined again.
    """

    locale: str
    direction: str
    light: str
    measured: tuple[int, ...]
    examined: int


LOOKS = [Look("en", "ltr", "light", (1280, 320), 1280), Look("ar", "rtl", "dark", (320,), 320)]


@pytest.fixture(params=LOOKS, ids=lambda look: f"{look.locale}, {look.light}")
def look(request):
    return request.param


@pytest.fixture
def people(app, look):
    """The readers of the pages, in the language of the look."""
    return {
        "nobody": None,
        "host": MemberFactory(username="host", locale=look.locale),
        "guest": MemberFactory(username="guest", locale=look.locale),
        "administrator": MemberFactory(username="boss", locale=look.locale, admin=True),
    }


@pytest.fixture
def populated_site(app, people):
    """The site with parties in all states, and people with long names."""
    host, guest = people["host"], people["guest"]
    party = DinnerPartyFactory(host=host, slug="the-party", title=LONG, description="Come. " * 99, share_round=1)
    answer = RsvpFactory(party=party, member=guest)
    RsvpFactory(party=party, member=MemberFactory(first_name="Wolfeschlegelsteinhausenbergerdorff"))
    full = DinnerPartyFactory(host=host, slug="full", title="عشاء منسف", number_seats=3, full=True)
    RsvpFactory(party=full, member=guest, waiting=True)
    feast = DinnerPartyFactory(host=host, slug="feast", title="A feast", number_seats=40)
    WaitOfferFactory(party=feast, rsvp__member=guest, rsvp__party_size=4, seats=3)
    for state in ("draft", "cancelled", "past"):
        DinnerPartyFactory(host=host, slug=state, title=f"A {state} party", **{state: True})
    return populate_site(app, party, answer, guest, OutboxEmailFactory={"failed": True})


@pytest.fixture
def readers(populated_site, people, client_of, new_visitor):
    """Return the reader of each rule: of those with access, the first who sees most of it.

    Administrators read the generated pages, and those that nobody else may. The result is the same for all looks and
    tests, so each process computes it once.
    """
    if not READERS:
        views = appbuilder_of(populated_site.app).baseviews
        generated = {view.endpoint for view in views if getattr(view, "datamodel", None) is not None}
        clients = {name: client_of(member) if member else new_visitor() for name, member in people.items()}
        last = clients.pop("administrator")
        for rule in populated_site.pages():
            address = populated_site.address(rule)
            told = {}
            if rule.endpoint.partition(".")[0] not in generated:
                told = {name: main(client.get(address, follow=False)) for name, client in clients.items()}
            if not any(told.values()):
                told = {"administrator": main(last.get(address, follow=False))}
            reader = max(told, key=lambda name: told[name])
            READERS[str(rule)] = reader if told[reader] else None
    return READERS


def main(page):
    """Return the length of a page's own content; 0 for an error page."""
    return len(page.text.partition("<main")[2].partition("</main>")[0]) if page.status == 200 else 0


@pytest.mark.parametrize("reader", STATES)
def test_every_page_is_accessible_and_error_free_for(
    populated_site, people, open_page, log_in, accessible, look, reader, readers
):
    page = open_page(locale=look.locale, color_scheme=look.light)
    if people[reader]:
        log_in(page, people[reader])
    requests, seen, wrong, titles = [], set(), [], defaultdict(set)
    page.on("request", lambda request: requests.append(request.url))
    addresses = [populated_site.address(rule) for rule in populated_site.pages() if readers[str(rule)] == reader]
    for address in addresses + STATES[reader]:
        requests.clear()
        answer = page.goto(address)
        asked, shown = urlsplit(address), urlsplit(page.url)
        # Readers without access are redirected; examining that target once is enough.
        place = shown.path if shown.path != asked.path else (shown.path, shown.query)
        if place in seen or "text/html" not in answer.headers["content-type"]:
            continue
        seen.add(place)
        wrong += [f"{address} {problem}" for problem in problems(page, look, accessible)]
        if len(requests) > MAX_REQUESTS:
            wrong.append(f"{address} needs {requests}")
        if answer.status == 200:
            titles[page.title()].add(shown.path)
    assert wrong == []
    assert [paths for title, paths in titles.items() if title == "DinnerParty" or len(paths) > 1] == []
    assert len(seen) > len(STATES[reader])


def problems(page, look, accessible):
    """Yield the problems of the open page, for each screen size."""
    *spoken, parts = page.evaluate(f"[document.documentElement.lang, document.documentElement.dir, ({PARTS})()]")
    if spoken != [look.locale, look.direction]:
        yield f"speaks {spoken}"
    if page.evaluate(NAMELESS):
        yield "has a form with a password and no user name"
    is_new = not EXAMINED[look].issuperset(parts)
    EXAMINED[look].update(parts)
    # Starting with the current size, because resizing takes as long as loading a page.
    sizes = [size for size in SIZES if size["width"] in look.measured]
    for size in sorted(sizes, key=lambda size: size != page.viewport_size):
        if size != page.viewport_size:
            page.set_viewport_size(size)
        titles, overflow = page.evaluate("""() => [
            [...document.querySelectorAll("h1")].filter(title => title.checkVisibility()).length,
            document.documentElement.scrollWidth - innerWidth,
        ]""")
        if titles != 1:
            yield f"has {titles} h1"
        if overflow > 0:
            yield f"is {overflow} pixels wider than {size['width']}"
        if size["width"] != look.examined or not is_new:
            continue
        try:
            accessible(page)
        except AssertionError as error:
            yield str(error)
