"""Flash messages after a host has saved, published or cancelled a party."""

from flask_babel import gettext as _
from flask_babel import ngettext

from app.parties.enums import PartyStatus
from app.parties.models import DinnerParty
from app.parties.texts import Flash


def saved(party: DinnerParty) -> Flash:
    """Return what a host reads after a party was stored."""
    if party.status == PartyStatus.PUBLISHED:
        return _("Party “%(title)s” published.", title=party.title), "info"
    if party.is_past:
        return _("Party “%(title)s” saved as draft, but its date is in the past.", title=party.title), "warning"
    return _("Party “%(title)s” saved as draft.", title=party.title), "info"


def changed(party: DinnerParty, told: int) -> Flash:
    """Return what a host reads after a change that `told` guests get a letter about."""
    if not told:
        return saved(party)
    text = ngettext(
        "Saved. %(num)d guest will get an updated calendar entry.",
        "Saved. %(num)d guests will get an updated calendar entry.",
        told,
    )
    return text, "info"


def published(invitations: int, *, delivers: bool) -> Flash:
    """Return what a host reads who has published a draft whose guests were waiting to be invited."""
    if not delivers:
        return _("Published, but e-mail is not configured: share the link."), "warning"
    text = ngettext(
        "Party published. %(num)d invitation queued.", "Party published. %(num)d invitations queued.", invitations
    )
    return text, "info"


def cancelled(told: int) -> Flash:
    """Return what is said after parties were called off."""
    text = ngettext(
        "Party cancelled; %(num)d guest will be told.", "Party cancelled; %(num)d guests will be told.", told
    )
    return text, "warning"
