"""The generated UI over members."""

from typing import Any

from flask import current_app, make_response, request
from flask_appbuilder import expose, has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse
from wtforms import PasswordField, StringField
from wtforms.validators import Length, ValidationError

from app import audit
from app.accounts import password_policy, rules
from app.accounts.enums import MemberState
from app.accounts.form_fields import MAX_NAME_LENGTH, EmailAddress
from app.accounts.models import GUEST, Member
from app.accounts.passwords import service as password_service
from app.accounts.passwords.forms import NewPasswordForm
from app.accounts.second_factor import service as second_factor_service
from app.accounts.users import account_deletion
from app.accounts.users import service as user_service
from app.crud import flashes
from app.crud.actions import action
from app.crud.csv import CsvExport
from app.crud.datamodel import SQLAInterface
from app.crud.fields import TimezoneField, clean_line, show_at_field
from app.crud.flashes import Message
from app.crud.reason_form import ask_for_reason
from app.crud.view_config import Labels
from app.crud.views import ModelView, ReauthenticationRequired
from app.database import transaction
from app.errors import DomainError
from app.http import here
from app.i18n import formats
from app.i18n.locales import LanguageNames
from app.outbox import texts as outbox_texts

EMAIL_TAKEN = lazy_gettext("A user with that email address already exists")
USERNAME_TAKEN = lazy_gettext("This username is already taken.")
INVALID_USERNAME = lazy_gettext(
    "Use 3 to 20 letters (a-z), digits, dots, dashes or underscores, with a letter or digit at the start and end."
)


def deletion_scheduled(member: Member) -> str:
    """Return what is said after the deletion of an account was scheduled."""
    return _(
        "The account of %(name)s will be deleted on %(date)s. They have got an e-mail with a link to keep it.",
        name=member.display_name,
        date=formats.date_time(member.erase_at) if member.erase_at else "",
    )


def _valid_username(_form: Any, field: Any) -> None:
    if not rules.is_username(field.data or ""):
        raise ValidationError(INVALID_USERNAME)


# Some people have one name. The administrator of a new site has one, too.
_PERSON_FIELDS = {
    "last_name": StringField(lazy_gettext("Last name"), filters=[clean_line], validators=[Length(max=MAX_NAME_LENGTH)]),
    "timezone": TimezoneField(lazy_gettext("Time zone")),
}


