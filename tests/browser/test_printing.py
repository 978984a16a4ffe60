"""What hosts and guests print fits its sheet: A4, big type, nothing of the site around it."""

import re

import pytest

from app.database import transaction
from app.extensions import db
from app.parties.models import DinnerParty, RsvpPerson
from tests.support.factories import DinnerPartyFactory, MemberFactory, MenuItemFactory, RsvpFactory


@pytest.fixture
def party(app, cast):
    """A dinner of twenty, half of whom do not eat everything, with a menu of six."""
    party = DinnerPartyFactory(host=cast.host, number_seats=20, title="A long table")
    for number, course in enumerate(("starter", "starter", "main", "main", "side", "dessert")):
        suits = [] if number % 2 else ["vegan", "halal", "kosher"]
        MenuItemFactory(
            party=party, position=number, course=course, name=f"Dish {number}", allergens=["nuts"], diets=suits
        )
    rsvps = [RsvpFactory(party=party, member=MemberFactory()) for _ in range(18)]
    rsvps.append(RsvpFactory(party=party, member=cast.friend))
    diets = ("vegan", "vegetarian", "halal", "kosher", "no_pork")
    with app.app_context(), transaction():
        for number, rsvp in enumerate(rsvps[:10]):
            db.session.add(
                RsvpPerson(
                    rsvp_id=rsvp.id, position=0, name=f"Guest {number}", diets=[diets[number % 5]],
                    allergens=["nuts", "eggs", "milk"][: number % 4], note="No celery, please." if number < 4 else "",
                )
            )  # fmt: skip
        assert db.session.get(DinnerParty, party.id).seats_taken == 20
    return party


def sheets(page):
    return len(
        re.findall(
            rb"/Type\s*/Page\b(?!s)",
            page.pdf(format="A4", margin=dict.fromkeys(("top", "bottom", "left", "right"), "1cm")),
        )
    )


def test_a_dinner_of_twenty_prints_on_few_sheets(open_page, log_in, cast, party):
    for who, most in (
        (cast.host, {"kitchen": 1, "door": 1, "place-cards": 3, "guests": 3}),
        (cast.friend, {"ticket": 1}),
    ):
        page = open_page()
        log_in(page, who)
        for path, number in most.items():
            page.emulate_media(media="null")
            page.goto(f"/parties/{party.slug}/{path}")
            assert page.locator("[data-print]").is_visible(), path
            assert sheets(page) <= number, path
            page.emulate_media(media="print")
            assert (
                page.locator("header.top, footer, .flash, .actions").evaluate_all(
                    "found => found.filter((each) => each.checkVisibility()).length"
                )
                == 0
            ), path
            assert float(page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")) >= 16, path
