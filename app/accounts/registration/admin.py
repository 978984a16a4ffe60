"""The generated UI over registrations."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from sqlalchemy import select

from app import audit, clock
from app.accounts import mail
from app.accounts.models import Registration
from app.accounts.registration.service import send_activation
from app.crud.actions import action
from app.crud.datamodel import SQLAInterface
from app.crud.flashes import Message
from app.crud.sidebar import Waiting
from app.crud.views import ModelView
from app.i18n.locales import LanguageNames
from app.outbox import texts as outbox_texts


class RegistrationModelView(ModelView):
    """Registrations, pending and activated."""

    datamodel = SQLAInterface(Registration)
    route_base = "/registrations"
    audit_subject = "registration"
    base_permissions = ["can_list", "can_show", "can_delete", "resend", "discard"]
    base_order = ("expires_at", "desc")
    list_title = lazy_gettext("Registrations")
    show_title = lazy_gettext("Registration")
    label_columns = {
        "username": lazy_gettext("Username"),
        "first_name": lazy_gettext("First name"),
        "last_name": lazy_gettext("Last name"),
        "email": lazy_gettext("E-mail address"),
        "locale": lazy_gettext("Language"),
        "timezone": lazy_gettext("Time zone"),
        "expires_at": lazy_gettext("Link valid until"),
        "activated_at": lazy_gettext("Activated"),
        "terms_accepted_at": lazy_gettext("Terms accepted"),
        "sent_count": lazy_gettext("E-mails sent"),
        "last_sent_at": lazy_gettext("Last e-mail"),
    }
    list_columns = ["username", "email", "expires_at", "sent_count", "activated_at"]
    show_columns = [
        "username", "first_name", "last_name", "email", "locale", "timezone",
        "expires_at", "sent_count", "last_sent_at", "activated_at", "terms_accepted_at",
    ]  # fmt: skip
    search_columns = ["username", "email", "expires_at"]
    order_columns = ["username", "email", "expires_at", "sent_count"]
    choices_columns = {"locale": LanguageNames()}
    waiting = Waiting(
        lambda: select(Registration.id).where(
            Registration.activated_at.is_(None), Registration.expires_at > clock.now()
        ),
        lambda count: ngettext(
            "%(num)d registration is not activated yet", "%(num)d registrations are not activated yet", count
        ),
    )
    delete_row_message = lazy_gettext("Registration discarded.")
    primary_actions = ["resend"]

    def pre_delete(self, item: Registration) -> None:
        """Remove the activation e-mail from the outbox, and write an audit entry."""
        mail.withdraw_activation(item)
        audit.record("registration_discarded", "registration", item)

    @action(
        "resend",
        lazy_gettext("Send the e-mail again"),
        lazy_gettext("Send a new activation link to the selected registrations?"),
        "",
        applies=lambda registration: registration.activated_at is None,
    )
    def resend(self, items: list[Registration]) -> Message:
        """Send the activation e-mail again, with a new link."""
        pending = [item for item in items if item.activated_at is None]
        for registration in pending:
            send_activation(registration)
        if not pending:
            return str(_("This account is already activated."))
        if len(pending) == 1:
            return outbox_texts.sent(_("Activation e-mail sent again to %(email)s.", email=pending[0].email))
        return outbox_texts.sent(
            ngettext("%(num)d activation e-mail sent again.", "%(num)d activation e-mails sent again.", len(pending))
        )

    @action("discard", lazy_gettext("Discard"), lazy_gettext("Discard the selected registrations?"), "")
    def discard(self, items: list[Registration]) -> str:
        """Delete registrations."""
        self.delete_rows(items)
        if len(items) == 1:
            return str(self.delete_row_message)
        return str(ngettext("%(num)d registration discarded.", "%(num)d registrations discarded.", len(items)))
