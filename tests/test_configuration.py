"""Configuration by environment variables, and which values are refused."""

import importlib.util
import os
import re
import subprocess
import sys
from email.utils import parseaddr
from pathlib import Path

import pytest
from flask_appbuilder import const
from sqlalchemy.engine import make_url

import config
from config import ConfigurationError
from tests.conftest import ENVIRONMENT

GOOD = "0f8dM2zq-Yp3uWn7_kTgLx4RbVhJc6sEaQ1iZoXt"


def load(tmp_path, **environ):
    return config.load({"INSTANCE_PATH": str(tmp_path), **environ})


def test_without_an_environment_the_site_is_local_on_sqlite(tmp_path):
    loaded = load(tmp_path)
    assert loaded["SQLALCHEMY_DATABASE_URI"].startswith("sqlite:///")
    assert (loaded["HOST"], loaded["PORT"], loaded["PUBLIC_URL"]) == ("127.0.0.1", 8080, "http://localhost:8080")
    assert loaded["MAIL_SERVER"] == ""
    assert not loaded["SESSION_COOKIE_SECURE"]


@pytest.mark.parametrize(
    ("environ", "local"),
    [
        ({}, True),
        ({"HOST": "::1", "PUBLIC_URL": "http://127.0.0.1:8080"}, True),
        ({"PUBLIC_URL": "https://dinner.example.com", "SECRET_KEY": GOOD}, False),
        ({"PUBLIC_URL": "http://dinner.local"}, False),
        ({"HOST": "0.0.0.0"}, False),  # noqa: S104
        ({"HOST": "unix:/run/dinner.sock"}, False),
        ({"ENVIRONMENT": "production", "SECRET_KEY": GOOD}, False),
    ],
)
def test_demo_data_is_for_a_site_that_only_this_machine_reaches(tmp_path, environ, local):
    assert load(tmp_path, **environ)["IS_LOCAL"] is local


def test_the_public_url_follows_the_port(tmp_path):
    assert load(tmp_path, PORT="9000")["PUBLIC_URL"] == "http://localhost:9000"


def test_a_secret_is_generated_once_and_readable_by_its_owner_only(tmp_path):
    first = load(tmp_path)["SECRET_KEY"]
    assert load(tmp_path)["SECRET_KEY"] == first
    assert len(first) >= 32
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_processes_that_start_at_once_agree_on_the_secret(tmp_path):
    code = f"import config; print(config.load({{'INSTANCE_PATH': {str(tmp_path)!r}}})['SECRET_KEY'])"
    running = [
        subprocess.Popen([sys.executable, "-c", code], cwd=config.ROOT, stdout=subprocess.PIPE) for _number in range(6)
    ]
    assert len({process.communicate()[0] for process in running}) == 1


@pytest.mark.parametrize("environ", [{"PUBLIC_URL": "https://dinner.example.org"}, {"ENVIRONMENT": "production"}])
def test_production_never_generates_a_secret(tmp_path, environ):
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        load(tmp_path, **environ)
    assert load(tmp_path, SECRET_KEY=GOOD, **environ)["SECRET_KEY"] == GOOD


