"""`flask setup` and related commands: repeatable, also by concurrent processes."""

import os
import subprocess
import sys
from contextlib import nullcontext

import pytest
from alembic.script import ScriptDirectory
from flask_appbuilder.security.sqla.models import PermissionView, Role
from sqlalchemy import delete, select

import config
from app import demo, setup
from app.accounts import password_policy
from app.accounts.models import ADMIN, Member
from app.database import transaction
from app.extensions import db
from app.navigation import ROLES
from app.parties.models import DinnerParty, Rsvp
from config import ConfigurationError
from tests.support.factories import PASSWORD, DinnerPartyFactory, MemberFactory, RsvpFactory
from tests.support.processes import FlaskCommand, run_flask

pytestmark = pytest.mark.both_databases


def flask(app, *arguments):
    """Run a command."""
    return app.test_cli_runner().invoke(args=arguments)


def start(app, *arguments):
    """Start a command in its own process."""
    environ = {
        "DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
        "INSTANCE_PATH": app.config["INSTANCE_PATH"],
        "SECRET_KEY": app.config["SECRET_KEY"],
    }
    return FlaskCommand("--app", "app", *arguments, environ=environ)


def test_setup_prints_the_password_of_an_administrator_once(app, visitor, records):
    done = flask(app, "setup")
    assert done.exit_code == 0, done.output
    password = done.output.partition("Password:")[2].split()[0]
    page = visitor.submit(visitor.get("/login/").form("/login/"), username="admin", password=password)
    assert page.flashes == [("info", "Welcome, Admin!")]
    before = records.dump()
    again = flask(app, "setup")
    assert again.exit_code == 0
    assert "Password" not in again.output
    assert records.dump() == before


@pytest.mark.slow
def test_concurrent_setups_run_once(app, records):
    with app.app_context():
        db.drop_all()
        db.session.execute(db.text("DROP TABLE alembic_version"))
        db.session.commit()
    running = [start(app, "setup", "--demo") for _number in range(2)]
    outputs = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0], outputs
    assert sum("Password:" in out for out, _error in outputs) == 1
    assert records.count(Member) == len(demo.PEOPLE) + 1
    assert {role.name for role in records.all(Role)} == set(ROLES)


def test_demo_data_is_loaded_only_into_an_empty_database(app, cast, records):
    before = records.dump()
    done = flask(app, "demo")
    assert done.exit_code == 0
    assert "not empty" in done.output
    assert records.dump() == before


def test_a_site_that_others_may_reach_gets_no_demo_data(new_app, records):
    """Its passwords are printed in the documents."""
    done = flask(new_app(PUBLIC_URL="http://dinner.example.com"), "setup", "--demo")
    assert done.exit_code == 0, done.output
    assert "No demo data was added" in done.output
    assert [member.username for member in records.all(Member)] == ["admin"]


def test_demo_data_has_members_and_past_upcoming_full_and_free_parties(app, records, visitor):
    done = flask(app, "demo")
    assert done.exit_code == 0, done.output
    parties = records.all(DinnerParty)
    assert {party.is_past for party in parties} == {True, False}
    assert {party.is_full for party in parties} == {True, False}
    for party in parties:
        seated = {"yes", "checked_in", "no_show"}
        held = [row for row in records.all(Rsvp) if row.party_id == party.id and row.status in seated]
        assert party.seats_taken == sum(row.party_size for row in held)
    page = visitor.submit(visitor.get("/login/").form("/login/"), username="ana", password=demo.PASSWORD)
    assert page.flashes[0][0] == "info"
    # What the first dashboards show is alive.
    _head, *months = visitor.get("/dashboards/hosts-season/modules/parties.csv").text.splitlines()
    assert sum(month.split(",")[1] > "0" for month in months) >= 9


def test_demo_data_can_be_removed_and_nothing_else_is(app, records):
    before = records.dump()
    flask(app, "demo")
    MemberFactory(username="real")
    done = flask(app, "demo", "--remove")
    assert done.exit_code == 0, done.output
    assert "Removed users: ana, layla, tom, mei, omar, ines." in done.output
    after = records.dump()
    assert {table for table in after if after[table] != before[table]} <= {
        "ab_user",
        "ab_user_role",
        "access_version",
        "audit_event",
    }
    assert [member.username for member in records.all(Member)] == ["real"]
    assert "There is no demo data." in flask(app, "demo", "--remove").output


