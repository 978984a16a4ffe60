"""The dashboards of a new site, as files."""

from pathlib import Path

from app.dashboards import queries, service, texts
from app.dashboards.configuration import checking as configurations
from app.dashboards.models import Dashboard

FOLDER = Path(__file__).parent


def add() -> None:
    """Add the dashboards of a new site, in its language, unless they are there."""
    for file in sorted(FOLDER.glob("*.json")):
        beside, configuration = configurations.split(configurations.parse(file.read_bytes()))
        if queries.by_slug(beside["id"]) is None:
            name, description = map(str, texts.FIRST[beside["id"]])
            dashboard = Dashboard(
                slug=beside["id"],
                name=name,
                description=description,
                is_global=beside["is_global"],
                configuration=configuration,
            )
            service.insert(dashboard, None)
