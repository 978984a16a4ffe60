"""`flask fab`: every command follows the rules of the site, and is described."""

import json

import pytest
from flask_appbuilder.cli import fab
from flask_appbuilder.security.sqla.models import Group, PermissionView, Role
from sqlalchemy import select

import config
from app import fab_commands
from app.accounts.models import Member
from app.audit.models import AuditEvent
from app.extensions import appbuilder_of, db
from app.outbox.models import OutboxEmail
from tests.support.client import Visitor
from tests.support.processes import run_flask

NEW = "the second course is better"
PERSON = ("--username", "chef", "--firstname", "Chef", "--lastname", "Cook", "--email", "chef@example.com")


def flask(app, *arguments):
    """Run a command of Flask-AppBuilder."""
    return app.test_cli_runner().invoke(args=["fab", *arguments])


def actions(records):
    """Return what the audit log tells."""
    return [event.action for event in records.all(AuditEvent)]


def test_every_command_is_in_the_document():
    assert {*fab_commands.KEPT, *fab_commands.REPLACED} == fab.commands.keys()
    document = (config.ROOT / "docs" / "fab.md").read_text()
    assert fab_commands.table() in document, (
        "Put the output of `python -c 'from app import fab_commands; print(fab_commands.table())'` into docs/fab.md"
    )


# -- people


def test_reset_password_ends_all_sessions_and_is_in_the_audit_log(app, client_of, new_visitor, cast, records):
    friend = client_of(cast.friend)
    done = flask(app, "reset-password", "--username", "friend", "--password", NEW)
    assert done.exit_code == 0, done.output
    assert "You were signed out because your password was changed." in friend.get("/parties/new").text
    assert new_visitor().log_in("friend", NEW).flashes == [("info", "Welcome, Friend Doe!")]
    assert "password_changed" in actions(records)
    assert "password_changed" in [email.kind for email in records.all(OutboxEmail)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("reset-password", "--username", "friend", "--password", "1"), "Use at least 8 characters."),
        (("reset-password", "--username", "nobody", "--password", NEW), "No member has the username"),
        (("create-user", "--role", "Guest", *PERSON, "--password", "1"), "Use at least 8 characters."),
        (("create-user", "--role", "Chef", *PERSON, "--password", NEW), "There is no role Chef."),
        (("create-user", "--role", "Guest", *PERSON[2:], "--username", "a b", "--password", NEW), "3 to 20 letters"),
        (("create-user", "--role", "Guest", *PERSON[2:], "--username", "Friend", "--password", NEW), "already exists"),
        (("create-admin", *PERSON, "--password", "a dinner 4 us"), "Use at least 15 characters."),
        (("import-roles", "--path", "/nowhere.json"), "cannot be read"),
        (("export-roles", "--path", "/nowhere/roles.json"), "cannot be written"),
    ],
)
def test_what_is_against_the_rules_is_refused_in_a_sentence(app, cast, records, arguments, said):
    before = records.dump()
    done = flask(app, *arguments)
    assert done.exit_code in {1, 2}
    assert said in done.output
    assert "Traceback" not in done.output
    assert records.dump() == before


@pytest.mark.parametrize(
    ("command", "role"), [(("create-admin",), "Admin"), (("create-user", "--role", "Guest"), "Guest")]
)
def test_people_are_added_with_an_entry_in_the_audit_log(app, records, new_visitor, command, role):
    done = flask(app, *command, *PERSON, "--password", NEW)
    assert done.exit_code == 0, done.output
    assert actions(records) == ["member_created"]
    with app.app_context():
        member = db.session.execute(select(Member).where(Member.username == "chef")).scalar_one()
        assert [held.name for held in member.roles] == [role]
    assert new_visitor().log_in("chef", NEW).flashes == [("info", "Welcome, Chef Cook!")]


def test_an_existing_administrator_is_left_alone(app, records):
    arguments = ("create-admin", *PERSON, "--password", NEW)
    assert flask(app, *arguments).exit_code == 0
    before = records.dump()
    assert "Nothing was changed." in flask(app, *arguments).output
    assert records.dump() == before


def test_users_and_views_are_listed(app, cast):
    assert "username:friend | email:friend@example.com | role:[Guest]" in flask(app, "list-users").output
    assert "View:LoginView" in flask(app, "list-views").output
    assert "F.A.B Version" in flask(app, "version").output


# -- the database and roles


@pytest.mark.both_databases
def test_create_db_and_create_permissions_may_run_on_a_site_that_is_set_up(app, records):
    before = records.dump()
    assert flask(app, "create-db").output.splitlines()[-1] == "The database is up to date."
    assert flask(app, "create-permissions").exit_code == 0
    assert records.dump() == before


