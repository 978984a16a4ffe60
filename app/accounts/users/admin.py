"""The generated UI over members."""

from typing import Any

from flask import make_response, request, url_for
from flask_appbuilder import expose, has_access
from flask_babel import LazyString, lazy_gettext
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse
from wtforms import PasswordField, StringField
from wtforms.validators import Length, ValidationError

from app import audit
from app.accounts import rules
from app.accounts.enums import MemberState
from app.accounts.form_fields import MAX_NAME_LENGTH, EmailAddress
from app.accounts.models import GUEST, Member
from app.accounts.users import service as user_service
from app.accounts.users.actions import UserActions
from app.accounts.users.texts import EMAIL_TAKEN, INVALID_USERNAME, USERNAME_TAKEN, without_password
from app.crud import flashes
from app.crud.csv import CsvExport
from app.crud.datamodel import SQLAInterface
from app.crud.fields import TimezoneField, clean_line
from app.crud.view_config import Labels
from app.crud.views import ModelView, ReauthenticationRequired
from app.database import transaction
from app.errors import DomainError
from app.http import here
from app.i18n.locales import LanguageNames


def _valid_username(_form: Any, field: Any) -> None:
    if not rules.is_username(field.data or ""):
        raise ValidationError(INVALID_USERNAME)


# Some people have one name. The administrator of a new site has one, too.
_PERSON_FIELDS = {
    "last_name": StringField(lazy_gettext("Last name"), filters=[clean_line], validators=[Length(max=MAX_NAME_LENGTH)]),
    "timezone": TimezoneField(lazy_gettext("Time zone")),
}


