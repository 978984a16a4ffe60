"""Flash messages of messages and reminders. Pages and API share them."""

from flask_babel import gettext as _
from flask_babel import ngettext

from app.outbox import texts as outbox_texts
from app.parties.messages import rules
from app.parties.messages.models import GuestMessage
from app.parties.texts import Flash


def message_queued(message: GuestMessage) -> Flash:
    text = ngettext("Message queued for %(num)d guest.", "Message queued for %(num)d guests.", message.recipients)
    return outbox_texts.queued(text)


def question_queued(hosts: int) -> Flash:
    return outbox_texts.queued(
        ngettext("Question queued for %(num)d host.", "Question queued for %(num)d hosts.", hosts)
    )


def not_answered_reminded(count: int) -> Flash:
    text = ngettext(
        "Reminder queued for %(num)d person who has not answered.",
        "Reminder queued for %(num)d people who have not answered.",
        count,
    )
    return outbox_texts.queued(text)


def before(hours: int) -> str:
    """Return how long before a moment something is, in words."""
    number, unit = rules.in_units(hours)
    if unit == rules.WEEK:
        return ngettext("%(num)d week before", "%(num)d weeks before", number)
    if unit == rules.DAY:
        return ngettext("%(num)d day before", "%(num)d days before", number)
    return ngettext("%(num)d hour before", "%(num)d hours before", number)


def reminders_saved() -> Flash:
    return _("Reminders saved."), "info"
