"""What the roles of a new site are called. Others are called as whoever made them has named them."""

from flask_appbuilder.security.sqla.models import Role
from flask_babel import lazy_gettext

from app.accounts.models import ADMIN, GUEST, PUBLIC, TRANSLATOR

LABELS = {
    ADMIN: lazy_gettext("Admin"),
    GUEST: lazy_gettext("Guest"),
    PUBLIC: lazy_gettext("Public (not logged in)"),
    TRANSLATOR: lazy_gettext("Translator"),
}


def label(role: Role) -> str:
    """Return how a role is called in the language of the reader."""
    return str(LABELS.get(role.name, role.name))


def of_name(name: str) -> str:
    """Return the same of the name of a role."""
    return str(LABELS.get(name, name))
