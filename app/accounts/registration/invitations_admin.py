"""The generated UI over invitations to register."""

from flask_babel import LazyString, lazy_gettext, lazy_pgettext, ngettext
from flask_babel import gettext as _
from flask_login import current_user
from wtforms.validators import Length

from app import audit
from app.accounts.form_fields import MAX_EMAIL_LENGTH, EmailAddress
from app.accounts.models import MemberInvitation
from app.accounts.registration import invitations as member_invitations
from app.crud.actions import action
from app.crud.datamodel import SQLAInterface
from app.crud.flashes import Message
from app.crud.views import ModelView, ReauthenticationRequired
from app.i18n.locales import LanguageNames
from app.outbox import texts as outbox_texts


def _what_follows() -> str:
    return outbox_texts.not_sent() or _(
        "We will send an e-mail to this address. The person can create an account with the link in it."
    )


class MemberInvitationModelView(ReauthenticationRequired, ModelView):
    """Invitations to register. A link is valid for 14 days, and administrators can send another one.

    Changes need a fresh login.
    """

    fresh = frozenset({"add", "delete", "action", "action_post"})
    datamodel = SQLAInterface(MemberInvitation)
    route_base = "/memberinvitations"
    audit_subject = "invitation"
    base_permissions = ["can_list", "can_show", "can_add", "can_delete", "send_again"]
    base_order = ("created_at", "desc")
    list_title = lazy_gettext("Invitations")
    show_title = lazy_gettext("Invitation")
    add_title = lazy_gettext("Invite someone")
    empty_message = lazy_gettext("No invitations have been sent yet.")
    label_columns = {
        "email": lazy_gettext("E-mail address"),
        "locale": lazy_gettext("Language"),
        "invited_by": lazy_gettext("Invited by"),
        "created_at": lazy_pgettext("column of moments", "Invited"),
        "expires_at": lazy_gettext("Link valid until"),
        "sent_count": lazy_gettext("E-mails sent"),
        "used_at": lazy_gettext("Used"),
    }
    list_columns = ["email", "invited_by", "expires_at", "sent_count", "used_at"]
    show_columns = ["email", "locale", "invited_by", "created_at", "expires_at", "sent_count", "used_at"]
    add_columns = ["email", "locale"]
    search_columns = ["email", "expires_at", "used_at"]
    order_columns = ["email", "expires_at", "sent_count", "used_at"]
    description_columns = {
        "email": LazyString(_what_follows),
        "locale": lazy_gettext("The language of the e-mail."),
    }
    validators_columns = {"email": [Length(max=MAX_EMAIL_LENGTH), EmailAddress()]}
    choices_columns = {"locale": LanguageNames()}
    constraint_messages = {
        "uq_member_invitation_email_key": lazy_gettext(
            "This e-mail address has already been invited. You can send that invitation again."
        )
    }
    delete_row_message = lazy_gettext("Invitation withdrawn.")

    def pre_add(self, item: MemberInvitation) -> None:
        """Send the invitation."""
        member_invitations.invite(item, current_user)

    def added_message(self, item: MemberInvitation) -> Message:
        """Name the recipient."""
        return outbox_texts.sent(_("Invitation sent to %(email)s.", email=item.email))

    def pre_delete(self, item: MemberInvitation) -> None:
        """Write an audit entry."""
        audit.record("invitation_withdrawn", "invitation", item)

    @action(
        "send_again",
        lazy_gettext("Send again"),
        lazy_gettext("Send the selected invitations again, with new links?"),
        "",
    )
    def send_again(self, items: list[MemberInvitation]) -> Message:
        """Send invitations again, with new links."""
        sent = member_invitations.send_again(items)
        if len(items) == 1 and sent:
            return outbox_texts.sent(_("Invitation sent again to %(email)s.", email=items[0].email))
        if not sent:
            return _("There are no pending invitations."), "warning"
        return outbox_texts.sent(
            ngettext("%(num)d invitation sent again.", "%(num)d invitations sent again.", len(sent))
        )
