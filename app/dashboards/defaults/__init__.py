"""The dashboards of a new site, as files."""

from pathlib import Path

from flask_babel import lazy_gettext

from app.dashboards import configuration as configurations
from app.dashboards import queries, service
from app.dashboards.models import Dashboard

FOLDER = Path(__file__).parent
# Names and descriptions, as they stand in the files. Modules have the titles of their queries, in the language of the reader.
TEXTS = {
    "Administrator's home": lazy_gettext("Administrator's home"),
    "How the site is doing: parties, seats, e-mails, registrations and logins.": lazy_gettext(
        "How the site is doing: parties, seats, e-mails, registrations and logins."
    ),
    "Host's season": lazy_gettext("Host's season"),
    "Your parties and your guests, month by month.": lazy_gettext("Your parties and your guests, month by month."),
}


def add() -> None:
    """Add the dashboards of a new site, in its language, unless they are there."""
    for file in sorted(FOLDER.glob("*.json")):
        beside, configuration = configurations.split(configurations.parse(file.read_bytes()))
        if queries.by_slug(beside["id"]) is None:
            name, description = (str(TEXTS[beside[each]]) for each in ("name", "description"))
            dashboard = Dashboard(
                slug=beside["id"],
                name=name,
                description=description,
                is_global=beside["is_global"],
                configuration=configuration,
            )
            service.insert(dashboard, None)
