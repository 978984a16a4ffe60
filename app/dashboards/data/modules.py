"""What the modules of a dashboard show to the current member: their inputs, their data and their charts."""

import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError

from app.charts import memo, reading
from app.charts.model import Chart, Gauge, Image, Numbers, Refusal, Tree
from app.dashboards import texts
from app.dashboards.configuration.arrangement import DEFAULT_HEIGHT, rows
from app.dashboards.data import service as data
from app.dashboards.models import Dashboard
from app.database import is_unavailable
from app.extensions import db

log = logging.getLogger(__name__)

# Charts in which the title of their module stands.
WITH_TITLE = Gauge, Image, Numbers, Tree

# Returns the files of a module, by kind.
Urls = Callable[[Mapping[str, Any]], Mapping[str, str]]

# How a field of HTML is called where it is not called as in a configuration. What is typed there stands in the URL.
HTML_TYPES = {"datetime": "datetime-local", "password": "text"}
MAX_INPUT_LENGTH = 500
# What a module has besides its drawing, and the least that a drawing needs, in pixels.
HEIGHT_AROUND, HEIGHT_OF_INPUTS, MIN_DRAWING = 130, 90, 120
# Of the processor, for all charts of a page: what comes later is on a page of its own.
SECONDS_OF_PAGE = 5.0
# The name of an input in a URL: that of its module stands before it.
SEPARATOR = "."


@dataclass(frozen=True)
class InputField:
    """An input of a module as it is shown; `key` is its name in the URL."""

    name: str
    key: str
    label: str
    type: str
    value: str
    options: list[tuple[str, str]]
    help: str = ""


@dataclass(frozen=True)
class ShownModule:
    """A module and what it shows; `place` is its number in the configuration."""

    module: Mapping[str, Any]
    place: int
    chart: Chart
    fields: list[InputField] = field(default_factory=list)
    urls: Mapping[str, str] = field(default_factory=dict)
    # When the page has drawn enough, on the clock of its thread.
    until: float = math.inf

    @property
    def shown_chart(self) -> Chart:
        """The chart, as long as the page has time to draw it."""
        return self.chart if time.thread_time() < self.until else _late()

    @property
    def drawing_height(self) -> int:
        """The height that is left for the drawing, in pixels."""
        around = HEIGHT_AROUND + (HEIGHT_OF_INPUTS if self.fields else 0)
        return max(int(self.module.get("height", DEFAULT_HEIGHT)) - around, MIN_DRAWING)


def show_all(
    dashboard: Dashboard,
    arguments: Mapping[str, str],
    urls: Urls,
    modules: Sequence[Mapping[str, Any]] | None = None,
    *,
    seconds: float = SECONDS_OF_PAGE,
) -> list[ShownModule]:
    """Return what all modules of a dashboard show, in their order; `modules` if they are not those it has now.

    What several of them ask alike is asked once (app.dashboards.data.service).
    """
    modules = dashboard.modules if modules is None else modules
    places = {module["id"]: place for place, module in enumerate(modules)}
    ordered = [module for row in rows(modules) for module in row]
    until = time.thread_time() + seconds
    return [show(dashboard, module, arguments, urls, places[module["id"]], until=until) for module in ordered]


def show(  # noqa: PLR0913 - what a module is shown with
    dashboard: Dashboard,
    module: Mapping[str, Any],
    arguments: Mapping[str, str],
    urls: Urls,
    place: int = 0,
    *,
    until: float = math.inf,
) -> ShownModule:
    """Return what a module shows. Whatever goes wrong is told in its place."""
    module = {**module, "title": texts.title_of(module)}
    fields = input_fields(module, arguments)
    if time.thread_time() > until:
        return ShownModule(module, place, _late(), fields, _page_only(urls(module)))
    try:
        chart = _chart(dashboard, module, {each.name: each.value for each in fields})
    except Exception as error:
        if is_unavailable(error):
            # Neither would the next one be drawn.
            raise
        if isinstance(error, SQLAlchemyError):
            # On PostgreSQL, nothing else could be asked in this transaction.
            db.session.rollback()
        log.exception("The module %r could not be drawn", module.get("id"))
        chart = Refusal(_("This chart could not be drawn. The error has been logged."))
    # What is not drawn is no file.
    return ShownModule(module, place, chart, fields, {} if isinstance(chart, Refusal) else urls(module), until)


def _late() -> Refusal:
    return Refusal(_("This dashboard has more to draw than fits on one page."))


def _page_only(urls: Mapping[str, str]) -> dict[str, str]:
    return {kind: url for kind, url in urls.items() if kind == "module"}


def _chart(dashboard: Dashboard, module: Mapping[str, Any], inputs: Mapping[str, str]) -> Chart:
    source = module.get("data")
    if not source:
        return Refusal(_("This module has no data yet."))
    payload = data.load(source, inputs, dashboard)
    if isinstance(payload, Refusal):
        return payload
    family, kind, specification = module.get("family", "Vega"), module.get("type", ""), module.get("specification")
    title = module["title"]

    def read() -> tuple[str, Chart]:
        return title, reading.read(family, kind, payload, specification, title)

    # What several modules show alike of one payload is read once, and drawn once.
    title_read, chart = memo.once(payload, (family, kind, json.dumps(specification)), read)
    return read()[1] if title_read != title and isinstance(chart, WITH_TITLE) else chart


def input_fields(module: Mapping[str, Any], arguments: Mapping[str, str]) -> list[InputField]:
    """Return the inputs of a module with what the URL says, or else their defaults."""
    fields = []
    for each in module.get("inputs", ()):
        key = f"{module['id']}{SEPARATOR}{each['name']}"
        options = [_option(option) for option in each.get("options", ())]
        kind = each.get("type", "text")
        value = _text(each.get("default"))
        if kind == "checkbox":
            value = "true" if value.lower() in {"true", "1", "on", "yes"} else "false"
        asked = arguments.get(key)
        # What cannot be chosen is not asked for.
        if asked is not None and (not options or asked in dict(options)):
            value = asked[:MAX_INPUT_LENGTH]
        fields.append(
            InputField(
                name=each["name"],
                key=key,
                label=each.get("label") or each["name"],
                type=HTML_TYPES.get(kind, kind),
                value=value,
                options=options,
                help=each.get("help", ""),
            )
        )
    return fields


def _option(option: Any) -> tuple[str, str]:
    value, label = option if isinstance(option, list | tuple) else (option, option)
    return _text(value), _text(label)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
