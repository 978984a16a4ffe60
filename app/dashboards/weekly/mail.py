"""The e-mail with a dashboard: its charts as pictures, and the same in words."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.accounts.models import Member
from app.charts import png_process, texts, values
from app.charts.drawing import is_drawn
from app.charts.model import Refusal
from app.charts.png import NoFontError
from app.dashboards.data.modules import ShownModule, show_all
from app.dashboards.data.reader import reading_as
from app.dashboards.models import Dashboard
from app.dashboards.texts import description_of, name_of
from app.http import public_url
from app.i18n.selectors import force_locale
from app.outbox.models import EmailTopic
from app.outbox.service import EmailRequest, content_id, enqueue

KIND = "dashboard"
# What an e-mail has at most; the rest is behind the link.
MAX_MODULES, MAX_ROWS, MAX_PICTURE_BYTES = 12, 10, 3_000_000
# Figures of last week are not sent next week.
LIFETIME = timedelta(days=5)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """A module in an e-mail. `picture` is the URL of its picture, empty if there is none; `rows` are texts."""

    title: str
    picture: str
    description: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    is_cut: bool


def send(dashboard: Dashboard, member: Member, due_at: datetime) -> None:
    """Write the e-mail to the outbox, in the current transaction."""
    pictures: dict[str, bytes] = {}
    with reading_as(member), force_locale(member.locale, member.timezone, member.hour_cycle):
        shown = show_all(dashboard, {}, lambda _module: {})
        name, description = name_of(dashboard), description_of(dashboard)
        parts = [_part(each, pictures) for each in shown[:MAX_MODULES]]
    enqueue(
        EmailRequest(
            KIND,
            to=member.email,
            name=member.display_name,
            locale=member.locale,
            timezone=member.timezone,
            hour_cycle=member.hour_cycle,
            context={
                "dashboard": name,
                "description": description,
                "parts": parts,
                "more": max(len(shown) - MAX_MODULES, 0),
                "url": public_url("DashboardView.show", slug=dashboard.slug),
            },
            dedupe_key=f"{KIND}:{dashboard.id}:{member.id}:{due_at:%Y%m%d}",
            expires_at=due_at + LIFETIME,
            topic=EmailTopic.DASHBOARDS,
            pictures=pictures,
        )
    )


def _part(shown: ShownModule, pictures: dict[str, bytes]) -> Part:
    chart, title = shown.chart, str(shown.module["title"])
    if isinstance(chart, Refusal):
        return Part(title, "", chart.reason, [], [], is_cut=False)
    table = values.table(chart)
    return Part(
        title,
        _picture(shown, pictures) if is_drawn(chart) else "",
        values.description(chart),
        [column.title for column in table.columns],
        [
            [texts.shown(value, column.unit) for value, column in zip(row, table.columns, strict=True)]
            for row in table.rows[:MAX_ROWS]
        ],
        is_cut=len(table.rows) > MAX_ROWS,
    )


def _picture(shown: ShownModule, pictures: dict[str, bytes]) -> str:
    try:
        drawn = png_process.draw(shown.chart, str(shown.module["title"]))
    except (NoFontError, png_process.PictureError) as error:
        logger.warning("A chart is sent in words: %s", str(error) or "its picture could not be drawn.")
        return ""
    if sum(map(len, pictures.values())) + len(drawn) > MAX_PICTURE_BYTES:
        return ""
    name = f"{len(pictures) + 1}.png"
    pictures[name] = drawn
    return f"cid:{content_id(name)}"