@pytest.mark.parametrize(
    "secret", ["changeme", "short", "a" * 64, "\\2\\1thisismyscretkey\\1\\2\\e\\y\\y\\h", "12" * 20]
)
def test_a_known_or_short_secret_is_refused(tmp_path, secret):
    with pytest.raises(ConfigurationError, match="a known value or too short"):
        load(tmp_path, SECRET_KEY=secret)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "-1"),
        ("PORT", "٨٠"),
        ("MAIL_PORT", "25;"),
        ("WORKERS", "1.5"),
        ("MAIL_USE_TLS", "maybe"),
        ("MAP_URL", "https://map.example.org/"),
        ("MAP_URL", "javascript:alert({address})"),
        ("PUBLIC_URL", "dinner.example.org"),
        ("PUBLIC_URL", "javascript:alert(1)"),
        ("PUBLIC_URL", "https://dinner.example.org/?x=1"),
        ("PUBLIC_URL", "https://example.org/dinner//eight"),
        ("PUBLIC_URL", "https://example.org/../dinner"),
        ("METRICS_TOKEN", "short"),
        ("LOG_FORMAT", "xml"),
        ("SECURITY_CONTACT", "nobody"),
        ("PUBLIC_URL", "https://me@example.org"),
        ("PUBLIC_URL", "http://localhost:99999"),
        ("PUBLIC_URL", "http://[::1"),
        ("PORT", "0"),
        ("PORT", "99999"),
        ("MAIL_PORT", "65536"),
        ("WORKERS", "0"),
        ("MAIL_TIMEOUT", "0"),
        ("DIETARY_RETENTION_DAYS", "9" * 5000),
        ("ACCOUNT_DELETION_GRACE_DAYS", "36501"),
        ("ENVIRONMENT", "prodution"),
        ("DEFAULT_LOCALE", "tlh"),
        ("DEFAULT_TIMEZONE", "Europe/Nowhere"),
        ("DEFAULT_TIMEZONE", "../../etc/passwd"),
        ("TERMS_URL", "javascript:alert(1)"),
        ("MAP_URL", "http://[/{address}"),
        ("OIDC_ISSUER", "accounts.example.org"),
        ("LDAP_SERVER", "directory.example.org"),
        ("LDAP_SERVER", "ldap://"),
        ("LDAP_SERVER", "ldap://directory.example.org:port"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "valkey://localhost"),
        ("REDIS_URL", "redis://localhost:port"),
        ("REDIS_URL", "redis://[::1"),
        ("MAIL_SERVER", "smtp://mail.example.org"),
        ("MAIL_SERVER", "mail.example.org:587"),
        ("INBOUND_LISTEN", "127.0.0.1:2424"),
        ("INBOUND_LISTEN", "lmtp://127.0.0.1"),
        ("INBOUND_LISTEN", "http://127.0.0.1:2424"),
        ("INBOUND_IMAP", "imaps://imap.example.org/INBOX"),
        ("INBOUND_IMAP", "imap://user:password@imap.example.org/INBOX"),
        ("INBOUND_ADDRESS", "dinner"),
        ("MAIL_DEFAULT_SENDER", "@"),
        ("MAIL_DEFAULT_SENDER", "a@b@c"),
        ("MAIL_DEFAULT_SENDER", "Ana, Tom & Co <x@y"),
        ("MAIL_DEFAULT_SENDER", "Ana, Tom & Co x@y"),
        ("MAIL_DEFAULT_SENDER", "josé@example.org"),
        ("PUBLIC_URL", "https://dinner example.org"),
        ("INSTANCE_PATH", "\udcff"),
        ("MAIL_DEFAULT_SENDER", "dinner"),
        ("ERROR_MAIL_TO", "boss@example.org, cook"),
        ("DATABASE_URL", "dinner.db"),
        ("DATABASE_URL", "mysql://me@db/dinner"),
        ("DATABASE_URL", "postgresql://me@db:port/dinner"),
        ("DATABASE_URL", "postgresql+psycopg2://me@db/dinner"),
        ("DATABASE_URL", "postgresql://me@/dinner?port=abc"),
        ("DATABASE_URL", "sqlite://host/dinner.db"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:////srv/what?/dinner.db"),
    ],
)
def test_an_invalid_value_is_refused_by_name(tmp_path, name, value):
    with pytest.raises(ConfigurationError, match=name):
        config.load({"INSTANCE_PATH": str(tmp_path), name: value})


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_an_error_does_not_show_the_password(tmp_path, name):
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, **{name: "who://me:hush@db:port/dinner"})
    assert "hush" not in str(refused.value)


def test_a_missing_certificate_file_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="LDAP_CA_FILE: the file /nowhere cannot be read"):
        load(
            tmp_path,
            LDAP_SERVER="ldaps://directory.example.org",
            LDAP_SEARCH_BASE="dc=example",
            LDAP_CA_FILE="/nowhere",
        )


def test_starttls_and_tls_exclude_each_other(tmp_path):
    with pytest.raises(ConfigurationError, match=r"MAIL_USE_TLS .* and MAIL_USE_SSL"):
        load(tmp_path, MAIL_USE_TLS="yes", MAIL_USE_SSL="yes")


def test_an_empty_variable_counts_as_unset(tmp_path):
    silent = {"INSTANCE_PATH": str(tmp_path)}
    # An empty MAP_URL has its own meaning: no map.
    empty = dict.fromkeys(set(ENVIRONMENT) - {"INSTANCE_PATH", "MAP_URL"}, "")
    assert config.load(silent | empty) == config.load(silent)
    assert config.load({**silent, "MAP_URL": ""})["MAP_URL"] == ""


@pytest.mark.parametrize("name", ["a b?c=d", "100%s", "%41", "#1", "Küche", "עברית", "o'clock", "a:b@c", "[x]"])
def test_the_database_is_in_its_folder_whatever_its_name(tmp_path, name):
    folder = tmp_path / name
    url = make_url(load(folder)["SQLALCHEMY_DATABASE_URI"])
    assert url.database == str(folder / "dinnerparty.db")
    assert not url.query


