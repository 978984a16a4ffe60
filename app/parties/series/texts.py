"""Flash messages of series. Pages and API share them."""

from flask_babel import gettext as _
from flask_babel import ngettext

from app.outbox import texts as outbox_texts
from app.parties.models import DinnerParty
from app.parties.texts import Flash


def planned(number: int) -> Flash:
    text = ngettext("%(num)d date. Check it, then create the series.", "%(num)d dates. Check them, then create the series.",
                    number)  # fmt: skip
    return text, "info"


def created(parties: list[DinnerParty]) -> Flash:
    """Return the message after a series was made. The first date was there before."""
    added = len(parties) - 1
    if parties[0].is_draft:
        return ngettext("%(num)d more date saved as draft.", "%(num)d more dates saved as drafts.", added), "info"
    return ngettext("%(num)d more date published.", "%(num)d more dates published.", added), "info"


def left() -> Flash:
    return _("This date is no longer in the series. Everything else stays as it is."), "info"


def changed(dates: int, notified: int) -> Flash:
    text = ngettext("%(num)d date changed.", "%(num)d dates changed.", dates)
    if not notified:
        return text, "info"
    told = ngettext("%(num)d guest will be told.", "%(num)d guests will be told.", notified)
    return outbox_texts.queued(f"{text} {told}")


def cancelled(dates: int, notified: int) -> Flash:
    text = ngettext("%(num)d date cancelled.", "%(num)d dates cancelled.", dates)
    if not notified:
        return text, "warning"
    told = ngettext("%(num)d guest will be told.", "%(num)d guests will be told.", notified)
    return outbox_texts.queued(f"{text} {told}", "warning")
