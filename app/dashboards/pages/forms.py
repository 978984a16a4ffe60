"""Forms of dashboards."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    Field,
    FieldList,
    FormField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from app.crud.fields import PLAIN_INPUT, JsonField, clean_line, clean_text
from app.dashboards import models, rules
from app.dashboards.configuration import arrangement
from app.dashboards.configuration.arrangement import numbered, rows
from app.dashboards.enums import Layout, MemberRole

# Where the data of a module comes from. What the form cannot change (an address) is kept.
QUERY, UPLOAD, VALUES, KEPT = "query:", "upload:", "values", "kept"
OWN_FAMILY = "Vega"
KINDS: dict[str, object] = {
    "": lazy_gettext("By the data"),
    "line": lazy_gettext("Lines"),
    "bar": lazy_gettext("Bars"),
    "stacked": lazy_gettext("Stacked bars"),
    "area": lazy_gettext("Areas"),
    "pie": lazy_gettext("Pie"),
    "donut": lazy_gettext("Donut"),
    "scatter": lazy_gettext("Scatter plot"),
    "heatmap": lazy_gettext("Heat map"),
    "gauge": lazy_gettext("Gauge"),
    "box": lazy_gettext("Box plot"),
    "histogram": lazy_gettext("Histogram"),
    "multiples": lazy_gettext("Small multiples"),
    "number": lazy_gettext("Number"),
    "numbers": lazy_gettext("Group of numbers"),
    "sparkline": lazy_gettext("Sparkline"),
    "table": lazy_gettext("Table"),
    "timeline": lazy_gettext("Timeline"),
    "graph": lazy_gettext("Graph"),
    "tree_map": lazy_gettext("Tree map"),
    "flame": lazy_gettext("Flame graph"),
    "words": lazy_gettext("Word cloud"),
    "image": lazy_gettext("Image"),
    "text": lazy_gettext("Text"),
}
MIN_REFRESH, MAX_REFRESH = 10, 86_400
ROW_FIELD = re.compile(r"modules-(\d{1,4})-")


class ParametersField(TextAreaField):
    """Parameters of a query, one per line as "months=12"; `data` is a mapping."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "\n".join(f"{name}={_as_text(value)}" for name, value in (self.data or {}).items())

    def process_formdata(self, valuelist: list[str]) -> None:
        found: dict[str, str] = {}
        for line in (clean_text(valuelist[0]) or "").splitlines() if valuelist else ():
            name, sign, value = line.partition("=")
            if not line.strip():
                continue
            if not sign or not name.strip():
                raise ValueError(_("Write each parameter on a line of its own, as in months=12."))
            found[name.strip()] = value.strip()
        self.data = found


class ModuleForm(FlaskForm):
    """A module. The form around it has the CSRF token."""

    class Meta:
        csrf = False

    key = HiddenField()
    title = StringField(
        lazy_gettext("Title of the module"),
        filters=[clean_line],
        validators=[Length(max=200)],
        description=lazy_gettext("If empty, that of the data, in the language of the reader."),
    )
    source = SelectField(lazy_gettext("Data"), validate_choice=False)
    kind = SelectField(lazy_gettext("Chart"), validate_choice=False)
    parameters = ParametersField(
        lazy_gettext("Parameters"),
        validators=[Length(max=2000)],
        description=lazy_gettext("Of the query, if it has some: one per line, as in months=12."),
    )
    values = JsonField(
        lazy_gettext("Values"),
        description=lazy_gettext("Only for values of your own, as JSON: for example a list of rows, or a number."),
    )
    width = IntegerField(
        lazy_gettext("Width"),
        default=arrangement.DEFAULT_WIDTH,
        validators=[InputRequired(), NumberRange(1, arrangement.COLUMNS)],
        description=lazy_gettext("In columns, of which there are 12."),
    )
    height = IntegerField(
        lazy_gettext("Height"),
        default=arrangement.DEFAULT_HEIGHT,
        validators=[InputRequired(), NumberRange(arrangement.MIN_HEIGHT, arrangement.MAX_HEIGHT)],
        description=lazy_gettext("In pixels."),
    )
    refresh_seconds = IntegerField(
        lazy_gettext("Refresh after seconds"),
        validators=[Optional(), NumberRange(MIN_REFRESH, MAX_REFRESH)],
        description=lazy_gettext("If empty, never."),
    )

    def validate_title(self, field: Field) -> None:
        """Ask for a title where the data has none."""
        if not field.data and not str(self.source.data).startswith(QUERY):
            raise ValidationError(_("Enter a title."))

    @property
    def shown_title(self) -> str:
        """What the module is called above its fields; empty for a new one."""
        has_query = str(self.source.data).startswith(QUERY) and self.key.data
        return str(self.title.data or (dict(self.source.choices).get(self.source.data, "") if has_query else ""))

    def validate_source(self, field: Field) -> None:
        """Refuse what was not offered."""
        if field.data not in dict(field.choices):
            raise ValidationError(_("Choose where the data comes from."))

    def validate_kind(self, field: Field) -> None:
        """Refuse what was not offered."""
        if field.data not in dict(field.choices):
            raise ValidationError(_("Choose a kind of chart."))


