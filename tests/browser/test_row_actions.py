"""The actions of rows stand beside the cells, not on them."""

import pytest

from app.accounts.models import Member
from app.database import transaction
from app.extensions import db
from tests.support.factories import DinnerPartyFactory

COVERED = """() => [...document.querySelectorAll('.rows tbody tr')].flatMap(row => {
    const actions = row.querySelector('td.row-actions').getBoundingClientRect();
    return [...row.querySelectorAll('td:not(.row-actions) > *')].filter(each => {
        const box = each.getBoundingClientRect();
        return actions.width && box.width && box.left < actions.right - 1 && actions.left + 1 < box.right
            && box.top < actions.bottom && actions.top < box.bottom;
    }).map(each => each.textContent.trim());
})"""


@pytest.mark.parametrize("locale", ["en", "ar"])
def test_no_cell_lies_under_the_actions_of_its_row(app, open_page, log_in, site, cast, locale):
    with app.app_context(), transaction():
        db.session.get_one(Member, cast.admin.id).locale = locale
    DinnerPartyFactory.create_batch(3, host=cast.host, title="A long evening with friends of friends")
    page = open_page(locale=locale, viewport={"width": 1280, "height": 800})
    log_in(page, cast.admin)
    for path in ("/dinnerparties/list/", "/users/list/"):
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(site + path)
        assert page.evaluate("document.documentElement.lang") == locale
        assert page.evaluate(COVERED) == [], path
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate(COVERED) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") == 390, path
