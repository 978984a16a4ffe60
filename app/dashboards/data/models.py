"""The tables of data that do not come from the site: uploaded files, and answers of other hosts."""

import secrets
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext
from sqlalchemy import Connection, ForeignKey, String, Text, UniqueConstraint, delete, event, inspect
from sqlalchemy.orm import InstanceState, Mapped, mapped_column, relationship

from app import clock
from app.dashboards.models import Dashboard, OrderedJson
from app.dashboards.rules import MAX_URL_LENGTH, MAX_URLS
from app.database import Json, UTCDateTime
from app.enums import EnumString, LabelledEnum, one_of
from app.extensions import Model
from app.search_key import WORDS

MAX_FILE_NAME = 120


class DashboardUpload(Model):
    """A CSV file that was uploaded to a dashboard. Who sees the dashboard sees it; it never changes."""

    __tablename__ = "dashboard_upload"

    id: Mapped[int] = mapped_column(primary_key=True)
    # What the configuration calls it.
    key: Mapped[str] = mapped_column(String(32), unique=True, default=lambda: secrets.token_hex(8))
    dashboard_id: Mapped[int] = mapped_column(ForeignKey("dashboard.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(MAX_FILE_NAME), info=WORDS)
    # {"columns": [[name, kind], ...], "rows": [[value, ...], ...]}; dates as ISO 8601.
    content: Mapped[dict[str, Any]] = mapped_column(OrderedJson, deferred=True)
    row_count: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    dashboard: Mapped[Dashboard] = relationship()

    def __repr__(self) -> str:
        return self.name


class RemoteProblem(LabelledEnum):
    """Why another host was not asked, or did not answer."""

    NOT_LISTED = "not_listed", lazy_gettext("The operator of this site has not listed this host.")
    NO_ADDRESS = "no_address", lazy_gettext("There is no host of this name.")
    PRIVATE = "private", lazy_gettext("This host has an address in a private network, which is never asked.")
    UNREACHABLE = "unreachable", lazy_gettext("The host could not be reached.")
    CERTIFICATE = "certificate", lazy_gettext("The certificate of the host is not valid.")
    SLOW = "slow", lazy_gettext("The host did not answer in time.")
    STATUS = "status", lazy_gettext("The host did not answer with status 200.")
    LARGE = "large", lazy_gettext("The answer of the host is too large.")
    NO_JSON = "no_json", lazy_gettext("The answer of the host is not JSON.")


class RemoteAnswer(Model):
    """A URL that a dashboard shows data of, and what it answered last. The worker asks, nobody else."""

    __tablename__ = "dashboard_remote"

    id: Mapped[int] = mapped_column(primary_key=True)
    dashboard_id: Mapped[int] = mapped_column(ForeignKey("dashboard.id", ondelete="CASCADE"))
    url: Mapped[str] = mapped_column(String(MAX_URL_LENGTH), index=True)
    # When it was last asked, and why that failed. The content is the last one that did not.
    asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    problem: Mapped[RemoteProblem | None] = mapped_column(EnumString(RemoteProblem, 16))
    fetched_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    content: Mapped[str | None] = mapped_column(Text, deferred=True)

    dashboard: Mapped[Dashboard] = relationship()

    __table_args__ = (UniqueConstraint("dashboard_id", "url"), one_of("problem", RemoteProblem))

    def __repr__(self) -> str:
        return self.url


class StoredPeriod(Model):
    """What a named query counted in a month, or on a day, that is over for long. A job counts again once a day."""

    __tablename__ = "query_period"

    query: Mapped[str] = mapped_column(String(80), primary_key=True)
    period: Mapped[date] = mapped_column(primary_key=True)
    # The row without its period.
    row: Mapped[list[Any]] = mapped_column(Json)
    counted_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)


def urls_of(configuration: dict[str, Any]) -> list[str]:
    """Return the URLs that the modules of a configuration show, each once, at most MAX_URLS."""
    found = (module.get("data", {}).get("url") for module in configuration["modules"])
    return [*dict.fromkeys(url for url in found if isinstance(url, str) and len(url) <= MAX_URL_LENGTH)][:MAX_URLS]


@event.listens_for(Dashboard, "after_insert")
@event.listens_for(Dashboard, "after_update")
def _follow_urls(_mapper: object, connection: Connection, dashboard: Dashboard) -> None:
    """Keep the rows of the URLs that a dashboard shows."""
    state: InstanceState[Dashboard] = inspect(dashboard)
    if not state.attrs.configuration.history.has_changes():
        return
    urls = urls_of(dashboard.configuration)
    table = RemoteAnswer.__table__
    own = table.c.dashboard_id == dashboard.id
    connection.execute(delete(RemoteAnswer).where(own, table.c.url.not_in(urls)))
    known = set(connection.scalars(table.select().with_only_columns(table.c.url).where(own)))
    new = [{"dashboard_id": dashboard.id, "url": url} for url in urls if url not in known]
    if new:
        connection.execute(table.insert(), new)