def test_demo_data_that_other_people_use_stays_without_a_login(app, records):
    flask(app, "demo")
    people = {one.username: one for one in records.all(Member)}
    mansaf = next(one for one in records.all(DinnerParty) if one.host_id == people["layla"].id)
    with app.app_context(), transaction() as session:
        # Somebody took over the account of Tom.
        session.get_one(Member, people["tom"].id).password = password_policy.hash_password(PASSWORD)
    real = MemberFactory(username="real")
    RsvpFactory(party=mansaf, member=real, status="waitlisted")
    own = DinnerPartyFactory(host=real)
    RsvpFactory(party=own, member=people["omar"])
    done = flask(app, "demo", "--remove")
    assert done.exit_code == 0, done.output
    # Tom is a guest of the others, so these stay, too.
    kept = {"Paella on the terrace", mansaf.title, "Sunday roast", "Nabe night", own.title}
    kept |= {dinners.title for dinners in demo.PAST}
    assert {one.title for one in records.all(DinnerParty)} == kept
    left = {one.username: one for one in records.all(Member)}
    assert {name for name, one in left.items() if one.active} == {"real", "tom"}
    assert {name for name, one in left.items() if one.password is None} == {"ana", "layla", "mei", "omar", "ines"}


def test_demo_data_is_not_removed_with_the_last_administrator(app, records):
    flask(app, "demo")
    with app.app_context(), transaction() as session:
        admin = session.scalars(select(Role).where(Role.name == ADMIN)).one()
        ana = session.scalars(select(Member).where(Member.username == "ana")).one()
        ana.roles.append(admin)
    before = records.dump()
    done = flask(app, "demo", "--remove")
    assert done.exit_code == 1
    assert "last administrator" in done.output
    assert records.dump() == before


def test_an_administrator_can_be_added_by_command(app, visitor):
    done = flask(app, "create-admin", "--username", "chef", "--email", "chef@example.com", "--password", PASSWORD)
    assert done.exit_code == 0, done.output
    assert "chef" in done.output
    visitor.submit(visitor.get("/login/").form("/login/"), username="chef", password=PASSWORD)
    assert visitor.get("/users/list/").status == 200


def test_adding_an_invalid_administrator_is_an_error(app):
    flask(app, "setup")
    for username, email, password, said in (
        ("chef", "admin@example.com", PASSWORD, "already"),
        ("c@f", "chef@example.com", PASSWORD, "username"),
        ("chef", "nowhere", PASSWORD, "email"),
        ("chef", "chef@example.com", "short", "password"),
    ):
        done = flask(app, "create-admin", "--username", username, "--email", email, "--password", password)
        assert done.exit_code != 0, said
        assert said in done.output
        assert "Traceback" not in done.output


def test_a_role_edited_by_an_administrator_is_kept(app, records):
    with app.app_context():
        role = db.session.query(Role).filter_by(name="Guest").one()
        role.permissions = []
        db.session.commit()
    assert flask(app, "setup").exit_code == 0
    assert next(role for role in records.all(Role) if role.name == "Guest")
    with app.app_context():
        assert db.session.query(Role).filter_by(name="Guest").one().permissions == []
        db.session.execute(delete(Role).where(Role.name == "Translator"))
        db.session.commit()
    assert flask(app, "setup").exit_code == 0
    assert {role.name for role in records.all(Role)} == set(ROLES)


def test_a_new_permission_is_granted_to_its_roles(app, records):
    new, removed = ("can_host", "PartyView"), ("can_rsvp", "PartyView")
    with app.app_context():
        role = db.session.query(Role).filter_by(name="Guest").one()
        role.permissions = [item for item in role.permissions if pair(item) not in {new, removed}]
        admin = db.session.query(Role).filter_by(name="Admin").one()
        admin.permissions = [item for item in admin.permissions if pair(item) != new]
        db.session.flush()
        # As in a database of an older version.
        db.session.delete(next(item for item in db.session.query(PermissionView) if pair(item) == new))
        db.session.commit()
    assert flask(app, "setup").exit_code == 0
    with app.app_context():
        guest = {pair(item) for item in db.session.query(Role).filter_by(name="Guest").one().permissions}
        assert guest == ROLES["Guest"] - {removed}
        assert new in {pair(item) for item in db.session.query(Role).filter_by(name="Admin").one().permissions}


