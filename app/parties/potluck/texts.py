"""Flash messages about requested dishes. Pages and API share them."""

from flask_babel import gettext as _

from app.outbox import texts as outbox_texts
from app.parties.potluck.models import DishClaim
from app.parties.texts import Flash


def released(claim: DishClaim) -> Flash:
    """Return the message after a host released a guest from a dish."""
    return outbox_texts.sent(
        _("%(name)s no longer needs to bring it and will be notified.", name=str(claim.rsvp)),
        otherwise=_("%(name)s no longer needs to bring it.", name=str(claim.rsvp)),
    )
