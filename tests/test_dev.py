"""Commands for developers: `make dev`, `make shell` and `make reset`."""

import re
import time
import urllib.request

import pytest

from tests.support.factories import OutboxEmailFactory
from tests.support.processes import FlaskCommand, run_flask
from tests.support.smtp import HOST, free_port

WAIT_SECONDS = 60
EMBEDDED = ("dinnerparty.db", "dinnerparty.db-wal", "dinnerparty.db-shm")


def run(folder, *words, answer="", **environ):
    """Run a command in its own process."""
    return run_flask("--app", *words, typed=answer, environ={"INSTANCE_PATH": str(folder), **environ})


@pytest.fixture
def dev(app, database_url, tmp_path):
    """Serve the site as `make dev` does; return its URL and its log."""
    port, log = free_port(), tmp_path / "dev.log"
    url = f"http://{HOST}:{port}"
    environ = {"DATABASE_URL": database_url, "INSTANCE_PATH": str(tmp_path)}
    command = ["--app", "app.dev", "--debug", "run", "--no-reload", "--host", HOST, "--port", str(port)]
    with log.open("wb") as output:
        process = FlaskCommand(*command, environ=environ, stdout=output)
    try:
        wait_until(lambda: "Running on" in log.read_text(), log)
        yield url, log
    finally:
        process.terminate()
        process.wait()


def wait_until(condition, log):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310
        return answer.read().decode()


def test_each_request_is_logged_with_statement_count_and_duration(dev):
    url, log = dev
    get(f"{url}/")
    wait_until(lambda: re.search(r"INFO in dev: GET /: [1-9]\d* SQL statements, \d+ ms", log.read_text()), log)


def test_an_email_is_printed_once_as_its_recipient_reads_it(dev):
    url, log = dev
    get(f"{url}/login/")
    OutboxEmailFactory(recipient="ana@example.com", subject="A seat is yours", text="Dear Ana, come at eight.")
    for _ in range(2):
        get(f"{url}/login/")
    wait_until(lambda: "Dear Ana" in log.read_text(), log)
    assert log.read_text().count("-- E-mail to ana@example.com: A seat is yours\n\nDear Ana, come at eight.\n--") == 1


def test_the_debugger_is_enabled(dev):
    url, _log = dev
    assert "__debugger__" in get(f"{url}/login/?__debugger__=yes&cmd=resource&f=debugger.js")


def test_the_shell_has_the_database_the_clock_and_the_models(database_url, tmp_path):
    said = run(
        tmp_path, "app", "shell", answer="print(db, clock.now(), Member, DinnerParty)\n", DATABASE_URL=database_url
    )
    assert "class 'app.accounts.models" in said.stdout
    assert "NameError" not in said.stdout + said.stderr


@pytest.fixture
def instance(tmp_path):
    """An instance folder with an embedded database and other files."""
    for name in (*EMBEDDED, "other.db"):
        (tmp_path / name).touch()
    return tmp_path


def test_a_reset_asks_and_removes_only_the_embedded_database(instance):
    refused = run(instance, "app.dev", "reset", answer="n\n")
    assert (refused.returncode, all((instance / name).exists() for name in EMBEDDED)) == (1, True)
    done = run(instance, "app.dev", "reset", "--yes")
    assert (done.returncode, "`make run` sets up a new one" in done.stdout) == (0, True), done.stderr
    assert {path.name for path in instance.iterdir()} == {"catalogs", "secret_key", "other.db"}
    assert "There is no database" in run(instance, "app.dev", "reset").stdout


@pytest.mark.parametrize("url", ["postgresql://me@127.0.0.1:1/dinner", "sqlite:///{}/other.db"])
def test_a_reset_never_touches_a_configured_database(instance, url):
    refused = run(instance, "app.dev", "reset", "--yes", DATABASE_URL=url.format(instance))
    assert (refused.returncode, "only the embedded one can be reset" in refused.stderr) == (1, True)
    assert all((instance / name).exists() for name in (*EMBEDDED, "other.db"))


def test_developer_commands_are_not_in_the_served_site(instance):
    assert "No such command" in run(instance, "app", "reset", "--yes").stderr
    assert all((instance / name).exists() for name in EMBEDDED)


@pytest.mark.parametrize(("words", "status"), [(["--help"], 0), (["worker", "--help"], 1)])
def test_a_wrong_file_of_settings_is_told_in_one_line(tmp_path, words, status):
    (tmp_path / "config.toml").write_text('PORT = "abc"')
    told = run(tmp_path, "app", *words)
    assert (told.returncode, told.stderr.strip()) == (status, "Error: PORT must be a whole number, not 'abc'.")
    assert "Traceback" not in told.stdout
