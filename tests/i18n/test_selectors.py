"""The order of language and time zone sources: URL, member, session, browser, site; stale values do no harm."""

from types import SimpleNamespace

import flask_babel
import pytest
from flask import Flask, has_request_context, render_template_string
from flask.testing import FlaskClient
from flask_babel import gettext
from flask_login import current_user

from app.i18n import locales, selectors
from app.i18n.selectors import force_locale
from tests.i18n.conftest import MakeSite, Reader, WritePo


@pytest.fixture
def client(site: Flask) -> FlaskClient:
    return site.test_client()


def locale_of(client: FlaskClient, accept: str = "", path: str = "/") -> str:
    return str(client.get(path, headers={"Accept-Language": accept}).get_json()["locale"])


def keep(client: FlaskClient, **values: object) -> None:
    with client.session_transaction() as session:
        session.update(values)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "en"),
        ("es", "es"),
        ("ar-EG, en;q=0.5", "ar"),
        ("es-419;q=0.9, en;q=0.2", "es"),
        ("en-GB", "en"),
        ("de, fr;q=0.9, ar;q=0.1", "ar"),
        ("es;q=0, ar;q=0.1", "ar"),
        ("de", "en"),
        ("*", "en"),
        ("xx-YY, \x7f;q=z, ----, es", "es"),
        ("a" * 9000, "en"),
        (",".join(f"x{number}" for number in range(5000)) + ",es", "en"),
    ],
)
def test_the_browser_selects_the_language_of_a_visitor(client: FlaskClient, accept: str, expected: str) -> None:
    assert locale_of(client, accept) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [("en-GB", "en_GB"), ("en-AU, en;q=0.5", "en_GB"), ("en-US", "en"), ("en", "en"), ("es-MX", "es")],
)
def test_a_region_needs_no_catalog_of_its_own(make_site: MakeSite, accept: str, expected: str) -> None:
    site = make_site()
    site.config["LANGUAGES"] = ["en", "en_GB", "es", "fr_CA"]
    locales.init_app(site)
    assert locale_of(site.test_client(), accept) == expected
    with site.app_context():
        assert [info.key for info in locales.shipped()] == ["en", "en_GB", "es"]


def test_a_region_has_the_texts_of_its_language(make_site: MakeSite, write_po: WritePo) -> None:
    write_po("es", 'msgid "Search"\nmsgstr "Buscar"\n')
    site = make_site()
    site.config["LANGUAGES"] = ["en", "es_MX"]
    locales.init_app(site)
    with site.app_context(), force_locale("es_MX", None):
        assert (gettext("Search"), selectors.current_locale_info().tag) == ("Buscar", "es-MX")


def test_a_visitor_gets_no_cookie(client: FlaskClient) -> None:
    response = client.get("/", headers={"Accept-Language": "ar"})
    assert "Set-Cookie" not in response.headers


def test_the_url_argument_takes_precedence_if_its_locale_is_shipped(
    client: FlaskClient,
) -> None:
    client.get("/login/layla")
    assert locale_of(client, "es", "/?_l_=es") == "es"
    assert locale_of(client, "es", "/?_l_=tlh") == "ar"
    assert locale_of(client, "es", "/?_l_=../../etc") == "ar"


def test_the_members_choice_precedes_the_session_and_the_session_the_browser(client: FlaskClient) -> None:
    keep(client, locale="es", timezone="Europe/Madrid")
    assert client.get("/").get_json()["timezone"] == "Europe/Madrid"
    assert locale_of(client, "ar") == "es"
    client.get("/login/layla")
    page = client.get("/").get_json()
    assert (page["locale"], page["timezone"]) == ("ar", "Asia/Riyadh")


def test_a_member_without_a_choice_gets_the_language_of_the_session(client: FlaskClient) -> None:
    client.get("/login/plain")
    keep(client, locale="es", timezone="Europe/Madrid")
    page = client.get("/").get_json()
    assert (page["locale"], page["timezone"]) == ("es", "Europe/Madrid")


@pytest.mark.parametrize("stale", ["tlh", "", "../..", 7, ["es"], None, "es\x00"])
def test_a_stale_locale_in_the_session_is_harmless(client: FlaskClient, stale: object) -> None:
    keep(client, locale=stale, timezone=stale)
    page = client.get("/", headers={"Accept-Language": "es"}).get_json()
    assert (page["locale"], page["timezone"]) == ("es", "UTC")


