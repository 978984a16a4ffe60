"""The signals of Flask-AppBuilder and Flask-Login, and the hooks of the security manager, as their users receive them."""

from contextlib import ExitStack
from datetime import timedelta

import flask_login
import pytest
from flask_appbuilder.security import signals
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

from app import clock
from app.accounts.models import Member
from app.audit.models import AuditEvent
from app.database import transaction
from app.errors import DomainError
from app.extensions import appbuilder_of, db
from app.outbox.models import OutboxEmail
from tests.accounts.test_registration import ADA, link_in, register
from tests.support.factories import PASSWORD, MemberFactory

SIGNALS = {name: value for name, value in vars(signals).items() if name.startswith(("user_", "role_", "group_"))}
LOGIN_SIGNALS = (
    *("user_logged_in", "user_logged_out", "user_login_confirmed"),
    *("user_unauthorized", "user_needs_refresh"),
)


@pytest.fixture
def received():
    """Collect the signals of users, roles and groups as (name, event)."""
    events = []
    with ExitStack() as connected:
        for name, signal in SIGNALS.items():

            def receive(sender, event, name=name):
                events.append((name, event))

            connected.enter_context(signal.connected_to(receive))
        yield events


@pytest.fixture
def logins():
    """Collect the names of Flask-Login's signals."""
    names = []
    with ExitStack() as connected:
        for name in LOGIN_SIGNALS:

            def receive(sender, name=name, **more):
                names.append(name)

            connected.enter_context(getattr(flask_login, name).connected_to(receive))
        yield names


@pytest.fixture
def hooks(app, monkeypatch):
    """Collect the calls of the security manager's hooks, as a subclass would have them."""
    calls = []
    for name in ("on_user_login", "on_user_login_failed", "on_user_logout"):
        monkeypatch.setattr(
            appbuilder_of(app).sm, name, lambda user, name=name: calls.append((name, user.username)), raising=True
        )
    return calls


def names(received):
    return [name for name, _event in received]


# -- users


@pytest.mark.both_databases
def test_a_user_who_is_added_on_a_page_is_announced_before_and_after_the_commit(admin, cast, received):
    admin.submit(admin.get("/users/add").form("/users/add"), **{**ADA, "timezone": "Europe/London"})
    assert names(received) == ["user_creating", "user_created"]
    before, after = (event for _name, event in received)
    assert (before.model.username, before.model_id, before.is_committed) == ("ada", before.model.id, False)
    assert (after.model_id, after.is_committed, after.model_type, after.action) == (
        before.model_id,
        True,
        "user",
        "created",
    )
    assert after.triggered_by.username == cast.admin.username


def test_an_activated_registration_is_a_new_user(visitor, records, received):
    register(visitor)
    assert received == []
    visitor.post(link_in(records.one(OutboxEmail)))
    assert names(received) == ["user_creating", "user_created"]


def test_a_user_who_is_added_by_a_command_is_announced(app, received):
    arguments = ["--username", "chef", "--email", "chef@example.com", "--password", "a long dinner for many"]
    assert app.test_cli_runner().invoke(args=["create-admin", *arguments]).exit_code == 0
    assert names(received) == ["user_creating", "user_created"]
    assert received[0][1].triggered_by is None


def test_a_changed_user_is_announced_with_old_and_new_values(admin, cast, app, received):
    with app.app_context():
        roles = {role.name: role.id for role in db.session.scalars(select(Role))}
    form = admin.get(f"/users/edit/{cast.friend.id}").form(f"/users/edit/{cast.friend.id}")
    admin.submit(form, first_name="Fred", roles=[str(roles["Guest"]), str(roles["Translator"])])
    assert names(received) == ["user_updating", "user_updated"]
    changes = received[-1][1].changes
    assert changes["first_name"] == {"old": "Friend", "new": "Fred"}
    assert changes["roles"]["old"] == [roles["Guest"]]
    assert sorted(changes["roles"]["new"]) == sorted([roles["Guest"], roles["Translator"]])


def test_a_changed_password_is_announced_without_its_hash(app, cast, received):
    done = app.test_cli_runner().invoke(
        args=["fab", "reset-password", "--username", "friend", "--password", "another phrase"]
    )
    assert done.exit_code == 0, done.output
    assert names(received) == ["user_updating", "user_updated"]
    assert received[0][1].changes["password"] == {"old": "***", "new": "***"}


def test_a_deleted_user_is_announced(admin, cast, received):
    admin.post(f"/users/delete/{cast.stranger.id}")
    assert names(received) == ["user_deleting", "user_deleted"]
    assert [event.model_id for _name, event in received] == [cast.stranger.id] * 2
    assert received[0][1].model.username == "stranger"
    assert received[1][1].model is None


def test_what_a_page_refuses_is_not_announced(admin, cast, received):
    admin.submit(
        admin.get("/users/add").form("/users/add"), **{**ADA, "username": "friend", "timezone": "Europe/London"}
    )
    assert received == []


def test_a_login_and_a_visit_announce_no_change(client_of, cast, received):
    client_of(cast.friend).get("/parties/new")
    assert received == []


# -- roles and groups


def test_roles_and_groups_are_announced(admin, received, app):
    admin.submit(admin.get("/roles/add").form("/roles/add"), name="Cook")
    assert names(received) == ["role_creating", "role_created"]
    key = received[-1][1].model_id
    received.clear()
    admin.submit(admin.get(f"/roles/edit/{key}").form(f"/roles/edit/{key}"), name="Chef")
    assert names(received) == ["role_updating", "role_updated"]
    assert received[0][1].changes["name"] == {"old": "Cook", "new": "Chef"}
    received.clear()
    admin.submit(admin.get("/groups/add").form("/groups/add"), name="team", label="Team", roles=[str(key)])
    assert names(received)[:2] == ["group_creating", "group_created"]
    group = received[-1][1].model_id
    received.clear()
    admin.post(f"/groups/delete/{group}")
    assert names(received) == ["group_deleting", "group_deleted"]


