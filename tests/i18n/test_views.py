"""The language switch: by POST, from this site, to a shipped language."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.i18n.signals import locale_chosen
from tests.i18n.conftest import MakeSite, WritePo


@pytest.fixture
def client(write_po: WritePo, make_site: MakeSite) -> FlaskClient:
    write_po("es", 'msgid "Language changed to %(language)s."\nmsgstr "Ahora en %(language)s."\n')
    return make_site().test_client()


def switch(client: FlaskClient, locale: str | None = "es", next_: str = "", **headers: str) -> TestResponse:
    form = {name: value for name, value in (("locale", locale), ("next", next_)) if value}
    return client.post("/lang/", data=form, headers={name.replace("_", "-"): value for name, value in headers.items()})


def page(client: FlaskClient) -> Any:
    return client.get("/").get_json()


def test_the_language_changes_with_a_flash_in_the_new_language(client: FlaskClient) -> None:
    response = switch(client)
    assert (response.status_code, response.location) == (303, "/")
    answer = page(client)
    assert (answer["locale"], answer["flashes"]) == ("es", [["info", "Ahora en Español."]])


@pytest.mark.parametrize("unknown", ["tlh", None, "../etc", "es\x00", "x" * 10000])
def test_an_unknown_language_is_a_warning_and_changes_nothing(client: FlaskClient, unknown: str | None) -> None:
    assert switch(client, unknown).status_code == 303
    answer = page(client)
    assert (answer["locale"], answer["flashes"]) == ("en", [["warning", "That language is not available."]])


@pytest.mark.parametrize("address", ["/lang/", "/lang/?locale=es"])
def test_a_get_is_not_allowed_and_changes_nothing(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 405
    assert page(client)["locale"] == "en"
    assert client.get("/lang/es").status_code == 404


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/parties/?page=2", "/parties/?page=2"),
        ("/parties/?_l_=ar&page=2&q=", "/parties/?page=2&q="),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_the_reader_goes_back_to_a_page_of_this_site(client: FlaskClient, address: str, expected: str) -> None:
    assert switch(client, next_=address).location == expected


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_another_site_cannot_switch_the_language(client: FlaskClient, headers: dict[str, str]) -> None:
    assert switch(client, **headers).status_code == 403
    assert page(client)["locale"] == "en"


@pytest.mark.parametrize(
    "headers", [{"Sec_Fetch_Site": "same-origin"}, {"Sec_Fetch_Site": "none"}, {"Origin": "http://localhost"}]
)
def test_a_page_of_this_site_needs_no_token(client: FlaskClient, headers: dict[str, str]) -> None:
    assert switch(client, **headers).status_code == 303
    assert page(client)["locale"] == "es"


def test_signal_receivers_get_the_chosen_language(client: FlaskClient) -> None:
    heard: list[tuple[object, str]] = []

    def listen(sender: Flask, locale: str) -> None:
        heard.append((sender.name, locale))

    with locale_chosen.connected_to(listen):
        switch(client, "ar")
        switch(client, "tlh")
    assert heard == [("site", "ar")]
