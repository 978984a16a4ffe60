"""Hosts have one workspace for each party: its tabs, its overview, and what renews itself."""

import re

import pytest

from app import clock
from app.parties.models import DinnerParty
from tests.support.factories import (
    DinnerPartyFactory,
    GuestMessageFactory,
    InvitationFactory,
    MenuItemFactory,
    RsvpFactory,
)
from tests.support.statements import count_statements

PAGES = (
    *("overview", "guests", "waiting-list", "invitations", "menu", "dishes", "kitchen", "write", "reminders", "door"),
    *("edit", "hosts", "series"),
)
TABS = ["Overview", "Guests", "Invite", "Menu and kitchen", "Messages", "Check-in", "Settings"]


def tabs(page):
    """Return the words of each tab of a page, and the tab that is open."""
    row = re.search(r'<nav class="party-tabs".*?</nav>', page.text, re.DOTALL)
    if row is None:
        return {}, None
    links = re.findall(r'<a href="[^"]*"([^>]*)>(.*?)</a>', row[0], re.DOTALL)
    words = [" ".join(re.sub(r"<[^>]*>", " ", text).split()) for _state, text in links]
    names = [re.sub(r" \d.*", "", each) for each in words]
    opened = [name for name, (state, _text) in zip(names, links, strict=True) if "aria-current" in state]
    return dict(zip(names, words, strict=True)), opened[0] if opened else None


def renewed(visitor, page):
    """Return what a page that is open gets when it asks for its part again."""
    address, version = re.search(r'data-live="([^"]*)"\s+data-version="([^"]*)"', page.text).groups()
    return visitor.open("GET", address.replace("&amp;", "&"), headers={"If-None-Match": f'"{version}"'})


def test_every_page_of_a_party_has_its_name_and_the_tabs_for_each_host(host, client_of, cast):
    party = DinnerPartyFactory(host=cast.host, title="Soup & bread")
    assert [name for name in PAGES if list(tabs(host.get(f"/parties/{party.slug}/{name}"))[0]) != TABS] == []
    for name in PAGES:
        assert "Soup &amp; bread" in host.get(f"/parties/{party.slug}/{name}").text
    assert list(tabs(host.get(f"/parties/{party.slug}"))[0]) == TABS
    assert tabs(host.get(f"/parties/{party.slug}/kitchen"))[1] == "Menu and kitchen"
    assert tabs(host.get(f"/parties/{party.slug}/hosts"))[1] == "Settings"
    for other in (client_of(cast.friend), client_of(cast.stranger)):
        assert tabs(other.get(f"/parties/{party.slug}")) == ({}, None)


def test_an_administrator_who_is_no_host_sees_numbers_and_no_names(client_of, cast):
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=cast.friend)
    page = client_of(cast.admin).get(f"/parties/{party.slug}/overview")
    assert list(tabs(page)[0]) == ["Overview", "Settings"]
    assert "2 of 8 seats are taken" in page.text
    assert cast.friend.display_name not in page.text
    assert client_of(cast.stranger).get(f"/parties/{party.slug}/overview").status == 403


@pytest.mark.both_databases
def test_the_tabs_count_and_the_overview_says_who_comes_and_what_is_to_do(host, cast):
    party = DinnerPartyFactory(host=cast.host, number_seats=6)
    RsvpFactory(party=party, member=cast.friend, party_size=2)
    RsvpFactory(party=party, member=cast.stranger, waiting=True)
    InvitationFactory(party=party)
    MenuItemFactory(party=party, name="Soup", allergens=["celery"])
    MenuItemFactory(party=party, name="Bread")
    GuestMessageFactory(party=party)
    page = host.get(f"/parties/{party.slug}/overview")
    assert tabs(page)[0] == {
        "Overview": "Overview",
        "Guests": "Guests 3 : 3 people are coming",
        "Invite": "Invite 1 : 1 person has not answered",
        "Menu and kitchen": "Menu and kitchen 2 : 2 dishes are on the menu",
        "Messages": "Messages 1 : 1 message was written",
        "Check-in": "Check-in",
        "Settings": "Settings",
    }
    figures = re.findall(r"<dt>([^<]*)</dt>\s*<dd>\s*(\d+)\s*</dd>", page.text)
    assert figures == [("Coming", "3"), ("Waiting for a seat", "1"), ("Not answered", "1"), ("Free seats", "3")]
    assert page.text.count(f"<bdi>{cast.friend.display_name}</bdi>") == 3  # two seats, and what happened lately
    assert "2 dishes are on the menu and 1 says nothing about allergens and diets" in page.text
    assert "1 of 1 person invited has not answered" in page.text


