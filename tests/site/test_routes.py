"""Properties of every URL: each kind of reader opens all of them once."""

import re

import pytest
from flask import request

from app import clock
from app.extensions import csrf
from tests.site.conftest import READERS, STRANGE
from tests.support import THOROUGH

SAFE, UNSAFE = ("GET", "HEAD"), ("DELETE", "PATCH", "POST", "PUT")
FILE_POLICY = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
POLICY = FILE_POLICY | {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
        "manifest-src 'self'; report-uri /csp-report; report-to csp"
    ),
    "Reporting-Endpoints": 'csp="/csp-report"',
    "Cross-Origin-Opener-Policy": "same-origin",
}
INLINE = re.compile(r"<script(?![^>]*\ssrc=)|<style|<[a-z][^>]*\s(?:style|on[a-z]+)=", re.IGNORECASE)
TOLD = re.compile(r"Told number \d+\.")
OPENINGS = {"en": 'lang="en" dir="ltr"', "es": 'lang="es" dir="ltr"', "ar": 'lang="ar" dir="rtl"'}


# These readers open each page twice, once without a flash.
LOOK_TWICE = ("host", "admin")


@pytest.mark.slow
@pytest.mark.parametrize("who", READERS)
def test_every_get_responds_as_promised_and_changes_nothing(populated_site, reader, records, who):
    """With the CSP, without inline scripts, not cached, and in the language of the reader.

    Members get a flash on each page, which must not be shown again on the next.
    """
    visitor = reader(who)
    # Once a minute, a visit is noted.
    clock.set_now(clock.now())
    before, wrong, shown, told = records.dump(), [], 0, set()
    pages = {str(rule) for rule in populated_site.pages()}
    for number, (rule, method) in enumerate(populated_site.rules(*(SAFE if who in LOOK_TWICE else ["GET"]))):
        # An API accepts no cookie, as a test below proves: members are strangers there.
        if who != "anonymous" and str(rule).startswith("/api/"):
            continue
        address = populated_site.address(rule)
        # The others are members with a chosen language.
        for locale in OPENINGS if who == "anonymous" and str(rule) in pages else ["en"]:
            if who != "anonymous" and method == "GET":
                _tell(visitor, f"Told number {number}.")
            try:
                page = visitor.open(method, address, headers={"Accept-Language": locale}, follow=False)
            except Exception as error:  # noqa: BLE001 - whatever it is
                wrong.append(f"{method} {address}: {error!r}")
                continue
            wrong += [f"{method} {address} {problem}" for problem in _problems(rule, page, who, OPENINGS[locale])]
            again = told.intersection(TOLD.findall(page.text))
            wrong += [f"{address} tells again: {again}"] * bool(again)
            told.update(TOLD.findall(page.text))
            shown += method == "GET" and page.status == 200
    assert not wrong, "\n".join(wrong)
    assert records.dump() == before
    assert who == "anonymous" or len(told) > 10
    if who == "admin":
        # An empty site could have no problems.
        assert shown > len(list(populated_site.rules("GET"))) * 0.4


def _tell(visitor, text):
    with visitor.client.session_transaction() as session:
        session["_flashes"] = [("info", text)]


@pytest.mark.slow
def test_flashes_of_a_visitor_are_shown_once_and_not_cached(populated_site, reader):
    """Members' pages are never cached; the test above checks that."""
    visitor, told, wrong = reader("anonymous"), 0, []
    for number, rule in enumerate(populated_site.pages()):
        text, address = f"Told number {number}.", populated_site.address(rule)
        _tell(visitor, text)
        page = visitor.get(address, follow=False)
        if text in page.text:
            told += 1
            wrong += [address] * (page.headers["Cache-Control"] != "no-store")
            wrong += [address] * (text in visitor.get(address, follow=False).text)
    assert not wrong, "\n".join(wrong)
    assert told > 10


