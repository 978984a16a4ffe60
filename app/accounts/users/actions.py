"""What administrators do with one member, or with several at once."""

from flask import current_app, make_response, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import password_policy
from app.accounts.models import Member
from app.accounts.passwords import service as password_service
from app.accounts.passwords.forms import NewPasswordForm
from app.accounts.second_factor import service as second_factor_service
from app.accounts.users import account_deletion, merging
from app.accounts.users import service as user_service
from app.accounts.users.forms import MergeForm
from app.accounts.users.texts import deleting, deletion_scheduled, deletions_scheduled
from app.crud import flashes
from app.crud.actions import action
from app.crud.fields import show_at_field
from app.crud.flashes import Message
from app.crud.reason_form import ask_for_reason
from app.crud.views import ModelView
from app.errors import DomainError
from app.extensions import db
from app.outbox import texts as outbox_texts


def _has_account(member: Member) -> bool:
    return member.erased_at is None


def _is_somebody_else(member: Member) -> bool:
    return _has_account(member) and member.id != current_user.id


def _has_account_for_good(member: Member) -> bool:
    return _is_somebody_else(member) and member.erase_at is None


class UserActions(ModelView):
    """The actions of the list of users, and of the page of one."""

    @action("schedule_deletion", lazy_gettext("Delete the account"), None, "", applies=_has_account_for_good)
    def schedule_deletion(self, items: list[Member]) -> Message | BaseResponse:
        """Ask for a reason, and schedule the deletion of accounts, as their members could themselves."""
        account_deletion.refuse_by_administrator(items, current_user.id)
        reason, page = ask_for_reason(
            self,
            "schedule_deletion",
            items,
            title=ngettext("Delete this account?", "Delete these accounts?", len(items)),
            message=deleting(current_app.config["ACCOUNT_DELETION_GRACE_DAYS"]),
            button=_("Delete the account"),
        )
        if page is not None:
            return page
        scheduled = account_deletion.schedule_by_administrator(items, reason, current_user.id)
        if not scheduled:
            return _("Nothing changed: the deletion was already scheduled."), "warning"
        if len(scheduled) == 1:
            (member,) = scheduled
            return deletion_scheduled(member)
        return deletions_scheduled(len(scheduled))

    @action(
        "cancel_deletion",
        lazy_gettext("Keep the account"),
        lazy_gettext("Keep the selected accounts?"),
        "",
        applies=lambda member: member.erase_at is not None,
    )
    def cancel_deletion(self, items: list[Member]) -> Message:
        """Cancel the scheduled deletion of accounts."""
        kept = account_deletion.cancel_by_administrator(items)
        if not kept:
            return _("Nothing changed: no deletion was scheduled."), "warning"
        return ngettext("%(num)d account will not be deleted.", "%(num)d accounts will not be deleted.", len(kept))

    @action(
        "activate",
        lazy_gettext("Activate"),
        lazy_gettext("Activate the selected users?"),
        "",
        applies=lambda member: not member.active and member.erased_at is None,
    )
    def activate(self, items: list[Member]) -> str:
        user_service.activate(items)
        return str(ngettext("%(num)d user activated.", "%(num)d users activated.", len(items)))

    @action(
        "deactivate",
        lazy_gettext("Deactivate"),
        lazy_gettext("Deactivate the selected users?"),
        "",
        applies=lambda member: member.active and member.id != current_user.id,
    )
    def deactivate(self, items: list[Member]) -> str:
        user_service.deactivate(items, current_user.id)
        return str(ngettext("%(num)d user deactivated.", "%(num)d users deactivated.", len(items)))

    @action(
        "ban",
        lazy_gettext("Ban"),
        None,
        "",
        applies=lambda member: _is_somebody_else(member) and member.banned_at is None,
    )
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

    @action(
        "unban",
        lazy_gettext("Lift the ban"),
        lazy_gettext("Lift the ban on the selected users?"),
        "",
        applies=lambda member: member.banned_at is not None,
    )
    def unban(self, items: list[Member]) -> flashes.Message:
        count = user_service.unban(items)
        if not count:
            return _("Nothing changed: none of the selected users is banned."), "warning"
        return ngettext("%(num)d ban lifted.", "%(num)d bans lifted.", count)

    @action("sign_out", lazy_gettext("Sign out everywhere"), None, "", applies=_has_account)
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
        applies=_has_account,
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

    @action("set_password", lazy_gettext("Set a password"), None, "", multiple=False, applies=_is_somebody_else)
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

    @action("merge", lazy_gettext("Merge into another account"), None, "", multiple=False, applies=_is_somebody_else)
    def merge(self, items: list[Member]) -> str | BaseResponse:
        """Ask for the account that stays, show what will happen, and merge the two."""
        (member,) = items
        form = MergeForm()
        if form.username.name not in request.form:
            flashes.flash_message(_("One more step: choose the account that stays."), "info")
            return self._merge_page(form, member)
        if not form.validate():
            flashes.flash_message(flashes.CORRECT_THE_FIELDS, "danger")
            return self._merge_page(form, member, status=422)
        ended = member.username
        try:
            kept = merging.account_named(form.username.data)
            if form.confirmed.data:
                merging.merge(member, kept, current_user.id)
                return str(_("%(ended)s has been merged into %(name)s.", ended=ended, name=kept.username))
            report = merging.preview(member, kept, current_user.id)
        except DomainError as refused:
            db.session.rollback()
            show_at_field(form, refused)
            flashes.flash_message(refused.message, refused.category)
            return self._merge_page(form, member, status=422)
        form.confirmed.data = "yes"
        flashes.flash_message(_("Nothing has changed yet. Read what will happen, and confirm it."), "info")
        return self._merge_page(form, member, kept=kept, report=report)

    def _merge_page(
        self,
        form: MergeForm,
        member: Member,
        *,
        status: int = 200,
        kept: Member | None = None,
        report: merging.Report | None = None,
    ) -> BaseResponse:
        page = self.render_template(
            "accounts/merge.html", form=form, member=member, kept=kept, report=report, back=self.back_url()
        )
        return make_response(page, status)

    @action(
        "reset_second_factor",
        lazy_gettext("Remove the second factor"),
        lazy_gettext("Remove the second factor of the selected user, so that they can log in with just the password?"),
        "",
        multiple=False,
        applies=lambda member: member.has_second_factor,
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
