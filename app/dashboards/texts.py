"""Messages about dashboards, which pages and API share."""

from collections.abc import Mapping
from typing import Any

from flask_babel import LazyString, force_locale, lazy_gettext
from flask_babel import gettext as _

from app.dashboards.enums import Action
from app.dashboards.models import Dashboard
from app.errors import Category
from app.i18n import locales
from app.named_queries import QUERIES

# A translated text and its category.
Flash = tuple[str, Category]


# The dashboards of a new site, by the ends of their URLs: their names and their descriptions.
FIRST = {
    "administrators-home": (
        lazy_gettext("Administrator's home"),
        lazy_gettext("How the site is doing: parties, seats, e-mails, registrations and logins."),
    ),
    "hosts-season": (
        lazy_gettext("Host's season"),
        lazy_gettext("Your parties and your guests, month by month."),
    ),
}


def name_of(dashboard: Dashboard) -> str:
    """Return the name of a dashboard; one that came with the site is called in the language of the reader."""
    return _in_own_language(dashboard, 0, dashboard.name)


def description_of(dashboard: Dashboard) -> str:
    """Return the description of a dashboard, in the language of the reader as its name."""
    return _in_own_language(dashboard, 1, dashboard.description)


def _in_own_language(dashboard: Dashboard, place: int, written: str) -> str:
    if dashboard.owner_id is not None or dashboard.slug not in FIRST:
        return written
    text = FIRST[dashboard.slug][place]
    # What somebody has written instead stays.
    return str(text) if written in _in_all_languages(text) else written


def _in_all_languages(text: LazyString) -> set[str]:
    found = set()
    for locale in locales.shipped():
        with force_locale(locale.key):
            found.add(str(text))
    return found


def title_of(module: Mapping[str, Any]) -> str:
    """Return the title of a module; without one that of its query, in the language of the reader, or its ID."""
    query = QUERIES.get(str((module.get("data") or {}).get("query", "")))
    return str(module.get("title") or (query.title if query else "") or module["id"])


NO_ACCESS = {
    Action.READ: lazy_gettext("You do not have access to view dashboards."),
    Action.CREATE: lazy_gettext("You do not have access to create dashboards."),
    Action.UPDATE: lazy_gettext("You do not have access to change dashboards."),
    Action.DELETE: lazy_gettext("You do not have access to delete dashboards."),
    Action.CLONE: lazy_gettext("You do not have access to clone dashboards."),
    Action.SHARE: lazy_gettext("You do not have access to share dashboards."),
    Action.MAKE_GLOBAL: lazy_gettext("You do not have access to show dashboards to everybody."),
}
NO_ACCESS_TO_THIS = {
    Action.READ: lazy_gettext("You do not have access to view this dashboard."),
    Action.UPDATE: lazy_gettext("You do not have access to change this dashboard."),
    Action.DELETE: lazy_gettext("You do not have access to delete this dashboard."),
    Action.CLONE: lazy_gettext("You do not have access to clone this dashboard."),
    Action.SHARE: lazy_gettext("You do not have access to share this dashboard."),
    Action.MAKE_GLOBAL: lazy_gettext("You do not have access to show this dashboard to everybody."),
}
NO_ROWS = lazy_gettext("A grid needs a row for each module. Give each module a row, or choose the free layout.")
NO_MODULES = lazy_gettext("This is no dashboard: it has no list of modules.")
VERSION_NEEDED = lazy_gettext("Send the version of the dashboard that you have read, as “version” or as If-Match.")


def not_found(slug: str) -> str:
    return _("There is no dashboard “%(id)s” that you can see.", id=slug)


def uploaded(name: str) -> Flash:
    return _("The file “%(name)s” was uploaded.", name=name), "info"


def upload_deleted() -> Flash:
    return _("The file was deleted."), "info"


def created(dashboard: Dashboard) -> Flash:
    return _("The dashboard “%(name)s” was created.", name=name_of(dashboard)), "info"


def changed(dashboard: Dashboard) -> Flash:
    return _("The dashboard “%(name)s” was saved.", name=name_of(dashboard)), "info"


def cloned(dashboard: Dashboard) -> Flash:
    return _("The copy is called “%(name)s”. It is yours.", name=name_of(dashboard)), "info"


def deleted(dashboard: Dashboard) -> Flash:
    return _("The dashboard “%(name)s” was deleted.", name=name_of(dashboard)), "info"


def restored(number: int) -> Flash:
    return _("Version %(number)s was restored. The one before is kept in the history.", number=number), "info"


def changed_meanwhile() -> Flash:
    return _("The dashboard was changed in the meantime; both versions are shown."), "warning"


def link_created() -> Flash:
    return _("The link was created. Copy it now: it cannot be shown again."), "info"


def link_revoked() -> Flash:
    return _("The link was revoked. It shows nothing any more."), "info"


def subscribed(*, can_send: bool) -> Flash:
    if not can_send:
        return _("The dashboard will be written each Monday, but this site has no mail server yet."), "warning"
    return _("You get this dashboard by e-mail each Monday morning."), "info"


def unsubscribed() -> Flash:
    return _("You get this dashboard by e-mail no longer."), "info"


def unnamed() -> str:
    return _("Dashboard")


def shared(dashboard: Dashboard) -> Flash:
    if not dashboard.members:
        return _("The dashboard is shared with nobody."), "info"
    return _("The dashboard is shared as chosen."), "info"


def made_global(dashboard: Dashboard) -> Flash:
    if dashboard.is_global:
        return _("Everybody who may see dashboards now sees this one."), "info"
    return _("Only its owner, and those with whom it is shared, now see this dashboard."), "info"