class UserModelView(ReauthenticationRequired, CsvExport, ModelView):
    """Members. Changes need a fresh login."""

    fresh = frozenset({"add", "edit", "delete", "action", "action_post", "csv"})
    datamodel = SQLAInterface(Member)
    route_base = "/users"
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
    edit_columns = [
        "username",
        "email",
        "first_name",
        "last_name",
        "picture",
        "active",
        "roles",
        "groups",
        "locale",
        "timezone",
    ]
    add_columns = [*edit_columns, "password"]
    search_columns = [
        *("username", "first_name", "last_name", "email", "active", "has_second_factor"),
        *("roles", "groups", "banned_at", "joined_at", "last_login"),
    ]
    autocomplete_filters = {"roles": ("name", ["name"]), "groups": ("name", ["name", "label"])}
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
            description=lazy_gettext("If empty, the person receives an e-mail to choose a password."),
            validators=[Length(max=rules.MAX_PASSWORD_LENGTH)],
            render_kw={"autocomplete": "new-password"},
        ),
    }
    edit_form_extra_fields = _PERSON_FIELDS

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

    # -- actions

    @action("schedule_deletion", lazy_gettext("Delete the account"), None, "")
    def schedule_deletion(self, items: list[Member]) -> Message | BaseResponse:
        """Ask for a reason, and schedule the deletion of accounts, as their members could themselves."""
        account_deletion.refuse_by_administrator(items, current_user.id)
        reason, page = ask_for_reason(
            self,
            "schedule_deletion",
            items,
            title=ngettext("Delete this account?", "Delete these accounts?", len(items)),
            message=ngettext(
                "It will be deleted in %(num)d day with all personal data. Until then its owner can keep it, by a link "
                "in an e-mail. The audit log keeps the reason.",
                "It will be deleted in %(num)d days with all personal data. Until then its owner can keep it, by a link "
                "in an e-mail. The audit log keeps the reason.",
                current_app.config["ACCOUNT_DELETION_GRACE_DAYS"],
            ),
            button=_("Delete the account"),
        )
        if page is not None:
            return page
        scheduled = account_deletion.schedule_by_administrator(items, reason, current_user.id)
        if not scheduled:
            return _("Nothing changed: the deletion was already scheduled."), "warning"
        if len(scheduled) == 1:
            (member,) = scheduled
            return deletion_scheduled(member), "info"
        text = ngettext(
            "%(num)d account will be deleted. Its owner has got an e-mail with a link to keep it.",
            "%(num)d accounts will be deleted. Their owners have got e-mails with a link to keep them.",
            len(scheduled),
        )
        return text, "info"

    @action("cancel_deletion", lazy_gettext("Keep the account"), lazy_gettext("Keep the selected accounts?"), "")
    def cancel_deletion(self, items: list[Member]) -> Message:
        """Cancel the scheduled deletion of accounts."""
        kept = account_deletion.cancel_by_administrator(items)
        if not kept:
            return _("Nothing changed: no deletion was scheduled."), "warning"
        return ngettext("%(num)d account will not be deleted.", "%(num)d accounts will not be deleted.", len(kept))

    @action("activate", lazy_gettext("Activate"), lazy_gettext("Activate the selected users?"), "")
    def activate(self, items: list[Member]) -> str:
        user_service.activate(items)
        return str(ngettext("%(num)d user activated.", "%(num)d users activated.", len(items)))

    @action("deactivate", lazy_gettext("Deactivate"), lazy_gettext("Deactivate the selected users?"), "")
    def deactivate(self, items: list[Member]) -> str:
        user_service.deactivate(items, current_user.id)
        return str(ngettext("%(num)d user deactivated.", "%(num)d users deactivated.", len(items)))

    @action("ban", lazy_gettext("Ban"), None, "")
    def ban(self, items: list[Member]) -> str | BaseResponse:
        """Ask for a reason, and ban members."""
        user_service.refuse_ban(items, current_user.id)
        reason, page = ask_for_reason(
            self,
            "ban",
            items,
            title=ngettext("Ban this user?", "Ban these users?", len(items)),
            message=_(
                "They are signed out immediately and can no longer log in. The reason is shown to them when they try."
            ),
            button=_("Ban"),
        )
        if page is not None:
            return page
        user_service.ban(items, reason, current_user.id)
        return str(ngettext("%(num)d user banned.", "%(num)d users banned.", len(items)))

    @action("unban", lazy_gettext("Lift the ban"), lazy_gettext("Lift the ban on the selected users?"), "")
    def unban(self, items: list[Member]) -> flashes.Message:
        count = user_service.unban(items)
        if not count:
            return _("Nothing changed: none of the selected users is banned."), "warning"
        return ngettext("%(num)d ban lifted.", "%(num)d bans lifted.", count)

    @action("sign_out", lazy_gettext("Sign out everywhere"), None, "")
    def sign_out(self, items: list[Member]) -> str | BaseResponse:
        """Ask for a reason, and end all login sessions of members."""
        user_service.refuse_erased(items)
        reason, page = ask_for_reason(
            self,
            "sign_out",
            items,
            title=ngettext("Sign this user out everywhere?", "Sign these users out everywhere?", len(items)),
            message=_("All their devices and programs will have to log in again. They will see the reason once."),
            button=_("Sign out everywhere"),
        )
        if page is not None:
            return page
        user_service.sign_out(items, reason, current_user.id)
        if len(items) == 1:
            return str(_("%(name)s has been signed out everywhere.", name=items[0].display_name))
        return str(
            ngettext(
                "%(num)d user has been signed out everywhere.",
                "%(num)d users have been signed out everywhere.",
                len(items),
            )
        )

    @action(
        "send_password_link",
        lazy_gettext("Send a link to choose a new password"),
        lazy_gettext("Send a link to choose a new password to the selected users?"),
        "",
    )
    def send_password_link(self, items: list[Member]) -> Message:
        """Send members a link to choose a new password."""
        for member in items:
            user_service.send_password_link(member)
        if len(items) == 1:
            return outbox_texts.sent(
                _("A link to choose a new password is on its way to %(email)s.", email=items[0].email)
            )
        return outbox_texts.sent(
            ngettext(
                "A link to choose a new password is on its way to %(num)d user.",
                "Links to choose a new password are on their way to %(num)d users.",
                len(items),
            )
        )

    @action("set_password", lazy_gettext("Set a password"), None, "", multiple=False)
    def set_password(self, items: list[Member]) -> str | BaseResponse:
        """Ask for a password to tell a member who gets no e-mail. They choose another one at the next login."""
        (member,) = items
        user_service.refuse_new_password(member)
        if member.id == current_user.id:
            raise DomainError(lazy_gettext("Choose your own password under “My account”."), "warning")
        form = NewPasswordForm(least=password_policy.min_length_for(member))
        if form.new_password.name not in request.form:
            flashes.flash_message(_("One more step: choose a password."), "info")
            return self._password_page(form, member, 200)
        try:
            if form.validate():
                password_service.set_temporary(member, form.new_password.data)
                return str(
                    _(
                        "Password set. Tell it to %(name)s, who has to choose another one at the next login.",
                        name=member.display_name,
                    )
                )
            flashes.flash_message(flashes.CORRECT_THE_FIELDS, "danger")
        except DomainError as refused:
            show_at_field(form, refused)
            flashes.flash_message(refused.message, refused.category)
        return self._password_page(form, member, 422)

    def _password_page(self, form: NewPasswordForm, member: Member, status: int) -> BaseResponse:
        page = self.render_template("accounts/user_password.html", form=form, member=member, back=self.back_url())
        return make_response(page, status)

    @action(
        "reset_second_factor",
        lazy_gettext("Remove the second factor"),
        lazy_gettext("Remove the second factor of the selected user, so that they can log in with just the password?"),
        "",
        multiple=False,
    )
    def reset_second_factor(self, items: list[Member]) -> str:
        """Remove the second factors of a member who has lost them."""
        for member in items:
            second_factor_service.reset(member)
        return str(_("%(name)s can now log in with just the password.", name=items[0].display_name))

    @action(
        "unlock",
        lazy_gettext("Unlock"),
        lazy_gettext("Unlock the selected users, so that they can try to log in again?"),
        "",
    )
    def unlock(self, items: list[Member]) -> str:
        """Reset the login throttles of members."""
        for member in items:
            user_service.unlock(member)
        return str(
            ngettext("%(num)d user can try to log in again.", "%(num)d users can try to log in again.", len(items))
        )
