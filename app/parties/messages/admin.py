"""Generated administration of reminders and of messages to guests."""

from collections.abc import Sequence

from flask_babel import lazy_gettext, lazy_pgettext

from app.crud.datamodel import SQLAInterface
from app.crud.views import ModelView
from app.i18n import formats
from app.parties.admin_base import MEMBER_KEY, PARTY_KEY
from app.parties.enums import Audience, ReminderKind
from app.parties.messages.models import GuestMessage, Reminder


class ReminderModelView(ModelView):
    """Reminders of all parties. Only hosts change them."""

    datamodel = SQLAInterface(Reminder)
    route_base = "/reminders"
    base_permissions = ["can_list", "can_show"]
    base_order = ("id", "desc")
    list_title = lazy_gettext("Reminders")
    show_title = lazy_gettext("Reminder")
    empty_message = lazy_gettext("No reminders have been set yet.")
    label_columns = {
        "party": lazy_gettext("Party"),
        "kind": lazy_gettext("Reminder type"),
        "hours_before": lazy_gettext("Hours before"),
        "sent_at": lazy_pgettext("column of moments", "Sent"),
    }
    list_columns = ["party", "kind", "hours_before", "sent_at"]
    show_columns = list_columns
    search_columns = ["party", "kind", "hours_before", "sent_at"]
    order_columns = ["hours_before", "sent_at"]
    choices_columns = {"kind": ReminderKind.labels()}
    autocomplete_columns = {"party": PARTY_KEY}


def _audiences(keys: Sequence[str]) -> str:
    return formats.value([str(Audience.labels().get(key, key)) for key in keys])


class GuestMessageModelView(ModelView):
    """Messages of all parties. Administrators see subject and number of recipients, but not the text."""

    datamodel = SQLAInterface(GuestMessage)
    route_base = "/guestmessages"
    base_permissions = ["can_list", "can_show"]
    base_order = ("id", "desc")
    list_title = lazy_gettext("Messages to guests")
    show_title = lazy_gettext("Message to guests")
    empty_message = lazy_gettext("No messages have been sent to guests yet.")
    label_columns = {
        "party": lazy_gettext("Party"),
        "author": lazy_gettext("Written by"),
        "subject": lazy_gettext("Subject"),
        "statuses": lazy_pgettext("recipients", "Target"),
        "recipients": lazy_gettext("Recipients"),
        "created_at": lazy_gettext("Written"),
    }
    list_columns = ["party", "author", "subject", "recipients", "created_at"]
    show_columns = ["party", "author", "subject", "statuses", "recipients", "created_at"]
    search_columns = ["party", "author", "subject", "recipients", "created_at"]
    order_columns = ["subject", "recipients", "created_at"]
    formatters_columns = {"statuses": _audiences}
    autocomplete_columns = {"party": PARTY_KEY, "author": MEMBER_KEY}