@pytest.mark.parametrize("folder", ["/proc/dinner", "/dev/null/dinner"])
def test_a_folder_that_cannot_be_created_is_refused(folder):
    with pytest.raises(ConfigurationError, match=f"INSTANCE_PATH: the folder {folder} cannot be created"):
        config.load({"INSTANCE_PATH": folder})


def test_auth_types_have_the_names_of_flask_appbuilder():
    assert (config.AUTH_DB, config.AUTH_LDAP) == (const.AUTH_DB, const.AUTH_LDAP)


@pytest.mark.parametrize(
    ("public_url", "session", "device"),
    [
        ("http://localhost:8080", "session-8080", "device-8080"),
        ("http://localhost:9000", "session-9000", "device-9000"),
        ("http://localhost", "session", "device"),
        ("https://example.org", "__Host-session", "__Host-device"),
        ("https://example.org:8443", "__Host-session-8443", "__Host-device-8443"),
    ],
)
def test_sites_on_one_host_have_separate_cookies(tmp_path, public_url, session, device):
    loaded = load(tmp_path, PUBLIC_URL=public_url, SECRET_KEY=GOOD)
    assert (loaded["SESSION_COOKIE_NAME"], loaded["DEVICE_COOKIE_NAME"]) == (session, device)


def test_path_and_query_are_stripped_from_the_public_url(tmp_path):
    assert load(tmp_path, PUBLIC_URL=" http://dinner.example.org/?\n")["PUBLIC_URL"] == "http://dinner.example.org"


def test_trusted_hosts_are_normalised_like_in_browsers(tmp_path):
    trusted = load(tmp_path, PUBLIC_URL="http://[2001:db8::1]:8080", TRUSTED_HOSTS="B.example.org, ::2")[
        "TRUSTED_HOSTS"
    ]
    assert {"[2001:db8::1]", "b.example.org", "[::2]", "[::1]", "localhost"} <= set(trusted)


@pytest.mark.parametrize(
    ("given", "parsed"),
    [
        ("Dinner <dinner@example.org>", ("Dinner", "dinner@example.org")),
        ("Ana, Tom & Co <x@y>", ("Ana, Tom & Co", "x@y")),
        ('"Ana \\"the cook\\"" <x@y>', ('Ana "the cook"', "x@y")),
        ("Löffel (die) <x@löffel.example>", ("Löffel (die)", "x@xn--lffel-jua.example")),
        ("x@faß.example", ("", "x@xn--fa-hia.example")),
    ],
)
def test_a_sender_may_have_any_name_and_any_domain(tmp_path, given, parsed):
    assert parseaddr(load(tmp_path, MAIL_DEFAULT_SENDER=given)["MAIL_DEFAULT_SENDER"]) == parsed


def test_a_host_beyond_ascii_is_written_as_browsers_send_it(tmp_path):
    loaded = load(tmp_path, PUBLIC_URL="http://löffel.example:8080")
    assert loaded["PUBLIC_URL"] == "http://xn--lffel-jua.example:8080"
    assert loaded["MAIL_DEFAULT_SENDER"] == "dinnerparty@xn--lffel-jua.example"
    assert "xn--lffel-jua.example" in loaded["TRUSTED_HOSTS"]


