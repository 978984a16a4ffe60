"""Flash messages after a party was reported. Pages and API share them."""

from flask_babel import gettext as _

from app.parties.texts import Flash


def reported() -> Flash:
    return _("Thank you. We will review your report."), "info"
