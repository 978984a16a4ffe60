"""What the environment may say, and what is refused."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import config
from config import ConfigurationError

GOOD = "0f8dM2zq-Yp3uWn7_kTgLx4RbVhJc6sEaQ1iZoXt"


def load(tmp_path, **environ):
    return config.load({"INSTANCE_PATH": str(tmp_path), **environ})


def test_without_an_environment_the_site_is_embedded_and_local(tmp_path):
    loaded = load(tmp_path)
    assert loaded["SQLALCHEMY_DATABASE_URI"].startswith("sqlite:///")
    assert (loaded["HOST"], loaded["PORT"], loaded["PUBLIC_URL"]) == ("127.0.0.1", 8080, "http://localhost:8080")
    assert loaded["MAIL_SERVER"] == ""
    assert not loaded["SESSION_COOKIE_SECURE"]


def test_the_public_url_follows_the_port(tmp_path):
    assert load(tmp_path, PORT="9000")["PUBLIC_URL"] == "http://localhost:9000"


def test_a_secret_is_made_once_and_kept_to_its_owner(tmp_path):
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
def test_production_never_makes_a_secret_of_its_own(tmp_path, environ):
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        load(tmp_path, **environ)
    assert load(tmp_path, SECRET_KEY=GOOD, **environ)["SECRET_KEY"] == GOOD


@pytest.mark.parametrize(
    "secret", ["changeme", "short", "a" * 64, "\\2\\1thisismyscretkey\\1\\2\\e\\y\\y\\h", "12" * 20]
)
def test_a_known_or_short_secret_is_refused(tmp_path, secret):
    with pytest.raises(ConfigurationError, match="known or too short"):
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
        ("PUBLIC_URL", "https://example.org/dinner"),
    ],
)
def test_a_value_that_means_nothing_is_refused_by_name(tmp_path, name, value):
    with pytest.raises(ConfigurationError, match=name):
        load(tmp_path, **{name: value})


def test_https_makes_cookies_that_only_travel_there(tmp_path):
    loaded = load(tmp_path, PUBLIC_URL="https://dinner.example.org/", SECRET_KEY=GOOD)
    assert loaded["SESSION_COOKIE_NAME"] == "__Host-session"
    assert loaded["SESSION_COOKIE_SECURE"]
    assert loaded["PUBLIC_URL"] == "https://dinner.example.org"
    assert "dinner.example.org" in loaded["TRUSTED_HOSTS"]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_the_usual_addresses_of_postgresql_are_understood(tmp_path, scheme):
    loaded = load(tmp_path, DATABASE_URL=f"{scheme}://me@db/dinner")
    assert loaded["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://me@db/dinner"


def test_every_variable_is_documented():
    source = Path(config.__file__).read_text()
    readme = (config.ROOT / "README.md").read_text()
    names = set(re.findall(r'environ(?:\.get\(|, |\[)"([A-Z_]+)"', source))
    assert names
    assert not [name for name in sorted(names) if f"`{name}`" not in readme]