def pair(item):
    return item.permission.name, item.view_menu.name


def test_roles_of_a_new_site_have_exactly_the_declared_permissions(app):
    """A new permission has to be added here on purpose."""
    with app.app_context():
        roles = {role.name: {pair(item) for item in role.permissions} for role in db.session.query(Role)}
        everything = {pair(item) for item in db.session.query(PermissionView)}
    assert roles.pop("Admin") == everything
    assert roles == {
        "Public": {("can_read", "PartyView")},
        "Guest": {
            ("can_rsvp", "PartyView"),
            ("can_host", "PartyView"),
            ("can_read", "MemberView"),
            # Showing one to everybody is for administrators.
            *(
                (f"can_{action}", "DashboardView")
                for action in ("read", "create", "update", "delete", "clone", "share")
            ),
        },
        "Translator": set(),
    }


@pytest.mark.slow
def test_the_database_file_is_private_and_setup_works_on_any_terminal(tmp_path):
    # A terminal that cannot show every character is no error.
    # Not forked: the interpreter chooses the encoding when it starts.
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "setup"],
        cwd=config.ROOT,
        env={**os.environ, "INSTANCE_PATH": str(tmp_path), "PYTHONIOENCODING": "iso-8859-1", "SITE_NAME": "Ужин"},
        umask=0,
        capture_output=True,
        encoding="iso-8859-1",
        check=False,
    )
    assert "Password:" in done.stdout
    assert (tmp_path / "dinnerparty.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_a_database_file_created_by_another_command_is_private_too(tmp_path):
    url = f"sqlite:///{tmp_path}/new.db"
    set_up(tmp_path, "outbox", "status", umask=0, DATABASE_URL=url)
    assert (tmp_path / "new.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"PORT": "99999"}, "Error: PORT must be a number from 1 to 65535, not 99999."),
        ({"DATABASE_URL": "sqlite:////nowhere/dinner.db"}, "Error: The database /nowhere/dinner.db is not writable"),
        ({"DATABASE_URL": "postgresql://me@127.0.0.1:1/dinner"}, "Error: The database cannot be used (connection"),
        ({"DATABASE_URL": "postgresql://me@127.0.0.1/dinner?colour=red"}, "Error: The database cannot be used (inva"),
    ],
)
def test_a_failed_setup_is_reported_in_one_sentence(tmp_path, environ, said):
    done = set_up(tmp_path, **environ)
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith(said)
    assert sentence.endswith((".", "?"))


def set_up(directory, *words, umask=0o022, **environ):
    """Run the setup or another command in its own process."""
    environ = {"INSTANCE_PATH": str(directory), **environ}
    return run_flask("--app", "app", *(words or ["setup"]), umask=umask, environ=environ)


def test_a_command_without_setup_says_what_to_run(app):
    with app.app_context():
        db.drop_all()
    done = flask(app, "purge")
    assert done.exit_code == 1
    assert done.output.startswith("Error: The database cannot be used")
    assert "was `flask setup` run?" in done.output


@pytest.mark.parametrize(("revision", "refused"), [(None, True), ("0001", True), ("9999", False), ("newest", False)])
def test_the_site_accepts_the_schema_of_its_version_or_a_newer_one(app, revision, refused):
    with app.app_context():
        (newest,) = ScriptDirectory.from_config(app.extensions["migrate"].migrate.get_config()).get_heads()
        db.session.execute(db.text("DELETE FROM alembic_version"))
        if revision:
            db.session.execute(
                db.text("INSERT INTO alembic_version VALUES (:revision)"),
                {"revision": newest if revision == "newest" else revision},
            )
        db.session.commit()
        with pytest.raises(ConfigurationError, match="flask --app app setup") if refused else nullcontext():
            setup.refuse_other_schema()


def test_starting_the_site_writes_nothing(new_app, records):
    before = records.dump()
    assert new_app().test_client().get("/").status_code == 200
    assert records.dump() == before
