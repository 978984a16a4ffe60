"""The generated UI over members."""

from typing import Any

from flask_appbuilder.actions import action
from flask_appbuilder.security.sqla.models import Role
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from flask_login import current_user
from sqlalchemy import func, select, update
from wtforms import PasswordField
from wtforms.validators import Email, InputRequired, Length, ValidationError

import config
from app.accounts import rules
from app.accounts.models import ADMIN, Member
from app.accounts.service import passwords
from app.crud import ModelView, SQLAInterface
from app.crud.fields import ZoneField
from app.errors import DomainError
from app.extensions import db

LANGUAGE_NAMES = {key: language["name"] for key, language in config.LANGUAGES.items()}


def _valid_username(_form: Any, field: Any) -> None:
    if not rules.is_username(field.data or ""):
        raise ValidationError(
            lazy_gettext(
                "Use 3 to 20 letters (a-z), digits, dots, dashes or underscores, with a letter or digit at both ends."
            )
        )


class UserModelView(ModelView):
    """Members."""

    datamodel = SQLAInterface(Member)
    route_base = "/users"
    base_order = ("username", "asc")
    list_title = lazy_gettext("Users")
    show_title = lazy_gettext("User")
    add_title = lazy_gettext("Add a user")
    edit_title = lazy_gettext("Edit user")
    label_columns = {
        "username": lazy_gettext("Username"),
        "first_name": lazy_gettext("First name"),
        "last_name": lazy_gettext("Last name"),
        "email": lazy_gettext("E-mail address"),
        "active": lazy_gettext("Active"),
        "roles": lazy_gettext("Roles"),
        "locale": lazy_gettext("Language"),
        "timezone": lazy_gettext("Time zone"),
        "joined_at": lazy_gettext("Joined"),
        "last_login": lazy_gettext("Last login"),
        "login_count": lazy_gettext("Logins"),
        "fail_login_count": lazy_gettext("Failed logins"),
        "password": lazy_gettext("Password"),
    }
    list_columns = ["username", "first_name", "last_name", "email", "active", "roles", "joined_at"]
    show_fieldsets = [
        (lazy_gettext("Account"), {"fields": ["username", "email", "active", "roles"]}),
        (lazy_gettext("Person"), {"fields": ["first_name", "last_name", "locale", "timezone"]}),
        (
            lazy_gettext("Activity"),
            {"fields": ["joined_at", "last_login", "login_count", "fail_login_count"], "expanded": True},
        ),
    ]
    edit_columns = ["username", "email", "first_name", "last_name", "active", "roles", "locale", "timezone"]
    add_columns = [*edit_columns, "password"]
    search_columns = ["username", "first_name", "last_name", "email", "active", "joined_at"]
    order_columns = ["username", "first_name", "last_name", "email", "active", "joined_at"]
    description_columns = {
        "roles": lazy_gettext("What the person may do. Guests host and answer; administrators do everything."),
        "active": lazy_gettext("Whoever is not active cannot log in, and keeps their parties and seats."),
    }
    validators_columns = {"username": [_valid_username], "email": [Email()]}
    choices_columns = {"locale": LANGUAGE_NAMES}
    add_form_extra_fields = {
        "timezone": ZoneField(lazy_gettext("Time zone")),
        "password": PasswordField(
            lazy_gettext("Password"),
            validators=[InputRequired(), Length(max=rules.LONGEST_PASSWORD)],
            render_kw={"autocomplete": "new-password"},
        ),
    }
    edit_form_extra_fields = {"timezone": ZoneField(lazy_gettext("Time zone"))}

    def pre_add(self, item: Member) -> None:
        """Store the password as a hash, and names in one case."""
        item.password = passwords.hash_password(item.password)
        _lower(item)

    def added_message(self, item: Member) -> str:
        """Name who was added."""
        return str(_("User %(name)s created.", name=item.username))

    def pre_update(self, item: Member) -> None:
        """Keep one administrator, and oneself."""
        _lower(item)
        if not item.active:
            _refuse_deactivation({item.id})
        if not any(role.name == ADMIN for role in item.roles):
            _refuse_without_admin({item.id})

    def pre_delete(self, item: Member) -> None:
        """Keep one administrator, and oneself."""
        if item.id == current_user.id:
            raise DomainError(lazy_gettext("You cannot delete yourself."))
        _refuse_without_admin({item.id})

    @action("activate", lazy_gettext("Activate"), lazy_gettext("Activate the selected users?"), "")
    def activate(self, items: list[Member]) -> str:
        """Let people log in again."""
        for member in items:
            member.active = True
        return str(ngettext("%(num)d user activated.", "%(num)d users activated.", len(items)))

    @action("deactivate", lazy_gettext("Deactivate"), lazy_gettext("Deactivate the selected users?"), "")
    def deactivate(self, items: list[Member]) -> str:
        """Keep people from logging in."""
        _refuse_deactivation({member.id for member in items})
        for member in items:
            member.active = False
        return str(ngettext("%(num)d user deactivated.", "%(num)d users deactivated.", len(items)))


def _refuse_deactivation(leaving: set[int]) -> None:
    """Refuse to lock out whoever is asking, or all who could let them in again."""
    if current_user.id in leaving:
        raise DomainError(lazy_gettext("You cannot deactivate yourself."), field="active")
    _refuse_without_admin(leaving)


def _lower(member: Member) -> None:
    """Names are compared without case, so they are kept in one."""
    member.username, member.email = member.username.lower(), member.email.lower()


def _refuse_without_admin(leaving: set[int]) -> None:
    """Refuse to leave the site without an active administrator."""
    with db.session.no_autoflush:
        # Two administrators who remove each other at once must meet here: the role's row is the gate.
        # An UPDATE, because SQLite knows no FOR UPDATE.
        gate = update(Role).where(Role.name == ADMIN).values(name=ADMIN)
        db.session.execute(gate.execution_options(synchronize_session=False))
        remaining = (
            select(func.count())
            .select_from(Member)
            .where(Member.roles.any(Role.name == ADMIN), Member.active.is_(True), Member.id.not_in(leaving))
        )
        if not db.session.execute(remaining).scalar_one():
            raise DomainError(lazy_gettext("The last administrator cannot be removed."))