def test_roles_move_from_one_site_to_another(app, tmp_path, records):
    path = tmp_path / "roles.json"
    assert flask(app, "export-roles", "--path", str(path), "--indent", "2").exit_code == 0
    described = {role["name"]: role for role in json.loads(path.read_text())}
    assert {"Admin", "Guest", "Public", "Translator"} <= described.keys()
    cook = {**described["Guest"], "name": "Cook", "second_factor_required": True}
    translator = {**described["Translator"], "permissions": described["Public"]["permissions"]}
    path.write_text(json.dumps([cook, translator]))
    assert flask(app, "import-roles", "--path", str(path)).exit_code == 0
    with app.app_context():
        roles = {role.name: role for role in db.session.scalars(select(Role))}
        assert set(roles["Cook"].permissions) == set(roles["Guest"].permissions)
        assert roles["Cook"].second_factor_required
        assert set(roles["Translator"].permissions) == set(roles["Public"].permissions)
    assert actions(records) == ["role_created", "role_changed"]


def test_a_file_that_is_wrong_somewhere_changes_nothing(app, tmp_path, records):
    path = tmp_path / "roles.json"
    path.write_text(json.dumps([{"name": "Cook", "permissions": []}, {"name": "Chef"}]))
    before = records.dump()
    done = flask(app, "import-roles", "--path", str(path))
    assert (done.exit_code, "is not a file of `flask fab export-roles`" in done.output) == (1, True)
    assert records.dump() == before


def test_permissions_of_a_view_that_is_gone_are_cleaned_up_with_an_entry(app, records):
    with app.app_context():
        manager = appbuilder_of().sm
        manager.add_permission_role(manager.find_role("Guest"), manager.add_permission_view_menu("can_go", "GoneView"))
    kept = records.count(PermissionView) - 1
    done = flask(app, "security-cleanup")
    assert done.exit_code == 0, done.output
    assert records.count(PermissionView) == kept
    assert actions(records) == ["role_changed", "role_changed"]
    assert records.all(AuditEvent)[-1].before == {"removed": ["can go on GoneView"]}


# -- the command line itself, where Flask-AppBuilder's commands start before the application is loaded


def test_a_command_that_is_running_already_goes_on_with_the_function_of_the_site(app, cast, records):
    environ = {
        "DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
        "INSTANCE_PATH": app.config["INSTANCE_PATH"],
        "SECRET_KEY": app.config["SECRET_KEY"],
    }
    weak = ("--username", "friend", "--password", "1")
    done = run_flask("--app", "app", "fab", "reset-password", *weak, environ=environ)
    assert (done.returncode, "Use at least 8 characters." in done.stderr) == (1, True)
    done = run_flask("--app", "app", "fab", "reset-password", *weak[:3], NEW, environ=environ)
    assert (done.returncode, "signed out on all devices" in done.stdout) == (0, True)
    assert "password_changed" in actions(records)


# -- the methods that commands and add-ons call


def test_the_security_manager_adds_people_with_roles_and_groups(app, records):
    with app.app_context():
        manager = appbuilder_of().sm
        group = manager.add_group("cooks", "Cooks", "", roles=[manager.find_role("Guest")])
        member = manager.add_user(
            "chef", "Chef", "Cook", "Chef@example.com", manager.find_role("Guest"), NEW, groups=[group]
        )
        assert [held.name for held in member.groups] == ["cooks"]
        assert manager.add_user("Chef", "Other", "Cook", "other@example.com") is False
        assert manager.add_user("other", "Other", "Cook", "other@example.com", password="1") is False
        hashed = manager.add_user("third", "Third", "Cook", "third@example.com", hashed_password=member.password)
        assert hashed.password == member.password
    assert records.count(Member) == 2
    assert records.count(Group) == 1
    assert records.all(OutboxEmail) == []


def test_without_a_password_the_security_manager_sends_a_link_to_choose_one(app, records):
    with app.app_context():
        assert appbuilder_of().sm.add_user("chef", "Chef", "Cook", "chef@example.com")
    assert [email.kind for email in records.all(OutboxEmail)] == ["account_created"]


def test_the_security_manager_leaves_the_commit_to_its_caller_when_asked_to(app, records):
    with app.app_context():
        appbuilder_of().sm.add_user("chef", "Chef", "Cook", "chef@example.com", commit=False)
        db.session.rollback()
    assert records.count(Member) == 0


def test_the_security_manager_keeps_the_last_administrator(app, cast):
    with app.app_context():
        manager = appbuilder_of().sm
        boss = db.session.get(Member, cast.admin.id)
        assert manager.delete_user(boss) is False
        boss.roles = []
        assert manager.update_user(boss) is False
    visitor = Visitor(app)
    visitor.log_in_as(cast.admin)
    assert visitor.get("/users/list/").status == 200


def test_deactivating_somebody_by_the_security_manager_ends_their_sessions(app, cast, client_of):
    friend = client_of(cast.friend)
    with app.app_context():
        member = db.session.get(Member, cast.friend.id)
        member.active = False
        assert appbuilder_of().sm.update_user(member) is None
    assert "Your account was deactivated." in friend.get("/parties/new").text
