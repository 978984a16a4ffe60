"""Dashboards of flask_jsondash as ours. What cannot be drawn keeps its place, and is named with the reason."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask_babel import gettext as _

from app.charts import reading
from app.charts.reading import values

MAX_MODULES, MAX_INPUTS, MAX_OPTIONS = 200, 20, 200
MAX_PLACE = 10_000
# Columns of a grid, and the pixels that one had on their pages.
COLUMNS, PIXELS = 12, 100
HEIGHTS, REFRESHES = (50, 2000), (10, 86_400)
# As they are called here.
FAMILIES = {"PlotlyStandard": "Plotly", "SigmaJS": "Sigma"}
# Those whose source is what they show, not an address of data.
SHOWN_AS_IS = reading.EMBEDDED | {"image"}
INPUTS = {
    **{
        name: name
        for name in ("checkbox", "radio", "select", "text", "number", "date", "time", "range", "color", "email", "url")
    },
    "datetime-local": "datetime",
}
# Whose name stood for everybody.
GLOBAL = "global"


@dataclass
class Converted:
    """A dashboard with the configuration that this site has for it, and what its importer should know."""

    name: str
    category: str
    description: str
    is_global: bool
    configuration: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def convert(configuration: Mapping[str, Any]) -> Converted:
    """Return a dashboard of flask_jsondash as one of this site. Nothing in it raises."""
    notes: list[str] = []
    theirs = [each for each in values.sequence(configuration.get("modules")) if isinstance(each, Mapping)]
    if len(theirs) > MAX_MODULES:
        notes.append(
            _("There are %(count)s modules; the first %(limit)s are kept.", count=str(len(theirs)), limit="200")
        )
        theirs = theirs[:MAX_MODULES]
    layout = values.text(configuration.get("layout"))
    if layout not in {"grid", "freeform"}:
        layout = "grid" if any(each.get("row") for each in theirs) else "freeform"
    ids: set[str] = set()
    modules = [_module(each, place, ids, notes) for place, each in enumerate(theirs)]
    if layout == "grid":
        _set_rows(modules, theirs)
    else:
        _set_places(modules)
    hosts = sorted({_host(each["data"]["url"]) for each in modules if "url" in each.get("data", {})})
    if hosts:
        notes.append(
            _(
                "Data of other hosts is shown if the operator of this site lists them: %(hosts)s.",
                hosts=", ".join(hosts),
            )
        )
    category = values.text(configuration.get("category"), 60)
    return Converted(
        name=values.text(configuration.get("name"), 120),
        category="" if category == "uncategorized" else category,
        description=values.text(configuration.get("description"), 500),
        is_global=configuration.get("created_by") == GLOBAL,
        configuration={"version": 1, "layout": layout, "modules": modules},
        notes=notes,
    )


def _host(address: str) -> str:
    try:
        return urlsplit(address).netloc
    except ValueError:
        return address[:100]


def _module(theirs: Mapping[str, Any], place: int, ids: set[str], notes: list[str]) -> dict[str, Any]:
    family, kind = values.text(theirs.get("family"), 40), values.text(theirs.get("type"), 60)
    module: dict[str, Any] = {
        "id": _id(theirs.get("guid"), place, ids),
        "title": values.text(theirs.get("name")),
        "family": FAMILIES.get(family, family),
        "type": kind,
        "order": _whole(theirs.get("order"), place, 0, MAX_PLACE),
        "width": _width(theirs.get("width")),
        "height": _whole(theirs.get("height"), 300, *HEIGHTS),
        "refresh_seconds": _refresh(theirs),
        "inputs": _inputs(theirs.get("inputs"), module_title=values.text(theirs.get("name")), notes=notes),
    }
    data, problem = _data(theirs.get("dataSource"), kind)
    if data is not None:
        key = values.text(theirs.get("key"))
        module["data"] = {**data, "key": key} if key and "values" not in data else data
    problem = reading.refusal(module["family"], kind) or problem
    if problem:
        notes.append(f"{module['title'] or module['id']}: {problem}")
    return module


def _id(guid: object, place: int, ids: set[str]) -> str:
    """Return an id that no other module has."""
    wanted = re.sub(r"[^A-Za-z0-9_-]", "", values.text(guid))[:70] or f"module-{place + 1}"
    found, number = wanted, 1
    while found in ids:
        number += 1
        found = f"{wanted}-{number}"
    ids.add(found)
    return found


def _data(source: object, kind: str) -> tuple[dict[str, Any] | None, str | None]:
    """Return where the data comes from, and what is wrong with it."""
    if not isinstance(source, str):
        return (None, _("It has no data.")) if source is None else ({"values": source}, None)
    written = values.long_text(source, 2000).strip()
    if kind in SHOWN_AS_IS:
        outside = kind == "image" and not written.startswith(("/", "data:image/"))
        return {"values": written}, _("Its image is on another site.") if outside else None
    if re.match(r"https?://[^/\s]+\S*$", written, re.IGNORECASE):
        return {"url": written}, None
    if written.startswith("/api/") and len(written) <= 1000:
        return {"api": written}, None
    return None, _("Its data is at “%(path)s”, which this site does not have.", path=written[:100])


# -- place and size


def _whole(value: object, otherwise: int, least: int, most: int) -> int:
    known = values.number(value)
    return min(max(otherwise if known is None else round(known), least), most)


def _width(value: object) -> int:
    """Return a number of columns, from `col-4` or pixels."""
    if isinstance(value, str) and value.startswith("col-"):
        return _whole(value.removeprefix("col-"), 6, 1, COLUMNS)
    return _whole((values.number(value) or 6 * PIXELS) / PIXELS, 6, 1, COLUMNS)


def _refresh(theirs: Mapping[str, Any]) -> int:
    milliseconds = values.number(theirs.get("refreshInterval"))
    if theirs.get("refresh") is not True or not milliseconds or milliseconds < 0:
        return 0
    return _whole(milliseconds / 1000, 0, *REFRESHES)


def _set_rows(modules: Sequence[dict[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> None:
    """Count rows from 1 without gaps. Modules without a row stand in one below."""
    wanted = [values.number(each.get("row")) for each in theirs]
    known = {row: number for number, row in enumerate(sorted({row for row in wanted if row is not None}), start=1)}
    for module, row in zip(modules, wanted, strict=True):
        module["row"] = len(known) + 1 if row is None else known[row]


def _set_places(modules: Sequence[dict[str, Any]]) -> None:
    """Place modules beside and below each other, as their pages packed them."""
    x = y = height = 0
    for module in sorted(modules, key=lambda each: each["order"]):
        width = module["width"] * PIXELS
        if x and x + width > COLUMNS * PIXELS:
            x, y, height = 0, y + height, 0
        module["x"], module["y"] = x, min(y, MAX_PLACE)
        x, height = x + width, max(height, module["height"])


# -- inputs


def _inputs(described: object, *, module_title: str, notes: list[str]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in map(values.mapping, values.sequence(values.mapping(described).get("options"))):
        name = values.text(each.get("name"), 80)
        kind = values.text(each.get("type")) or "text"
        if kind == "password":
            # What is typed would stand in an address.
            notes.append(
                _("%(module)s: the field “%(name)s” for a password is left out.", module=module_title, name=name)
            )
        elif name and len(found) < MAX_INPUTS:
            found[name] = {
                "name": name,
                "label": values.text(each.get("label")),
                "type": INPUTS.get(kind, "text"),
                "default": _scalar(each.get("default")),
                "options": _options(each.get("options")),
                "help": values.text(each.get("help_text"), 500),
            }
    return list(found.values())


def _options(described: object) -> list[list[Any]]:
    pairs = [values.sequence(pair) for pair in values.sequence(described)[:MAX_OPTIONS]]
    return [
        [_scalar(pair[0]), _scalar(pair[1])]
        for pair in pairs
        if len(pair) == 2 and _scalar(pair[0]) is not None and _scalar(pair[1]) is not None
    ]


def _scalar(value: object) -> Any:
    """Return a text, a number or a truth value; None for all else."""
    if isinstance(value, bool):
        return value
    return values.whole(value) if isinstance(value, int | float) else values.text(value) or None