def test_a_member_with_stale_values_gets_the_next_best_language(client: FlaskClient) -> None:
    client.get("/login/stale")
    page = client.get("/", headers={"Accept-Language": "es"}).get_json()
    assert (page["locale"], page["timezone"]) == ("es", "UTC")


def test_logging_in_or_out_changes_the_language_at_once(client: FlaskClient) -> None:
    page = client.get("/login/layla").get_json()
    assert (page["before"], page["locale"]) == ("en", "ar")
    assert client.get("/").get_json()["locale"] == "ar"
    page = client.get("/logout").get_json()
    assert (page["before"], page["locale"]) == ("ar", "en")


def test_flask_logins_own_message_is_translated(write_po: WritePo, make_site: MakeSite) -> None:
    write_po("es", 'msgid "Please log in to access this page."\nmsgstr "Entra primero."\n')
    client = make_site().test_client()
    client.get("/private", headers={"Accept-Language": "es"})
    assert client.get("/").get_json()["flashes"] == [["message", "Entra primero."]]


def test_pages_declare_their_language_to_proxies_and_browsers(site: Flask) -> None:
    site.add_url_rule("/page", view_func=lambda: "<p>", endpoint="page")
    response = site.test_client().get("/page", headers={"Accept-Language": "ar"})
    assert response.headers["Content-Language"] == "ar"
    assert "Accept-Language" in response.headers["Vary"]


@pytest.mark.parametrize(("configured", "expected"), [("ar", "ar"), ("ar-EG", "ar"), ("tlh", "en"), ("", "en")])
def test_the_default_locale_is_used_as_fallback_and_an_unknown_one_is_english(
    make_site: MakeSite, configured: str, expected: str
) -> None:
    app = make_site()
    app.config["BABEL_DEFAULT_LOCALE"] = configured
    app.config["BABEL_DEFAULT_TIMEZONE"] = "Nowhere"
    assert locale_of(app.test_client()) == expected
    with app.app_context():
        assert (selectors.current_locale(), selectors.current_timezone()) == (expected, "UTC")


def test_force_locale_nests_and_sets_locale_and_time_zone(site: Flask) -> None:
    def now() -> tuple[str, str, str]:
        return selectors.current_locale(), selectors.current_timezone(), gettext("Search")

    with site.app_context():
        outside = now()
        with force_locale("es", "Europe/Madrid"):
            spanish = now()
            with force_locale("ar", "Asia/Riyadh"):
                assert now()[:2] == ("ar", "Asia/Riyadh")
            assert now() == spanish == ("es", "Europe/Madrid", "Buscar")
        assert now() == outside == ("en", "UTC", "Search")


@pytest.mark.parametrize(("locale", "expected"), [("ar-EG", "ar"), ("tlh", "en"), (None, "en"), ("", "en")])
def test_force_locale_with_stale_values_falls_back(site: Flask, locale: str | None, expected: str) -> None:
    with site.app_context(), force_locale(locale, "Mars/Olympus"):
        assert (selectors.current_locale(), selectors.current_timezone()) == (expected, "UTC")


def test_force_locale_does_not_use_the_values_of_the_current_reader(site: Flask) -> None:
    client = site.test_client()

    def letter() -> dict[str, object]:
        with force_locale("es", "Europe/Madrid"):
            inside = render_template_string("{{ current_locale.key }} {{ current_user.is_authenticated }}")
        return {
            "inside": inside,
            "after": selectors.current_locale(),
            "member": current_user.is_authenticated,
        }

    site.add_url_rule("/letter", view_func=letter)
    client.get("/login/layla")
    assert client.get("/letter?_l_=ar").get_json() == {"inside": "es False", "after": "ar", "member": True}


def test_an_error_in_force_locale_restores_the_readers_language(site: Flask) -> None:
    with site.app_context():
        with pytest.raises(RuntimeError), force_locale("es", "Europe/Madrid"):
            raise RuntimeError
        assert selectors.current_locale() == "en"
        assert not has_request_context()


def test_flask_babels_own_switch_still_works(site: Flask) -> None:
    with site.app_context(), flask_babel.force_locale("es"):
        assert gettext("Search") == "Buscar"


