"""`python -m tests.directories`: log in to a site that uses each directory, and print what was seen."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from flask import Flask

from app import clock, create_app, setup
from app.accounts.ldap import checks, client, lockout, people
from app.accounts.ldap.refusals import Refusal
from app.accounts.models import DirectoryPerson, LoginSession, Member
from app.accounts.users import directory
from app.database import transaction
from app.doctor import Level
from app.extensions import db
from tests.directories.servers import PASSWORD, SERVERS, Running
from tests.support.client import Visitor

YES = True
_failures = 0


def expect(what: str, seen: object, wanted: object = YES) -> None:
    """Print whether something was seen as it should be."""
    global _failures  # noqa: PLW0603 - the exit status
    is_right = seen == wanted
    _failures += not is_right
    click.echo(f"  {'ok  ' if is_right else 'FAIL'} {what}{'' if is_right else f': {seen!r}, not {wanted!r}'}")


def main() -> int:
    """Return the exit status."""
    left_out = []
    for name, (program, start) in SERVERS.items():
        if shutil.which(program) is None:
            left_out.append(name)
            continue
        click.echo(name)
        # The processes of a directory may have other users.
        with tempfile.TemporaryDirectory() as folder, start(Path(folder)) as running:
            _examine(running, Path(folder))
    if left_out:
        click.echo(f"Not installed, so not tried: {', '.join(left_out)}.")
    return int(bool(_failures) or len(left_out) == len(SERVERS))


def _site(running: Running, folder: Path) -> Flask:
    (folder / "site").mkdir()
    os.environ.update({"INSTANCE_PATH": str(folder / "site"), "RATELIMIT_ENABLED": "no", **running.settings})
    app = create_app()
    with app.app_context():
        setup.prepare()
    return app


def _examine(running: Running, folder: Path) -> None:
    app = _site(running, folder)
    lockout._policy = None  # noqa: SLF001 - of the directory before
    clock.reset()
    with app.app_context():
        expect("nothing is wrong", [finding.text for finding in checks.servers() if finding.level > Level.OK], [])
        told = "\n".join(finding.text for finding in checks.login("noor"))
        expect("the doctor finds nested groups", "Is an administrator by LDAP_ADMIN_GROUP." in told)
    for typed in running.typed:
        expect(f"{typed} logs in", _log_in(app, typed).status, 200)
    expect("adm-noor, who has her address, logs in", _log_in(app, "adm-noor").status, 200)
    with app.app_context():
        noor = db.session.query(Member).filter_by(username="noor").one()
        expect("noor is an administrator by a group in a group", [role.name for role in noor.roles], ["Admin"])
        row = db.session.query(DirectoryPerson).filter_by(member_id=noor.id).one()
        expect("she is known by a unique id", row.unique_id.startswith(running.unique_id))
    for name, refusal in running.refused.items():
        expect(f"{name} is told why", _log_in(app, name).flashes, [("danger", str(Refusal[refusal].label))])
        expect(f"{name} is not told with a wrong password", _log_in(app, name, "wrong").status, 401)
    _leave(app, running)
    if running.threshold:
        _guess(app, running)
    _mistakes(app, running)


def _log_in(app: Flask, name: str, password: str = PASSWORD) -> Any:
    visitor = Visitor(app)
    return visitor.submit(visitor.get("/login/").form("/login/"), username=name, password=password)


def _leave(app: Flask, running: Running) -> None:
    visitor = Visitor(app)
    visitor.submit(visitor.get("/login/").form("/login/"), username="leaver", password=PASSWORD)
    expect("leaver is logged in", visitor.get("/account/profile/").status, 200)
    running.modify(f"dn: {running.dn('leaver')}\nchangetype: modify\n{running.disabling}\n")
    clock.set_now(clock.now() + timedelta(minutes=4))
    with app.app_context():
        expect("one person has left", directory.check_due(), 1)
        session = db.session.query(LoginSession).join(Member).filter(Member.username == "leaver").one()
        expect("the session of leaver has ended", session.ended_at is not None)
    clock.reset()


def _guess(app: Flask, running: Running) -> None:
    """Guess as fast as the site lets one, by every name, and see that the directory does not lock the person."""
    statuses = [
        _log_in(app, typed, "wrong").status for _round in range(7) for typed in ("locked", "locked@lab.example")
    ]
    expect("guessing is stopped", statuses[-1], 429)
    expect("guesses that reached the directory", statuses.count(401), running.threshold // 2)
    with app.app_context():
        entry = people.find("locked")
        accepted = client.ask(lambda connection: connection.bind(entry.dn, PASSWORD)) if entry else False
    expect("the directory has not locked the person", accepted)


def _mistakes(app: Flask, running: Running) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "The host of the server is unknown.": {"AUTH_LDAP_SERVER": "ldap://directory.invalid"},
        "Nothing listens at the port of the server.": {"AUTH_LDAP_SERVER": "ldap://127.0.0.1:9"},
        "The directory does not accept LDAP_BIND_USER with LDAP_BIND_PASSWORD.": {"AUTH_LDAP_BIND_PASSWORD": "wrong"},
        "The base of the search does not exist": {
            "AUTH_LDAP_SEARCH": f"ou=nowhere,{running.settings['LDAP_SEARCH_BASE']}"
        },
        "Nobody is found below LDAP_SEARCH_BASE.": {"AUTH_LDAP_SEARCH_FILTER": "(sn=Nobody)"},
        "LDAP_ADMIN_GROUP does not exist": {"LDAP_ADMIN_GROUP": f"cn=nobody,{running.settings['LDAP_SEARCH_BASE']}"},
    }
    for sentence, settings in wrong.items():
        expect(f"told: {sentence}", _has(app, settings, sentence))
    unknown = {"AUTH_LDAP_BIND_USER": f"uid=nobody,{running.settings['LDAP_SEARCH_BASE']}"}
    expect("told: an unknown LDAP_BIND_USER", _has(app, unknown, "LDAP_BIND_USER"))


def _has(app: Flask, settings: dict[str, Any], sentence: str) -> bool:
    before = {name: app.config[name] for name in settings}
    app.config.update(settings)
    try:
        with app.app_context(), transaction():
            return _is_told(checks.servers, sentence)
    finally:
        app.config.update(before)


def _is_told(check: Callable[[], Any], sentence: str) -> bool:
    return any(sentence in finding.text for finding in check())


if __name__ == "__main__":
    sys.exit(main())