def test_a_host_publishes_from_the_overview_and_stays_there_in_either_of_two_tabs(host, cast, records):
    party = DinnerPartyFactory(host=cast.host, title="Soup", draft=True)
    first, second = host.get(f"/parties/{party.slug}/overview"), host.get(f"/parties/{party.slug}/overview")
    assert "This is a draft." in first.text
    page = host.submit(first.form("/publish"))
    assert (page.path, page.flashes) == (f"/parties/{party.slug}/overview", [("info", "Party “Soup” published.")])
    assert "This is a draft." not in page.text
    assert host.submit(second.form("/publish")).flashes == [("info", "Party “Soup” published.")]
    host.post(f"/parties/{party.slug}/cancel")
    assert host.post(f"/parties/{party.slug}/publish").flashes == [("warning", "This party can no longer be changed.")]
    assert records.one(DinnerParty).status == "cancelled"


def test_a_draft_in_the_past_is_not_published(host, cast, records):
    party = DinnerPartyFactory(host=cast.host, draft=True, past=True)
    page = host.submit(host.get(f"/parties/{party.slug}/overview").form("/publish"))
    assert page.flashes == [("danger", "The party must start in the future.")]
    assert records.one(DinnerParty).status == "draft"


@pytest.mark.both_databases
@pytest.mark.parametrize("name", ["overview", "door"])
def test_an_open_page_renews_itself_when_somebody_answers_or_arrives(host, client_of, cast, records, name):
    party = DinnerPartyFactory(host=cast.host, starts_at=clock.now())
    rsvp = RsvpFactory(party=party, member=cast.friend)
    page = host.get(f"/parties/{party.slug}/{name}")
    same = renewed(host, page)
    assert (same.status, same.text) == (304, "")
    form = next(form for form in host.get(f"/parties/{party.slug}/door").forms if f"/door/{rsvp.id}-" in form.action)
    host.submit(form, follow=False)
    changed = renewed(host, page)
    assert changed.status == 200
    assert "1 of 1 is here." in changed.json["html"]
    assert changed.headers["ETag"] != same.headers["ETag"]
    # The page after the check-in still has its flash: what renews itself takes none.
    assert host.get(f"/parties/{party.slug}/door").flashes != []
    assert client_of(cast.friend).get(f"/parties/{party.slug}/door-list").status == 403


def test_asking_whether_something_is_new_takes_few_statements(host, cast):
    party = DinnerPartyFactory(host=cast.host)
    page = host.get(f"/parties/{party.slug}/overview")
    with count_statements() as statements:
        assert renewed(host, page).status == 304
    assert len(statements) <= 6, "\n".join(statements)


def test_the_counts_of_the_tabs_take_one_statement(host, cast):
    party = DinnerPartyFactory(host=cast.host)
    host.get(f"/parties/{party.slug}/hosts")
    with count_statements() as statements:
        host.get(f"/parties/{party.slug}/hosts")
    assert sum("guest_message" in statement for statement in statements) == 1
    assert len(statements) <= 5, "\n".join(statements)


def test_only_the_door_may_use_the_camera(host, cast):
    party = DinnerPartyFactory(host=cast.host)
    policy = {name: host.get(f"/parties/{party.slug}/{name}").headers["Permissions-Policy"] for name in PAGES}
    assert {name for name, value in policy.items() if "camera=()" not in value} == {"door"}
    assert "camera=(self)" in policy["door"]