# Flask-AppBuilder's update_role uses Query.get().
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.LegacyAPIWarning")
def test_the_methods_of_the_security_manager_announce_once(app, cast, received):
    with app.app_context():
        manager = appbuilder_of().sm
        role = manager.add_role("Cook")
        manager.update_role(role.id, "Chef")
        group = manager.add_group("team", "Team", "")
        member = manager.add_user(
            "chef", "Chef", "Cook", "chef@example.com", role, "a long dinner for many", groups=[group]
        )
        manager.delete_user(member)
        manager.delete_group(group)
        manager.delete_role(role)
    assert names(received) == [
        *("role_creating", "role_created", "role_updating", "role_updated", "group_creating", "group_created"),
        *("user_creating", "user_created", "user_deleting", "user_deleted"),
        *("group_deleting", "group_deleted", "role_deleting", "role_deleted"),
    ]


# -- what receivers may do


def test_a_receiver_before_the_commit_may_store_more_with_it(app, records):
    def greet(sender, event):
        event.model.first_name = "Greeted"
        db.session.add(AuditEvent(action="activated", subject="greeted"))

    with signals.user_creating.connected_to(greet), app.app_context():
        appbuilder_of().sm.add_user("chef", "Chef", "Cook", "chef@example.com", password="a long dinner")
    assert records.one(Member).first_name == "Greeted"
    assert "greeted" in [event.subject for event in records.all(AuditEvent)]


def test_a_receiver_before_the_commit_may_refuse(app, records):
    def refuse(sender, event):
        raise DomainError("No more cooks.")

    with signals.user_creating.connected_to(refuse), app.app_context():
        assert (
            appbuilder_of().sm.add_user("chef", "Chef", "Cook", "chef@example.com", password="a long dinner") is False
        )
    assert records.count(Member) == 0


def test_a_receiver_after_the_commit_may_use_the_database_and_may_fail(app, records):
    def note(sender, event):
        found = db.session.execute(select(Member).where(Member.id == event.model_id)).scalar_one()
        found.last_name = "Noted"
        db.session.commit()
        raise ValueError("lost")

    with signals.user_created.connected_to(note), app.app_context():
        assert appbuilder_of().sm.add_user("chef", "Chef", "Cook", "chef@example.com", password="a long dinner")
    assert records.one(Member).last_name == "Noted"


def test_what_a_savepoint_rolls_back_is_not_announced(app, cast, received):
    with app.app_context(), transaction():
        kept = db.session.get(Member, cast.host.id)
        kept.last_name = "Kept"
        db.session.flush()
        with db.session.begin_nested() as savepoint:
            db.session.get(Member, cast.friend.id).last_name = "Lost"
            db.session.flush()
            savepoint.rollback()
    assert [(name, event.model.username) for name, event in received] == [
        ("user_updating", "host"),
        ("user_updated", "host"),
    ]


def test_a_rollback_announces_nothing(app, received):
    with app.app_context():
        appbuilder_of().sm.add_user("chef", "Chef", "Cook", "chef@example.com", commit=False)
        db.session.rollback()
        db.session.commit()
    assert received == []


def test_signals_can_be_switched_off(app, received, monkeypatch):
    monkeypatch.setitem(app.config, "FAB_SECURITY_SIGNALS_ENABLED", 0)
    MemberFactory(username="chef")
    assert received == []


# -- logins


def test_flask_login_announces_what_happens_to_a_session(visitor, cast, logins):
    visitor.get("/account/profile")
    assert logins == ["user_unauthorized"]
    visitor.log_in("friend", PASSWORD)
    assert logins[1:] == ["user_logged_in"]
    clock.set_now(clock.now() + timedelta(minutes=11))
    page = visitor.get("/account/second-factor/app")
    assert logins[2:] == ["user_needs_refresh"]
    visitor.submit(page.form("/login/again"), password=PASSWORD)
    assert logins[3:] == ["user_login_confirmed"]
    visitor.post("/logout/")
    assert logins[4:] == ["user_logged_out"]


def test_the_hooks_are_called_at_the_login_page(visitor, cast, hooks):
    visitor.log_in("friend", "wrong")
    visitor.log_in("nobody", "wrong")
    visitor.log_in("friend", PASSWORD)
    visitor.post("/logout/")
    assert hooks == [("on_user_login_failed", "friend"), ("on_user_login", "friend"), ("on_user_logout", "friend")]


def test_the_hooks_are_called_by_the_api(visitor, cast, hooks):
    for password in ("wrong", PASSWORD):
        visitor.open("POST", "/api/v1/security/login", json={"username": "friend", "password": password})
    assert hooks == [("on_user_login_failed", "friend"), ("on_user_login", "friend")]


def test_the_hooks_are_called_by_the_security_manager_also_outside_of_a_request(app, cast, hooks):
    with app.app_context():
        assert appbuilder_of().sm.auth_user_db("friend", "wrong") is None
        assert appbuilder_of().sm.auth_user_db("friend", PASSWORD).username == "friend"
    assert hooks == [("on_user_login_failed", "friend"), ("on_user_login", "friend")]


def test_a_banned_user_has_failed_to_log_in(visitor, app, cast, hooks):
    with app.app_context(), transaction():
        friend = db.session.get(Member, cast.friend.id)
        friend.banned_at, friend.ban_reason = clock.now(), "Rude"
    visitor.log_in("friend", PASSWORD)
    assert hooks == [("on_user_login_failed", "friend")]
