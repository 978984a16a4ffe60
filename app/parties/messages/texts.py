"""Flash messages of messages and reminders. Pages and API share them."""

from flask_babel import gettext as _
from flask_babel import ngettext

from app.outbox import texts as outbox_texts
from app.parties.messages.models import GuestMessage
from app.parties.texts import Flash


def message_queued(message: GuestMessage) -> Flash:
    text = ngettext("Message queued for %(num)d guest.", "Message queued for %(num)d guests.", message.recipients)
    return outbox_texts.queued(text)


def not_answered_reminded(count: int) -> Flash:
    text = ngettext(
        "Reminder queued for %(num)d person who has not answered.",
        "Reminder queued for %(num)d people who have not answered.",
        count,
    )
    return outbox_texts.queued(text)


def reminders_saved() -> Flash:
    return _("Reminders saved."), "info"