def test_https_makes_cookies_secure(tmp_path):
    loaded = load(tmp_path, PUBLIC_URL="https://dinner.example.org/", SECRET_KEY=GOOD)
    assert loaded["SESSION_COOKIE_NAME"] == "__Host-session"
    assert loaded["SESSION_COOKIE_SECURE"]
    assert loaded["PUBLIC_URL"] == "https://dinner.example.org"
    assert "dinner.example.org" in loaded["TRUSTED_HOSTS"]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_common_postgresql_urls_are_accepted(tmp_path, scheme):
    loaded = load(tmp_path, DATABASE_URL=f"{scheme}://me@db/dinner")
    assert loaded["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://me@db/dinner"


def test_every_variable_is_documented():
    source = Path(config.__file__).read_text()
    readme = (config.ROOT / "README.md").read_text()
    names = set(re.findall(r'environ(?:\.get\(|, |\[)"([A-Z0-9_]+)"', source))
    assert names - config.NAMES == {"FLASK_SKIP_DOTENV"}
    assert names >= config.NAMES
    assert not [name for name in sorted(names) if f"`{name}`" not in readme]


# -- the file in the instance folder

IN_PYTHON = """
from flask_appbuilder.const import AUTH_DB
AUTH_TYPE = AUTH_DB
APP_NAME = "Supper club"
WORKERS = 3
RATELIMIT_ENABLED = False
TRUSTED_HOSTS = ["a.example.org", "b.example.org"]
FAB_API_MAX_PAGE_SIZE = 50
BABEL_DEFAULT_LOCALE = "es"
DIETS_KEPT_DAYS = 3
lower = 1
"""
IN_TOML = """
AUTH_TYPE = 1
APP_NAME = "Supper club"
WORKERS = 3
RATELIMIT_ENABLED = false
TRUSTED_HOSTS = ["a.example.org", "b.example.org"]
FAB_API_MAX_PAGE_SIZE = 50
BABEL_DEFAULT_LOCALE = "es"
DIETS_KEPT_DAYS = 3
"""


@pytest.mark.parametrize(("name", "text"), [("config.py", IN_PYTHON), ("config.toml", IN_TOML)])
def test_a_file_may_have_all_settings_and_those_of_flask_appbuilder(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    loaded = load(tmp_path)
    assert (loaded["APP_NAME"], loaded["WORKERS"], loaded["RATELIMIT_ENABLED"]) == ("Supper club", 3, False)
    assert {"a.example.org", "b.example.org"} <= set(loaded["TRUSTED_HOSTS"])
    assert (loaded["FAB_API_MAX_PAGE_SIZE"], loaded["BABEL_DEFAULT_LOCALE"]) == (50, "es")
    assert loaded["DIETARY_RETENTION_DAYS"] == 3
    assert "lower" not in loaded


def test_the_environment_has_precedence_over_the_file(tmp_path):
    (tmp_path / "config.toml").write_text('SITE_NAME = "File"\nPORT = 9000\nFAB_API_MAX_PAGE_SIZE = 50\nMAP_URL = ""\n')
    loaded = load(tmp_path, SITE_NAME="Environment", PORT="", FAB_API_MAX_PAGE_SIZE="7")
    assert (loaded["APP_NAME"], loaded["PORT"], loaded["FAB_API_MAX_PAGE_SIZE"]) == ("Environment", 9000, 7)
    assert loaded["MAP_URL"] == ""


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("config.toml", "PORT = ", "config.toml cannot be read"),
        ("config.toml", "port = 9000", "settings have names in capitals, unlike port"),
        ("config.toml", "PORT = 1.5", "PORT must be a text, a number, or true or false"),
        ("config.toml", 'PORT = "eighty"', "PORT must be a whole number"),
        ("config.toml", 'INSTANCE_PATH = "/srv"', "can be set in the environment only"),
        ("config.py", "PORT = (", "config.py cannot be read"),
        ("config.py", "import nothing_like_this", "config.py cannot be read"),
        ("config.py", "1 / 0", "config.py cannot be read"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_two_files_are_refused(tmp_path):
    for name in ("config.py", "config.toml"):
        (tmp_path / name).touch()
    with pytest.raises(ConfigurationError, match="keep one of them"):
        load(tmp_path)


def test_names_of_flask_appbuilder_set_up_a_directory(tmp_path):
    (tmp_path / "config.py").write_text(
        "AUTH_TYPE = 2\nAUTH_LDAP_SERVER = 'ldaps://directory.example.org'\nAUTH_LDAP_SEARCH = 'dc=example'\n"
    )
    own = load(tmp_path / "other", LDAP_SERVER="ldaps://directory.example.org", LDAP_SEARCH_BASE="dc=example")
    loaded = load(tmp_path)
    assert {name: loaded[name] for name in loaded if "LDAP" in name} == {
        name: own[name] for name in own if "LDAP" in name
    }
    assert (loaded["AUTH_TYPE"], loaded["REGISTRATION"]) == (const.AUTH_LDAP, "closed")


@pytest.mark.parametrize(("value", "registration"), [("False", "closed"), ("True", "open")])
def test_auth_user_registration_opens_or_closes_the_registration(tmp_path, value, registration):
    (tmp_path / "config.py").write_text(f"AUTH_USER_REGISTRATION = {value}\n")
    loaded = load(tmp_path)
    assert (loaded["REGISTRATION"], loaded["AUTH_USER_REGISTRATION"]) == (registration, registration == "open")
    assert load(tmp_path, AUTH_USER_REGISTRATION="no")["REGISTRATION"] == "closed"


def test_a_command_reports_a_wrong_file_without_a_traceback(tmp_path):
    (tmp_path / "config.py").write_text("FAB_ROLES_MAPPING = {1: 'Boss'}\n")
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "setup"],
        cwd=config.ROOT,
        env={**os.environ, "INSTANCE_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert (
        done.stderr.strip()
        == "Error: FAB_ROLES_MAPPING cannot have this value here: Rename roles under Manage → Roles."
    )


def test_an_env_file_that_cannot_be_read_is_reported(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    config.load_dotenv()
    assert caplog.messages == []
    (tmp_path / ".env").write_text("SITE_NAME=Kitchen\n")
    monkeypatch.delenv("SITE_NAME", raising=False)
    config.load_dotenv()
    if importlib.util.find_spec("dotenv"):
        assert os.environ.pop("SITE_NAME") == "Kitchen"
    else:
        assert caplog.messages == [".env is not read: install python-dotenv, or use a file in the instance folder"]


# -- settings with an old name


@pytest.mark.parametrize(("old", "new"), config.RENAMED.items())
def test_an_old_name_is_still_read_with_a_warning_that_names_the_new_one(tmp_path, caplog, old, new):
    value = {"LDAP_SEARCH_BASE": "dc=example", "OIDC_DISPLAY_NAME": "Club"}.get(new, "17")
    context = {
        "LDAP_SERVER": "ldaps://directory.example.org",
        "OIDC_ISSUER": "https://a.example",
        "OIDC_CLIENT_ID": "b",
    }
    search = {} if new == "LDAP_SEARCH_BASE" else {"LDAP_SEARCH_BASE": "dc=other"}
    by_old_name = load(tmp_path, **context, **search, **{old: value})
    assert caplog.messages == [f"{old} was renamed: set {new} instead"]
    assert by_old_name == load(tmp_path, **context, **search, **{new: value})
    assert by_old_name != load(tmp_path, **context, LDAP_SEARCH_BASE="dc=other")
    assert len(caplog.messages) == 1


def test_a_new_name_takes_precedence_over_an_old_one_with_a_warning(tmp_path, caplog):
    loaded = load(tmp_path, SHORTEST_PASSWORD="9", PASSWORD_MIN_LENGTH="11")
    assert loaded["PASSWORD_MIN_LENGTH"] == 11
    assert caplog.messages == ["SHORTEST_PASSWORD was renamed and is ignored: PASSWORD_MIN_LENGTH is set, too"]


@pytest.mark.parametrize(("old", "new"), config.RENAMED_VALUES["ACTIVATION"].items())
def test_an_old_value_is_still_read_with_a_warning_that_names_the_new_one(tmp_path, caplog, old, new):
    assert load(tmp_path, ACTIVATION=old)["ACTIVATION"] == new
    assert caplog.messages == [f"ACTIVATION={old} was renamed: set ACTIVATION={new} instead"]


def test_each_old_name_gets_a_warning_on_its_own_line(tmp_path, caplog):
    load(tmp_path, DIETS_KEPT_DAYS="3", ERASE_AFTER_DAYS="4", ACTIVATION="letter")
    assert len(caplog.messages) == 3


def test_every_renamed_setting_is_in_the_changelog():
    changelog = (config.ROOT / "CHANGELOG.md").read_text("utf-8")
    renamed = [*config.RENAMED.items()]
    renamed += [
        (f"{name}={old}", f"{name}={new}")
        for name, values in config.RENAMED_VALUES.items()
        for old, new in values.items()
    ]
    assert not [(old, new) for old, new in renamed if f"| `{old}` | `{new}` |" not in changelog]


# -- e-mail that comes back


def test_without_a_door_there_is_no_address_for_replies(tmp_path):
    assert load(tmp_path, INBOUND_ADDRESS="dinner@example.org")["INBOUND_ADDRESS"] == ""


@pytest.mark.parametrize(
    "door",
    [{"INBOUND_LISTEN": "lmtp://127.0.0.1:2424"}, {"INBOUND_IMAP": "imaps://user:p%40ss@imap.example.org/INBOX"}],
)
def test_replies_come_to_the_sender_or_to_an_address_of_their_own(tmp_path, door):
    sender = {"MAIL_DEFAULT_SENDER": "Dinner <hello@example.org>"}
    assert load(tmp_path, **door, **sender)["INBOUND_ADDRESS"] == "hello@example.org"
    assert load(tmp_path, **door, **sender, INBOUND_ADDRESS="in@example.org")["INBOUND_ADDRESS"] == "in@example.org"


def test_the_address_leaves_room_for_tokens(tmp_path):
    with pytest.raises(ConfigurationError, match="24 characters before the @"):
        load(tmp_path, INBOUND_LISTEN="lmtp://127.0.0.1:2424", INBOUND_ADDRESS=f"{'a' * 25}@example.org")


def test_the_password_of_the_mailbox_is_not_repeated(tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, INBOUND_IMAP="pop3://user:s3cret@example.org")
    assert "s3cret" not in str(caught.value)