class UserModelView(UserActions, ReauthenticationRequired, CsvExport, ModelView):
    """Members. Changes need a fresh login."""

    fresh = frozenset({"add", "edit", "delete", "action", "action_post", "csv"})
    datamodel = SQLAInterface(Member)
    route_base = "/users"
    audit_subject = "member"
    base_order = ("username", "asc")
    list_title = lazy_gettext("Users")
    show_title = lazy_gettext("User")
    add_title = lazy_gettext("Add a user")
    edit_title = lazy_gettext("Edit user")
    label_columns = {
        "username": lazy_gettext("Username"),
        "display_name": lazy_gettext("Name"),
        "first_name": lazy_gettext("First name"),
        "last_name": lazy_gettext("Last name"),
        "email": lazy_gettext("E-mail address"),
        "picture": lazy_gettext("Picture"),
        "state": lazy_gettext("State"),
        "active": lazy_gettext("Active"),
        "roles": lazy_gettext("Roles"),
        "groups": lazy_gettext("Groups"),
        "has_second_factor": lazy_gettext("Second factor"),
        "locale": lazy_gettext("Language"),
        "timezone": lazy_gettext("Time zone"),
        "joined_at": lazy_gettext("Joined"),
        "last_login": lazy_gettext("Last login"),
        "login_count": lazy_gettext("Logins"),
        "fail_login_count": lazy_gettext("Failed logins"),
        "password": lazy_gettext("Password"),
        "password_changed_at": lazy_gettext("Password set on"),
        "password_is_temporary": lazy_gettext("Has to choose another password"),
        "banned_at": lazy_gettext("Banned since"),
        "ban_reason": lazy_gettext("Reason for the ban"),
        "erase_at": lazy_gettext("To be deleted on"),
        "erased_at": lazy_gettext("Deleted"),
    }
    list_columns = ["username", "display_name", "email", "roles", "state", "has_second_factor", "last_login"]
    show_fieldsets = [
        (lazy_gettext("Account"), {"fields": ["username", "email", "state", "ban_reason", "roles", "groups"]}),
        (lazy_gettext("Person"), {"fields": ["first_name", "last_name", "picture", "locale", "timezone"]}),
        (
            lazy_gettext("Account security"),
            {"fields": ["has_second_factor", "password_changed_at", "password_is_temporary"]},
        ),
        (
            lazy_gettext("Activity"),
            {
                "fields": [
                    *("joined_at", "last_login", "login_count", "fail_login_count"),
                    *("banned_at", "erase_at", "erased_at"),
                ]
            },
        ),
    ]
    edit_fieldsets = [
        (lazy_gettext("Account"), {"fields": ["username", "email", "active"]}),
        (lazy_gettext("Person"), {"fields": ["first_name", "last_name", "picture", "locale", "timezone"]}),
        (lazy_gettext("Roles"), {"fields": ["roles", "groups"]}),
    ]
    add_fieldsets = [
        (lazy_gettext("Account"), {"fields": ["username", "email", "password", "active"]}),
        *edit_fieldsets[1:],
    ]
    search_columns = [
        *("username", "first_name", "last_name", "email", "active", "has_second_factor"),
        *("roles", "groups", "banned_at", "joined_at", "last_login"),
    ]
    autocomplete_filters = {"roles": ("name", ["name"]), "groups": ("name", ["name", "label"])}
    is_found_by_name = True
    linked_lists = {"DinnerPartyModelView": "host", "RsvpModelView": "member"}
    linked_title = lazy_gettext("More about this person")
    order_columns = ["username", "email", "last_login"]
    csv_columns = [
        *("username", "first_name", "last_name", "email", "roles", "state", "has_second_factor"),
        *("locale", "timezone", "joined_at", "last_login", "login_count"),
    ]
    description_columns = {
        "roles": lazy_gettext(
            "What the person is allowed to do. Guests can host and answer; administrators can do everything."
        ),
        "groups": lazy_gettext("Each group grants its roles in addition to the person's own."),
        "active": lazy_gettext("Inactive users cannot log in, but they keep their parties and seats."),
    }
    validators_columns = {"username": [_valid_username], "email": [EmailAddress()]}
    choices_columns = {"locale": LanguageNames()}
    formatters_columns = {"state": Labels(MemberState.labels())}
    state_tones = {
        "state": {
            MemberState.ACTIVE: "good",
            **dict.fromkeys((MemberState.INACTIVE, MemberState.DELETION_SCHEDULED), "warning"),
            MemberState.BANNED: "danger",
        }
    }
    constraint_messages = {
        "uq_ab_user_email": EMAIL_TAKEN,
        "uq_ab_user_email_key": EMAIL_TAKEN,
        "uq_ab_user_username": USERNAME_TAKEN,
        "uq_ab_user_username_key": USERNAME_TAKEN,
    }
    add_form_extra_fields = {
        **_PERSON_FIELDS,
        "password": PasswordField(
            lazy_gettext("Password"),
            description=LazyString(without_password),
            validators=[Length(max=rules.MAX_PASSWORD_LENGTH)],
            render_kw={"autocomplete": "new-password"},
        ),
    }
    edit_form_extra_fields = _PERSON_FIELDS

    def public_url(self, item: Member) -> str | None:
        """Return the page that other members see."""
        return url_for("MemberView.show", username=item.username) if item.erased_at is None else None

    # -- the file

    @expose("/csv", methods=["GET", "POST"])
    @has_access
    def csv(self) -> BaseResponse:
        """Ask for confirmation. POST returns the file, and the audit log records who has downloaded it."""
        if request.method == "POST":
            with transaction():
                audit.record("members_exported", "member", after={"filters": request.query_string.decode()})
            return self.file_of_list()
        page = self.render_template(
            "appbuilder/general/confirm.html",
            title=_("Download a file with the users?"),
            message=_("The file contains names and e-mail addresses. The audit log will record the download."),
            action=here(),
            back=self.back_url(),
        )
        return make_response(page)

    # -- add, edit, delete

    def _prefill_from_url(self, form: Any) -> None:
        """Select the role that registered members get: without a role, a member can do nothing."""
        super()._prefill_from_url(form)
        form.roles.process_data([self.appbuilder.sm.find_role(GUEST), *form.roles.rows()])

    def pre_add(self, item: Member) -> None:
        """Store the password as a hash, or let the person choose one."""
        user_service.add(item, item.password)

    def added_message(self, item: Member) -> str:
        """Name the new member."""
        return str(_("User %(name)s created.", name=item.username))

    def _edit(self, pk: str) -> Any:
        """Show no form for a deleted account."""
        item = self._find(pk, self.edit_columns)
        try:
            user_service.refuse_erased([item])
        except DomainError as refused:
            flashes.flash_message(refused.message, refused.category)
            return None, 200
        return super()._edit(pk)

    def pre_update(self, item: Member) -> None:
        """Refuse to remove the last administrator, or oneself."""
        user_service.change(item, current_user.id)

    def pre_delete(self, item: Member) -> None:
        """Refuse to remove the last administrator, or oneself."""
        user_service.delete(item, current_user.id)
