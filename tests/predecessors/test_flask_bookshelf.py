"""flask-bookshelf: creating for administrators, error pages in the look of the site, and lists without a stranger's flash."""

import pytest

from tests.support.client import Visitor
from tests.support.factories import DinnerPartyFactory


def test_only_administrators_create_in_the_generated_pages(client_of, member, admin, locale):
    assert admin.get("/dinnerparties/add").status == 200
    page = client_of(member()).get("/dinnerparties/add")
    assert page.status == 403
    assert f'lang="{locale}"' in page.text


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/parties/nobody-has-this", 404)])
def test_error_pages_have_the_look_and_the_language_of_the_site(new_visitor, locale, path, status):
    page = new_visitor().get(path)
    assert page.status == status
    assert f'lang="{locale}"' in page.text
    assert "<h1>" in page.text


def test_a_flash_is_never_shown_to_somebody_else(new_visitor, admin, records):
    DinnerPartyFactory(title="Soup")
    page = admin.submit(admin.get("/groups/add").form("/groups/add"), follow=False, name="cooks")
    assert page.status == 303
    stranger = new_visitor()
    assert stranger.get("/parties/").flashes == []
    assert [flash[0] for flash in admin.get("/parties/").flashes] == ["info"]
    assert admin.get("/parties/").flashes == stranger.get("/parties/").flashes == []


def test_a_new_party_is_on_the_public_list_at_once(new_visitor):
    visitor = new_visitor()
    visitor.get("/parties/")
    DinnerPartyFactory(title="Soup of the evening")
    assert "Soup of the evening" in visitor.get("/parties/").text


def test_an_error_of_the_site_has_a_page_in_its_look_and_language(new_app, locale):
    broken = new_app()
    broken.config["PROPAGATE_EXCEPTIONS"] = False
    broken.add_url_rule("/break", view_func=lambda: 1 / 0)
    page = Visitor(broken).get("/break", headers={"Accept-Language": locale})
    assert page.status == 500
    assert f'lang="{locale}"' in page.text
    assert "ZeroDivisionError" not in page.text


def test_the_language_is_that_of_the_reader_and_not_in_the_address(client_of, member, locale):
    browser = client_of(member())
    other = "es" if locale == "en" else "en"
    assert f'lang="{locale}"' in browser.get("/", headers={"Accept-Language": other}).text
    assert browser.get(f"/{other}/parties/").status == 404
