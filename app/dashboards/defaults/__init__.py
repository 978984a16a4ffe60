"""The dashboards of a new site, as files."""

from pathlib import Path

from flask_babel import lazy_gettext

from app.dashboards import configuration as configurations
from app.dashboards import queries, service
from app.dashboards.models import Dashboard
from app.named_queries import QUERIES

FOLDER = Path(__file__).parent
# Names and descriptions, as they stand in the files. Modules get the titles of their queries.
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
            for module in configuration["modules"]:
                module["title"] = str(QUERIES[module["data"]["query"]].title)
            name, description = (str(TEXTS[beside[each]]) for each in ("name", "description"))
            dashboard = Dashboard(
                slug=beside["id"],
                name=name,
                description=description,
                is_global=beside["is_global"],
                configuration=configuration,
            )
            service.insert(dashboard, None)
