"""What a process of the site loads when it starts, and what it loads later, if ever."""

import subprocess
import sys
import threading
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec

import pytest

import config
from app import i18n, late_modules, templating
from app.commands import COMMANDS, Commands

# What web workers never load, or only for a page of their own.
NOT_LOADED = {
    "aiosmtpd", "alembic", "app.cli", "app.copies", "app.demo", "app.scheduler", "app.worker", "authlib",
    "babel.messages.frontend", "celery", "flask_migrate", "icalendar", "imap_tools", "ldap3", "mako", "markdown_it",
    "psycopg", "pygments", "redis", "requests", "sentry_sdk", "sqlalchemy_utils", "webauthn", "xlsxwriter", "zxcvbn",
}  # fmt: skip
# 1,470 on Python 3.11. Each costs a start half a millisecond.
MOST_MODULES = 1550

SERVE = """
import sys
from app import create_app, late_modules
app = create_app({"SQLALCHEMY_DATABASE_URI": sys.argv[1]})
print(len(sys.modules))
client = app.test_client()
for path in ("/", "/parties/", "/login/", "/register/form"):
    assert client.get(path).status_code == 200, path
print(*sorted({*sys.modules} - {name for name in late_modules.NAMES if not late_modules.has_run(name)}))
"""


def test_a_web_worker_loads_what_it_needs(app, database, tmp_path):
    environ = {"INSTANCE_PATH": str(tmp_path), "PATH": "", "MAIL_SERVER": "mail.example.com"}
    arguments = [sys.executable, "-c", SERVE, app.config["SQLALCHEMY_DATABASE_URI"]]
    printed = subprocess.run(arguments, cwd=config.ROOT, env=environ, capture_output=True, text=True, check=True).stdout
    count, loaded = printed.splitlines()
    assert int(count) < MOST_MODULES
    assert not (NOT_LOADED | late_modules.NAMES).intersection(loaded.split())


def test_every_command_is_where_it_is_said_to_be():
    assert all(Commands().get_command(None, name).name == name for name in COMMANDS)


def late_module(path, code):
    path.write_text(code)
    loader = late_modules.LateLoader(SourceFileLoader("late", str(path)))
    module = module_from_spec(ModuleSpec("late", loader))
    loader.exec_module(module)
    return module


def test_a_late_module_runs_once_for_all_threads(tmp_path):
    module = late_module(tmp_path / "late.py", f"import os\nos.mkdir({str(tmp_path / 'ran')!r})\nvalue = 1\n")
    assert module.__name__ == "late"
    assert not (tmp_path / "ran").exists()
    together, values = threading.Barrier(8), []

    def use():
        together.wait()
        values.append(module.value)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values == [1] * 8


def test_a_late_module_that_fails_is_tried_again(tmp_path):
    module = late_module(tmp_path / "late.py", "raise LookupError")
    for _ in range(2):
        with pytest.raises(LookupError):
            _ = module.value
    (tmp_path / "late.py").write_text("value = 1\n")
    assert module.value == 1


def test_flask_appbuilder_knows_a_uuid_column_without_its_package():
    known = late_modules.UUIDTypeByName()
    other = type("UUIDType", (), {"__module__": "sqlalchemy_utils.types.uuid"})
    assert other == known
    assert known != other.__mro__[-1]


def test_processes_share_the_texts_and_templates_of_the_first_pages(new_app):
    app = new_app()
    i18n.runtime.prepare(app)
    templating.prepare(app)
    texts, templates = app.extensions["babel"].instance.domain_instance.cache, app.jinja_env.cache
    prepared = {*texts}, {*templates.keys()}
    with app.app_context():
        assert prepared[0] == {info.key for info in i18n.locales.shipped()}
    for path in ("/", "/parties/"):
        assert app.test_client().get(path).status_code == 200
    assert ({*texts}, {*templates.keys()}) == prepared