def _problems(rule, page, who, opening):
    """Yield the problems of the response to a GET."""
    if page.status >= 500:
        yield f"answers {page.status}"
    # Browsers never show the others as documents.
    is_document = page.response.mimetype not in {"text/css", "text/javascript"}
    policy = POLICY if is_document else FILE_POLICY
    if {name: page.headers.get(name) for name in policy} != policy:
        yield f"has the policy {page.headers}"
    # Hosts scan tickets in the page of check-in.
    camera = "camera=(self)" if rule.endpoint == "CheckInView.show" and page.status == 200 else "camera=()"
    if is_document and not page.headers.get("Permissions-Policy", "").startswith(camera):
        yield "permits what a page may not"
    if is_document and page.headers.get("Referrer-Policy") not in {"same-origin", "no-referrer"}:
        yield "tells others where the reader comes from"
    if page.response.mimetype == "text/html" and page.text:
        if INLINE.search(page.text):
            yield f"has {INLINE.search(page.text)}"
        # A redirect has no content.
        if page.status // 100 != 3 and opening not in page.text:
            yield f"is not in {opening}"
    personal = who != "anonymous" and "static" not in rule.endpoint and not str(rule).startswith("/api/")
    # A picture shows no flash. The reader's browser may keep it, and asks each time whether they may still see it.
    is_picture = page.response.mimetype.startswith("image/") and rule.endpoint != "static"
    allowed = "no-cache, private" if personal and is_picture else "no-store"
    if (personal or page.flashes or "csrf_token" in page.text) and page.headers.get("Cache-Control") != allowed:
        yield f"may be kept: {page.headers.get('Cache-Control')}"


@pytest.mark.slow
@pytest.mark.parametrize("who", ["anonymous", "friend", "admin"])
def test_every_post_needs_a_csrf_token_and_the_api_accepts_no_cookie(populated_site, reader, records, app, who):
    visitor = reader(who)
    # Once a minute, a visit is noted.
    clock.set_now(clock.now())
    before, done = records.dump(), {}
    for rule, method in populated_site.rules(*UNSAFE):
        page = visitor.open(method, populated_site.address(rule), data={"field": "value"}, follow=False)
        if page.status >= 500 or (page.status != 400 and not _needs_no_token(app, rule)):
            done[f"{method} {rule}"] = page.status
    for rule, method in populated_site.rules(*UNSAFE, "GET"):
        if str(rule).startswith("/api/") and not rule.endpoint.startswith(("OpenApi.", "SecurityApi.login")):
            page = visitor.open(method, populated_site.address(rule), json={})
            if page.status not in {401, 403}:
                done[f"{method} {rule} with JSON"] = page.status
    assert done == {}
    assert records.dump() == before


@pytest.mark.slow
@pytest.mark.both_databases
def test_malformed_urls_cause_no_server_error(populated_site, reader, database_kind):
    """For administrators, whose requests reach the database; PostgreSQL may differ in valid numbers and texts.

    On SQLite each URL gets three of the values, so that many URLs get each; or all in a thorough run.
    """

    def chosen(number):
        if THOROUGH:
            return STRANGE
        if database_kind == "postgresql":
            return ("99999999999999999999", "%00")
        return [STRANGE[(number + step) % len(STRANGE)] for step in range(3)]

    assert _failures(reader("admin"), populated_site, chosen) == []


@pytest.mark.slow
def test_malformed_urls_cause_no_server_error_for_those_without_access(populated_site, reader):
    """Mostly before the values are parsed: each URL gets one of them, or all in a thorough run."""
    some = (lambda _number: STRANGE) if THOROUGH else (lambda number: [STRANGE[number % len(STRANGE)]])
    assert _failures(reader("anonymous"), populated_site, some) == []


def test_only_apis_and_forms_of_strangers_need_no_csrf_token(app):
    """Programs and mail programs send no cookie. The language switch and requests for a personal link check the origin instead."""
    exempt = {
        str(rule)
        for rule in app.url_map.iter_rules()
        if rule.methods.intersection(UNSAFE) and _needs_no_token(app, rule) and not str(rule).startswith("/api/")
    }
    assert exempt == {
        "/lang/",
        "/parties/<slug>/join",
        "/csp-report",
        "/backchannel-logout/<string:provider>",
        "/letters/unsubscribe/<string:token>",
    }


def _needs_no_token(app, rule):
    """Return whether CSRFProtect skips the endpoint."""
    with app.test_request_context():
        request.url_rule = rule
        return csrf._is_exempt()  # noqa: SLF001 - it has no other door


def _failures(visitor, populated_site, values):
    """Return the server errors at malformed URLs; `values` are those for the rule with a number."""
    failures = []
    for number, (rule, _method) in enumerate(populated_site.rules("GET")):
        for address in populated_site.strange_addresses(rule, values(number)):
            try:
                status = visitor.get(address, follow=False).status
            except Exception as error:  # noqa: BLE001 - whatever it is
                failures.append(f"{address}: {error!r}")
            else:
                failures += [f"{address}: {status}"] if status >= 500 else []
    return failures
