"""What holds at every address."""

import pytest
from flask import request

from app.extensions import csrf
from tests.site.conftest import READERS

SAFE, UNSAFE = ("GET", "HEAD"), ("DELETE", "PATCH", "POST", "PUT")


@pytest.mark.both_databases
def test_strange_addresses_are_answered_too(furnished, reader):
    """To administrators, who come as far as the database."""
    assert _failures(reader("admin"), _strange(furnished)) == []


def test_strange_addresses_are_answered_to_those_who_are_sent_away(furnished, reader):
    assert _failures(reader("anonymous"), _strange(furnished)) == []


def test_something_stands_behind_most_addresses(furnished, reader):
    """The other tests would see nothing wrong on a site where there is nothing."""
    visitor = reader("admin")
    shown = [
        visitor.get(furnished.address(rule), follow=False).status == 200 for rule, _method in furnished.rules("GET")
    ]
    assert sum(shown) > len(shown) / 2


@pytest.mark.parametrize("who", READERS)
def test_every_address_answers_and_looking_changes_nothing(furnished, reader, records, who):
    visitor = reader(who)
    before = records.dump()
    addresses = [(method, furnished.address(rule)) for rule, method in furnished.rules(*SAFE)]
    assert _failures(visitor, addresses) == []
    assert records.dump() == before


@pytest.mark.parametrize("who", READERS)
def test_nothing_is_done_without_a_token(furnished, reader, records, app, who):
    visitor = reader(who)
    before = records.dump()
    answered = {}
    for rule, method in furnished.rules(*UNSAFE):
        page = visitor.open(method, furnished.address(rule), data={"field": "value"}, follow=False)
        if page.status != 400 and not _needs_no_token(app, rule):
            answered[f"{method} {rule}"] = page.status
        assert page.status < 500, f"{method} {rule}"
    assert answered == {}
    assert records.dump() == before


def test_only_programs_and_the_switch_of_language_need_no_token(app):
    """Programs send no cookie, mail programs neither. The switch asks the browser instead where the form was."""
    exempt = {
        str(rule)
        for rule in app.url_map.iter_rules()
        if rule.methods.intersection(UNSAFE) and _needs_no_token(app, rule) and not str(rule).startswith("/api/")
    }
    assert exempt == {"/lang/", "/letters/unsubscribe/<string:token>"}


@pytest.mark.parametrize("who", READERS)
def test_a_cookie_opens_no_api(furnished, reader, app, who):
    visitor = reader(who)
    opened = {}
    for rule, method in furnished.rules(*UNSAFE, "GET"):
        if not str(rule).startswith("/api/") or rule.endpoint.startswith(("OpenApi.", "SecurityApi.login")):
            continue
        page = visitor.open(method, furnished.address(rule), json={})
        if page.status not in {401, 403}:
            opened[f"{method} {rule}"] = page.status
    assert opened == {}


@pytest.mark.parametrize(
    ("locale", "opening"), [("en", 'lang="en" dir="ltr"'), ("es", 'lang="es" dir="ltr"'), ("ar", 'lang="ar" dir="rtl"')]
)
def test_every_page_speaks_the_readers_language(furnished, reader, locale, opening):
    visitor = reader("anonymous")
    silent = []
    for rule, _method in furnished.rules("GET"):
        page = visitor.get(furnished.address(rule), headers={"Accept-Language": locale})
        if page.response.mimetype == "text/html" and opening not in page.text:
            silent.append(page)
    assert silent == []


def _strange(furnished):
    return [
        (method, strange) for rule, method in furnished.rules("GET") for strange in furnished.strange_addresses(rule)
    ]


def _needs_no_token(app, rule):
    """Ask what CSRFProtect asks before it looks for a token."""
    with app.test_request_context():
        request.url_rule = rule
        return csrf._is_exempt()  # noqa: SLF001 - it has no other door


def _failures(visitor, addresses):
    """Return all that broke: one at a time would take a day."""
    failures = []
    for method, address in addresses:
        try:
            status = visitor.open(method, address).status
        except Exception as error:  # noqa: BLE001 - whatever it is
            failures.append(f"{method} {address}: {error!r}")
        else:
            failures += [f"{method} {address}: {status}"] if status >= 500 else []
    return failures
