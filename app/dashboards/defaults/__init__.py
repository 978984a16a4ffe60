"""The dashboards of a new site, as files."""

from pathlib import Path

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from app.dashboards import configuration as configurations
from app.dashboards import queries, service

FOLDER = Path(__file__).parent
# The texts of the files, for translators. Modules without a title have that of their query, in the reader's language.
TEXTS = (
    lazy_gettext("Administrator's home"),
    lazy_gettext("How the site is doing: parties, seats, e-mails, registrations and logins."),
    lazy_gettext("Host's season"),
    lazy_gettext("Your parties and your guests, month by month."),
)


def add() -> None:
    """Add the dashboards of a new site, in its language, unless they are there."""
    for file in sorted(FOLDER.glob("*.json")):
        beside, configuration = configurations.split(configurations.parse(file.read_bytes()))
        if queries.by_slug(beside["id"]) is None:
            texts = {"name": _(beside["name"]), "description": _(beside["description"])}
            dashboard = service.create(None, configuration=configuration, slug=beside["id"], **texts)
            service.make_global(dashboard, is_global=beside["is_global"])