class DashboardForm(FlaskForm):
    """A dashboard with its modules. `version` is the one that was opened."""

    name = StringField(
        lazy_gettext("Name"), filters=[clean_line], validators=[DataRequired(), Length(max=models.MAX_NAME_LENGTH)]
    )
    category = StringField(
        lazy_gettext("Category"),
        filters=[clean_line],
        validators=[Length(max=models.MAX_CATEGORY_LENGTH)],
        description=lazy_gettext("Choose one, or type a new one."),
        render_kw={**PLAIN_INPUT, "list": "categories"},
    )
    description = TextAreaField(
        lazy_gettext("Description"), filters=[clean_text], validators=[Length(max=models.MAX_DESCRIPTION_LENGTH)]
    )
    layout = SelectField(lazy_gettext("Layout"), choices=list(Layout.labels().items()), default=Layout.GRID)
    is_global = BooleanField(lazy_gettext("Show it to everybody"))
    modules = FieldList(FormField(ModuleForm), max_entries=rules.MAX_MODULES)
    version = HiddenField()

    def offer(
        self,
        queries: Sequence[tuple[str, str]],
        stored: Mapping[str, Mapping[str, Any]],
        uploads: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Set the choices of each module: queries and uploads by key and title, and what a stored one has besides."""
        for row in self.modules:
            module = stored.get(row.form.key.data or "", {})
            row.form.source.choices = [
                *((QUERY + name, title) for name, title in queries),
                *((UPLOAD + key, _("File: %(name)s", name=name)) for key, name in uploads),
                (VALUES, _("Values of your own")),
                *_kept_source(
                    module, {QUERY + name for name, _title in queries} | {UPLOAD + key for key, _name in uploads}
                ),
            ]
            row.form.kind.choices = [*((kind, str(label)) for kind, label in KINDS.items()), *_kept_kind(module)]


class TextForm(FlaskForm):
    """A configuration as JSON."""

    text = TextAreaField(lazy_gettext("Configuration"), validators=[InputRequired()])
    version = HiddenField()


class UploadForm(FlaskForm):
    """A file with a dashboard."""

    file = FileField(
        lazy_gettext("File"),
        validators=[FileRequired(lazy_gettext("Choose a file."))],
        description=lazy_gettext("A JSON file with a dashboard of this site or of flask_jsondash, of up to 1 MB."),
    )


class CsvForm(FlaskForm):
    """A file with figures."""

    file = FileField(
        lazy_gettext("File"),
        validators=[FileRequired(lazy_gettext("Choose a file."))],
        description=lazy_gettext("A CSV file in UTF-8, whose first line names the columns, of up to 1 MB."),
    )


class MemberForm(FlaskForm):
    """Somebody with whom a dashboard is shared."""

    username = StringField(
        lazy_gettext("Username"),
        filters=[clean_line],
        validators=[DataRequired(), Length(max=64)],
        render_kw={"autocapitalize": "none", **PLAIN_INPUT},
    )
    role = SelectField(lazy_gettext("Permission"), choices=list(MemberRole.labels().items()), default=MemberRole.VIEWER)


# -- from a configuration into the form, and back


def form_data(dashboard: models.Dashboard) -> dict[str, Any]:
    """Return a dashboard as the form shows it."""
    details = {name: getattr(dashboard, name) for name in ("name", "category", "description", "layout", "is_global")}
    return {**details, "version": str(dashboard.version), "modules": module_data(dashboard.configuration)}


def module_data(configuration: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the modules of a configuration as the form shows them, in their order."""
    return [
        {
            "key": module["id"],
            "title": module["title"],
            "source": source_of(module),
            "kind": kind_of(module),
            "parameters": module.get("data", {}).get("parameters", {}),
            "values": module.get("data", {}).get("values"),
            "width": module.get("width", arrangement.DEFAULT_WIDTH),
            "height": module.get("height", arrangement.DEFAULT_HEIGHT),
            "refresh_seconds": module.get("refresh_seconds") or None,
        }
        for row in rows(configuration["modules"])
        for module in row
    ]


def configuration_of(form: DashboardForm, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration that the form describes. What it has no fields for stays as in `stored`."""
    known = {module["id"]: module for module in stored["modules"]}
    typed = [row.form for row in form.modules]
    used = {each.key.data for each in typed}
    # Modules keep the rows of the grid, in their new order; each new one gets a row of its own.
    numbers = [module.get("row", 1) for row in rows(stored["modules"]) for module in row if module["id"] in used]
    last = max(numbers, default=0)
    modules: list[dict[str, Any]] = []
    for place, each in enumerate(typed):
        module = _module(each, known.get(each.key.data or "", {}), {*known, *(made["id"] for made in modules)})
        row = numbers[place] if place < len(numbers) else last + 1 + place - len(numbers)
        modules.append({**module, "row": row, "order": place})
    return {**stored, "layout": str(form.layout.data), "modules": numbered(rows(modules))}


def _module(typed: ModuleForm, stored: Mapping[str, Any], taken: set[str]) -> dict[str, Any]:
    module = {
        **stored,
        "id": stored.get("id") or _new_id(typed.title.data or "", taken),
        "title": typed.title.data or "",
        "width": typed.width.data,
        "height": typed.height.data,
        "refresh_seconds": typed.refresh_seconds.data or 0,
    }
    if typed.kind.data != kind_of(stored) or not stored:
        # A specification, and the family of another program, belong to the chart that was chosen before.
        module.update(family=OWN_FAMILY, type=typed.kind.data, specification=None)
    source = typed.source.data
    if source == KEPT:
        return module
    if source == VALUES:
        module["data"] = {"values": typed["values"].data}
    elif source.startswith(UPLOAD):
        module["data"] = {"upload": source.removeprefix(UPLOAD)}
    else:
        module["data"] = {"query": source.removeprefix(QUERY), "parameters": typed.parameters.data or {}}
    key = stored.get("data", {}).get("key")
    if key and source == source_of(stored):
        module["data"]["key"] = key
    return module


def source_of(module: Mapping[str, Any]) -> str:
    """Return the choice of data that a module has."""
    data = module.get("data", {})
    if "query" in data:
        return QUERY + str(data["query"])
    if "upload" in data:
        return UPLOAD + str(data["upload"])
    return VALUES if "values" in data or not data else KEPT


def kind_of(module: Mapping[str, Any]) -> str:
    """Return the choice of chart that a module has: one of the form's, or what is kept as it is."""
    kind = str(module.get("type") or "")
    is_own = module.get("family", OWN_FAMILY) == OWN_FAMILY and not module.get("specification")
    return kind if is_own and kind in KINDS else KEPT


def _kept_kind(module: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not module or kind_of(module) != KEPT:
        return []
    parts = [module.get("family", OWN_FAMILY), module.get("type") or ""]
    return [(KEPT, _("As it is: %(kind)s", kind=" ".join(filter(None, map(str, parts)))))]


def _kept_source(module: Mapping[str, Any], offered: set[str]) -> list[tuple[str, str]]:
    source = source_of(module)
    if source == KEPT:
        data = module["data"]
        shown = next(str(data[name]) for name in ("api", "url") if name in data)
        return [(KEPT, _("As it is: %(kind)s", kind=shown))]
    # A query that the reader may not ask themselves, or a file that is gone, stays what it is.
    return [(source, source.partition(":")[2])] if source != VALUES and source not in offered else []


def _new_id(title: str, taken: set[str]) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "module"
    number, name = 1, base
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


# -- modules are added, moved and removed before anything is saved


def rearranged(sent: MultiDict[str, str], action: str) -> tuple[MultiDict[str, str], int | None]:
    """Return the fields of the form after a button was pressed, and which module it was about; None if there is none."""
    numbers = sorted({int(match[1]) for name in sent if (match := ROW_FIELD.match(name))})
    what, _sign, number = action.partition("-")
    place = int(number) if number.isdecimal() and len(number) < 5 else -1
    if what == "add" and len(numbers) < rules.MAX_MODULES:
        changed = _renumbered(sent, numbers)
        changed[f"modules-{len(numbers)}-key"] = ""
        changed[f"modules-{len(numbers)}-width"] = str(arrangement.DEFAULT_WIDTH)
        changed[f"modules-{len(numbers)}-height"] = str(arrangement.DEFAULT_HEIGHT)
        return changed, len(numbers)
    if place not in range(len(numbers)):
        return sent, None
    other = place + {"up": -1, "down": 1}.get(what, 0)
    if what in {"up", "down"} and other in range(len(numbers)):
        numbers[place], numbers[other] = numbers[other], numbers[place]
        return _renumbered(sent, numbers), other
    if what == "remove":
        del numbers[place]
        return _renumbered(sent, numbers), min(place, len(numbers) - 1)
    return sent, None


def _renumbered(sent: MultiDict[str, str], numbers: Sequence[int]) -> MultiDict[str, str]:
    new = {old: number for number, old in enumerate(numbers)}
    fields: MultiDict[str, str] = MultiDict()
    for name, value in sent.items(multi=True):
        match = ROW_FIELD.match(name)
        if match is None:
            fields.add(name, value)
        elif int(match[1]) in new:
            fields.add(f"modules-{new[int(match[1])]}-{name[match.end() :]}", value)
    return fields