def test_templates_have_the_current_and_all_shipped_locales(site: Flask) -> None:
    with site.app_context(), force_locale("ar", "Asia/Riyadh"):
        html = render_template_string(
            '<html lang="{{ current_locale.tag }}" dir="{{ current_locale.dir }}">{{ current_timezone }}'
            "{% for each in locales %} {{ each.name }}{% endfor %}"
        )
    assert html == '<html lang="ar" dir="rtl">Asia/Riyadh English العربية Español'


def test_the_state_of_a_language_follows_from_its_catalog(write_po: WritePo, make_site: MakeSite) -> None:
    done, checked = 'msgid "Yes"\nmsgstr "x"\n\n', '# machine: draft 2026-01-31\nmsgid "No"\nmsgstr "y"\n'
    write_po("es", done + checked.partition("\n")[2])
    write_po("fr", done + checked)
    write_po("de", done + 'msgid "No"\nmsgstr ""\n')
    write_po("he", 'msgid "Yes"\nmsgstr ""\n')
    with make_site(LANGUAGE_BETA_PERCENT=50).test_request_context():
        known = {key: locales.find_known(key) for key in ("es", "fr", "de", "he")}
        found = {key: (info.state.value, info.untranslated, info.unchecked) for key, info in known.items() if info}
        assert found == {"es": ("complete", 0, 0), "fr": ("beta", 0, 1), "de": ("beta", 1, 0), "he": ("hidden", 1, 0)}
        assert locales.find("he") is None
        assert "he" not in {info.key for info in selectors.offered()}
        assert locales.match("he-IL") is None


def test_a_hidden_language_is_for_translators(
    write_po: WritePo, make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_po("he", 'msgid "Yes"\nmsgstr ""\n')
    client = make_site(LANGUAGE_BETA_PERCENT=50).test_client()
    client.get("/login/plain")
    assert client.get("/?_l_=he").json["locale"] == "en"
    monkeypatch.setattr(Reader, "roles", [SimpleNamespace(name="Translator")], raising=False)
    assert client.get("/?_l_=he").json["locale"] == "he"


def test_shipped_locales_follow_the_order_of_the_configuration(write_po: WritePo, make_site: MakeSite) -> None:
    for locale in ("pt_BR", "he", "zh_Hans"):
        write_po(locale, "")
    with make_site(LANGUAGES=["zh_Hans", "en", "pt_BR", "he"]).app_context():
        shipped = {info.key: (info.tag, info.name, info.dir) for info in locales.shipped()}
        assert list(shipped) == ["zh_Hans", "en", "pt_BR", "he"]
        assert shipped["pt_BR"] == ("pt-BR", "Português (Brasil)", "ltr")
        assert shipped["he"] == ("he", "עברית", "rtl")
        assert shipped["zh_Hans"] == ("zh-Hans", "中文 (简体)", "ltr")


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("iw", "he"), ("pt-PT", "pt_BR"), ("pt", "pt_BR"), ("zh-CN", "zh_Hans"), ("zh", "zh_Hans"), ("zh-SG", "zh_Hans"),
     ("zh-TW", None), ("zh-Hant-HK", None), ("he-IL", "he"), ("es-MX", "es"), ("de", None), ("EN-us", "en")],
)  # fmt: skip
def test_the_nearest_locale_in_the_same_script_is_selected(
    write_po: WritePo, make_site: MakeSite, tag: str, expected: str | None
) -> None:
    for locale in ("pt_BR", "he", "zh_Hans"):
        write_po(locale, "")
    with make_site().app_context():
        info = locales.match(tag)
        assert (info.key if info else None) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [("es_MX", ("es_MX", "es_419", "es")), ("zh_Hant_TW", ("zh_Hant_TW", "zh_Hant")), ("sr_Latn", ("sr_Latn",)),
     ("pt_BR", ("pt_BR", "pt")), ("zh_Hans", ("zh_Hans", "zh")), ("tlh", ()), ("", ())],
)  # fmt: skip
def test_the_parents_of_a_locale_share_its_script(key: str, expected: tuple[str, ...]) -> None:
    assert locales.chain(key) == expected


@pytest.mark.parametrize(("key", "expected"), [("ar", "rtl"), ("he", "rtl"), ("en", "ltr"), ("tlh", "ltr")])
def test_a_locale_has_a_text_direction(key: str, expected: str) -> None:
    assert locales.direction(key) == expected


def test_every_accepted_time_zone_can_be_used() -> None:
    names: list[str] = sorted(selectors.timezones())
    assert "Europe/Berlin" in names
    assert all(selectors.zone_info(name) for name in names)
