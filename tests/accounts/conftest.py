"""Fixtures of accounts: directories that run, and a site that uses them."""

import pytest

import config
from tests.support import ldap, required_services


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """The running directories, by mode."""
    with ldap.running_directories(tmp_path_factory.mktemp("directory")) as found:
        yield found


@pytest.fixture
def use(app, monkeypatch, tmp_path, request):
    """Return a function that configures the site for a directory."""
    required_services.used(request.config)["ldap"] += 1

    def configure(environ):
        for name, value in config.load({"INSTANCE_PATH": str(tmp_path), **environ}).items():
            if name.startswith(("AUTH_", "LDAP_")) or name == "REGISTRATION":
                monkeypatch.setitem(app.config, name, value)
        monkeypatch.setitem(app.config, "LDAP_TIMEOUT", 2)

    return configure


@pytest.fixture
def people(use, running):
    """The site uses the directory."""
    use(running[ldap.PRIVATE].settings())
    return running[ldap.PRIVATE]
