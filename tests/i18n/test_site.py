"""The real site is in the reader's language."""

from collections.abc import Callable

import pytest

from tests.conftest import Cast
from tests.support.client import Visitor

LOCALES = [("en", "ltr"), ("es", "ltr"), ("ar", "rtl")]


@pytest.mark.parametrize(("key", "direction"), LOCALES)
@pytest.mark.parametrize("path", ["/", "/parties/", "/login/", "/register/form", "/nowhere"])
def test_a_page_is_in_the_language_of_the_browser(visitor: Visitor, path: str, key: str, direction: str) -> None:
    page = visitor.get(path, headers={"Accept-Language": key})
    assert f'<html lang="{key}" dir="{direction}"' in page.text
    assert page.headers["Content-Language"] == key


def test_the_first_page_of_a_visitor_sets_no_cookie(visitor: Visitor) -> None:
    assert "Set-Cookie" not in visitor.get("/", headers={"Accept-Language": "ar"}).headers


def test_a_visitor_switches_the_language_and_stays_on_the_page(visitor: Visitor) -> None:
    page = visitor.post("/lang/", {"locale": "es", "next": "/parties/"})
    assert page.path == "/parties/"
    assert page.flashes == [("info", "Idioma cambiado a Español.")]
    assert '<html lang="es"' in visitor.get("/").text


def test_the_choice_of_a_member_applies_on_other_devices(cast: Cast, client_of: Callable[..., Visitor]) -> None:
    client_of(cast.friend).post("/lang/", {"locale": "ar"})
    assert '<html lang="ar"' in client_of(cast.friend).get("/", headers={"Accept-Language": "es"}).text
