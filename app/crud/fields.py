"""Form fields with native inputs. They keep invalid input and show an error for it."""

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import Select, select
from wtforms import Field, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Optional, ValidationError
from wtforms.widgets import CheckboxInput, DateTimeLocalInput, ListWidget, TextInput, html_params

from app import zone_rules
from app.crud import object_pages, options
from app.errors import Category, DomainError
from app.extensions import db
from app.i18n import selectors

MAX_KEY_LENGTH = 320
# The name of a button that asks for help with the field of its value, before the form is sent for good.
ASSIST = "_assist"
# Browsers have no useful suggestions for time zones and usernames.
PLAIN_INPUT = {"autocomplete": "off", "spellcheck": "false"}
LINE_BREAKS = {"\n", "\t"}
MOMENT_FORMATS = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")
# Leaves room for any zone's offset: a moment next to the end of the calendar cannot be converted.
FIRST_YEAR, LAST_YEAR = 1900, 9990


def clean_text(text: str | None) -> str | None:
    """Return `text` without NUL and control characters (line breaks stay) and without space around it."""
    if text is None:
        return None
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in unified if c in LINE_BREAKS or unicodedata.category(c) not in {"Cc", "Cs"}).strip()


def clean_line(text: str | None) -> str | None:
    """Return `text` cleaned and on one line."""
    cleaned = clean_text(text)
    return cleaned and " ".join(cleaned.split())


def show_at_field(form: FlaskForm, error: DomainError, field: str | None = None) -> None:
    """Show an error at its field, or above the form if the form does not have that field."""
    name = field or error.field
    if name and name in form:
        form[name].errors = [*form[name].errors, str(error)]
    else:
        form.form_errors = [*form.form_errors, str(error)]


def _required(arguments: dict[str, Any], *, required: bool) -> dict[str, Any]:
    """Add the validator for empty input to the arguments of a field, unless validators are given."""
    return {"validators": [InputRequired() if required else Optional()], **arguments}


class JsonField(TextAreaField):
    """A value as JSON; `data` is the value. What databases cannot store is an error."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else json.dumps(self.data, ensure_ascii=False, indent=2)

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].strip() if valuelist else ""
        self.data = None
        if not text:
            return
        try:
            self.data = json.loads(text, parse_constant=_refuse_constant)
            # PostgreSQL has no such characters.
            json.dumps(self.data, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise ValueError(_("This is not valid JSON.")) from error
        if "\\u0000" in text:
            raise ValueError(_("This is not valid JSON."))


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which are no JSON."""
    raise ValueError(name)


class LocalDateTimeField(Field):
    """A local date and time; `data` is an aware datetime in UTC.

    Its time zone is that of the form's field `zone_field`, or else the member's. A time that occurs twice when clocks
    are put back is the earlier one. A time that is skipped is an error.
    """

    widget = DateTimeLocalInput()

    def __init__(self, *args: Any, zone_field: str | None = None, required: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **_required(kwargs, required=required))
        self.zone_field = zone_field
        self.local_time: datetime | None = None

    def process_formdata(self, valuelist: list[str]) -> None:
        """Parse the local time. The time zone is known after the whole form is parsed."""
        text = valuelist[0].strip() if valuelist else ""
        self.data = self.local_time = None
        if text:
            # InputRequired and Optional check this; `pre_validate` converts it to UTC.
            self.data = self.local_time = _read_clock(text)

    def pre_validate(self, form: FlaskForm) -> None:  # noqa: ARG002 - WTForms' signature
        """Convert the local time to UTC."""
        if self.local_time is None:
            return
        zone = self._zone()
        if zone is None:
            self.data = None
            return
        self.data = self._same_as_stored(zone) or as_moment(self.local_time, zone)
        if self.data is None:
            raise ValidationError(_("This time does not exist because the clocks go forward. Choose another."))

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        if not isinstance(self.data, datetime):
            return ""
        return _aware(self.data).astimezone(self._zone() or selectors.zone_info()).strftime(MOMENT_FORMATS[0])

    def populate_obj(self, obj: object, name: str) -> None:
        """Store the datetime. The input has no seconds, so unchanged input keeps the stored seconds."""
        stored = getattr(obj, name, None)
        is_same = stored is not None and _aware(stored).replace(second=0, microsecond=0) == self.data
        setattr(obj, name, stored if is_same else self.data)

    def _same_as_stored(self, zone: ZoneInfo) -> datetime | None:
        """Return the stored minute if the input is its local time: it may be the later of two equal ones."""
        if not isinstance(self.object_data, datetime):
            return None
        stored = _aware(self.object_data).replace(second=0, microsecond=0)
        return stored if stored.astimezone(zone).replace(tzinfo=None) == self.local_time else None

    def _zone(self) -> ZoneInfo | None:
        """Return the time zone of the input, or None if the form names an unknown one."""
        name = self._form[self.zone_field].data if self.zone_field and self.zone_field in self._form else None
        if not name:
            return selectors.zone_info()
        return ZoneInfo(name) if selectors.is_timezone(name) else None


def _aware(stored: datetime) -> datetime:
    """Return a stored datetime with its time zone: a column without one has UTC."""
    return stored if stored.tzinfo else stored.replace(tzinfo=UTC)


def as_moment(local_time: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the UTC datetime of a naive local time in `zone`, the earlier of two, or None if the time is skipped."""
    moment = local_time.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == local_time else None


def _read_clock(text: str) -> datetime:
    """Return the naive time that `text` shows; raises ValueError."""
    for pattern in MOMENT_FORMATS:
        try:
            # Flask-AppBuilder's forms, and programs made for them, send a space.
            read = datetime.strptime(text.replace(" ", "T"), pattern)  # noqa: DTZ007 - the zone stands in another field
        except ValueError:
            continue
        if FIRST_YEAR <= read.year <= LAST_YEAR:
            return read
    raise ValueError(_("Not a valid date and time."))


class TimezoneField(StringField):
    """The IANA name of a time zone, typed with suggestions."""

    def __init__(self, *args: Any, required: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **_required(kwargs, required=required))
        self.render_kw: dict[str, Any] = {**PLAIN_INPUT, "dir": "ltr", **(self.render_kw or {})}

    def process_formdata(self, valuelist: list[str]) -> None:
        """Accept a name in upper or lower case."""
        typed = clean_line(valuelist[0]) if valuelist else None
        if typed is not None:
            self.data = _zones(zone_rules.version()).get(typed.lower().replace(" ", "_"), typed)

    def pre_validate(self, form: FlaskForm) -> None:  # noqa: ARG002 - WTForms' signature
        if self.data and not selectors.is_timezone(self.data):
            raise ValidationError(_("There is no time zone with this name. Enter a city, for example Europe/Madrid."))

    def __call__(self, **kwargs: Any) -> Markup:
        return _with_datalist(self, _zone_options(zone_rules.version()), kwargs)


@lru_cache(maxsize=1)
def _zones(_rules: str) -> Mapping[str, str]:
    """Return the names of all zones by their names in lower case."""
    return {name.lower(): name for name in selectors.timezones()}


@lru_cache(maxsize=1)
def _zone_options(rules: str) -> Markup:
    """Return the suggestions for a zone: six hundred, which take as long as the rest of the form."""
    return Markup("").join(Markup("<option>{}</option>").format(name) for name in sorted(_zones(rules).values()))


class AutocompleteField(Field):
    """A row of another table, entered by its natural key (a username, a slug) or its name, with suggestions.

    `key` is the attribute of `model` that is sent. app.js shows the name of the row in its place, and loads suggestions
    from `endpoint` with `column` and `page`. Without JavaScript a button searches the `searched` attributes, and the form
    comes back with what was found. `rows` returns the statement for the rows that may be chosen; the stored one may
    always stay. `data` is the row.
    """

    widget = TextInput()

    def __init__(  # noqa: PLR0913
        self,
        *args: Any,
        model: type[Any],
        key: str,
        endpoint: str = "",
        column: str = "",
        page: str | None = None,
        rows: Callable[[], Select[Any]] | None = None,
        searched: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.model, self.key, self.endpoint, self.column, self.page = model, key, endpoint, column, page
        self._rows, self._searched = rows, searched
        self.text = ""
        # What a search without JavaScript has found.
        self.found: list[dict[str, str]] = []
        self.render_kw: dict[str, Any] = {**PLAIN_INPUT, **(self.render_kw or {})}

    def process_data(self, value: Any) -> None:
        self.data = value
        self.text = str(getattr(value, self.key)) if value is not None else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        # The text comes first, and after it what was chosen among the rows that were found.
        typed = [clean_line(value) or "" for value in valuelist]
        self.text = next(filter(None, reversed(typed)), "")
        self.data = find_by_key(self.model, self.key, self.text, self._rows and self._rows()) or self._named()
        stored = vars(self).get("object_data")
        if self.data is None and stored is not None and str(getattr(stored, self.key)) == self.text:
            self.data = stored

    def pre_validate(self, form: FlaskForm) -> None:  # noqa: ARG002 - WTForms' signature
        if self.text and self.data is None:
            raise ValidationError(_("“%(value)s” was not found.", value=self.text))

    def _named(self) -> Any | None:
        """Return the only row that is called like the text."""
        if not self._searched or not 0 < len(self.text) <= MAX_KEY_LENGTH:
            return None
        with db.session.no_autoflush:
            hits = options.search(self._statement(), self.model, self.key, self._searched, self.text.split(" ")[0])
            same = [row for row in hits if str(object_pages.row_name(row)).casefold() == self.text.casefold()]
        return same[0] if len(same) == 1 else None

    def _statement(self) -> Select[Any]:
        return select(self.model) if self._rows is None else self._rows()

    def assist(self) -> tuple[str, Category]:
        """Search for the text, for readers without JavaScript; return what is flashed."""
        self.text = (clean_line(self.raw_data[0]) or "") if self.raw_data else ""
        self.found = options.find(self._statement(), self.model, self.key, self._searched, self.text)
        if not self.found:
            return _("“%(value)s” was not found.", value=self.text), "warning"
        text = ngettext(
            "%(num)d entry was found. Choose it below.",
            "%(num)d entries were found. Choose one below.",
            len(self.found),
        )
        return text, "info"

    def __call__(self, **kwargs: Any) -> Markup:
        """Render the input, an empty list for the suggestions, and what was found."""
        if self.endpoint:
            kwargs["data-options-url"] = url_for(self.endpoint, column=self.column or self.short_name, page=self.page)
        if not self._searched:
            return _with_datalist(self, Markup(""), kwargs)
        kwargs["data-label"] = object_pages.row_name(self.data) if self.data is not None else self.text
        button = Markup('<noscript><button type="submit" class="button" name="{}" value="{}">{}</button></noscript>')
        shown = [_with_datalist(self, Markup(""), kwargs), button.format(ASSIST, self.name, _("Search"))]
        if self.found:
            shown.append(
                Markup('<div class="choices found">{}</div>').format(Markup("").join(map(self._choice, self.found)))
            )
        return Markup("").join(shown)

    def _choice(self, found: Mapping[str, str]) -> Markup:
        return Markup(
            '<label class="choice"><input type="radio" name="{}" value="{}"> <bdi>{}</bdi> <span class="hint">{}</span></label>'
        ).format(self.name, found["value"], found["label"], "" if found["label"] == found["value"] else found["value"])

    def _value(self) -> str:
        return self.text


def find_by_key(model: type[Any], key: str, text: str, rows: Select[Any] | None = None) -> Any | None:
    """Return the row of `model`, among `rows`, with the natural key `text`, also if it is the same in lower case."""
    if not text or len(text) > MAX_KEY_LENGTH or "\0" in text:
        return None
    column = getattr(model, key)
    statement = (select(model) if rows is None else rows).where(column.in_({text, text.lower()}))
    with db.session.no_autoflush:
        found = db.session.scalars(statement.limit(2)).unique().all()
    return next((row for row in found if getattr(row, key) == text), found[0] if found else None)


def _with_datalist(field: Field, options: Markup, attributes: dict[str, Any]) -> Markup:
    name = f"{field.id}-options"
    control = field.widget(field, **{**(field.render_kw or {}), **attributes, "list": name})
    return Markup("{}<datalist {}>{}</datalist>").format(control, Markup(html_params(id=name)), options)  # noqa: S704


class ChoiceField(SelectField):
    """One of the labelled values of a column, in a native select. An optional one has an empty choice.

    A stored value that has no label any more stays a choice, so that saving the form does not lose it.
    """

    _stored: Any = None

    def __init__(
        self, *args: Any, values: Mapping[Any, object], optional: bool = False, coerce: Any = str, **kwargs: Any
    ) -> None:
        super().__init__(*args, coerce=lambda value: None if value == "" else coerce(value), **kwargs)
        known = {coerce(value) for value in values}
        self.choices = lambda: [
            *([("", "\N{EM DASH}")] if optional else []),
            *((value, str(label)) for value, label in values.items()),
            *self._unlabelled(known),
        ]

    def _unlabelled(self, known: set[Any]) -> list[tuple[Any, str]]:
        return [] if self._stored is None or self._stored in known else [(self._stored, str(self._stored))]

    def process_data(self, value: Any) -> None:
        super().process_data(value)
        self._stored = self.data


class Checklist(ListWidget):
    """Says so where not all rows are listed."""

    def __call__(self, field: Field, **kwargs: Any) -> Markup:
        listed = super().__call__(field, **kwargs)
        if not field.is_cut:
            return Markup(listed)  # noqa: S704 - WTForms' own
        hint = ngettext("Only the first %(num)d is listed.", "Only the first %(num)d are listed.", field.most)
        return Markup('{}<p class="hint">{}</p>').format(listed, hint)


class ChecklistField(SelectMultipleField):
    """Any number of rows of a small table, as checkboxes. `data` has their keys, `rows()` returns the rows.

    `load` returns the rows, of which the first `most` are listed; `text` returns the label of a row, by default its name. A stored row
    that is not among them stays a choice, so that saving the form does not lose it.
    """

    widget: Any = Checklist(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(
        self,
        *args: Any,
        load: Callable[[], Sequence[Any]],
        pk: str = "id",
        text: Callable[[Any], str] | None = None,
        most: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, coerce=str, **kwargs)
        self.most = most
        self._load, self._pk = load, pk
        self._known: dict[str, Any] | None = None
        self.is_cut = False
        self._stored: list[Any] = []
        label = text or object_pages.row_name
        self.choices = lambda: [(key, label(row)) for key, row in self._rows().items()]

    def process_data(self, value: Iterable[Any] | None) -> None:
        self._stored = list(value or ())
        self.data = [str(getattr(row, self._pk)) for row in self._stored]

    def rows_shown(self) -> list[Any]:
        """Return the rows that are stored, without loading others."""
        return self._stored

    def choosable(self) -> dict[str, Any]:
        """Return the rows that can be chosen, by their keys."""
        return self._rows()

    def rows(self) -> list[Any]:
        """Return the chosen rows."""
        chosen = set(self.data or ())
        return [row for key, row in self._rows().items() if key in chosen]

    def populate_obj(self, obj: Any, name: str) -> None:
        setattr(obj, name, self.rows())

    def _rows(self) -> dict[str, Any]:
        if self._known is None:
            with db.session.no_autoflush:
                found = self._load()
                self.is_cut = self.most is not None and len(found) > self.most
                listed = (*found[: self.most], *self._stored)
                self._known = {str(getattr(row, self._pk)): row for row in listed}
        return self._known
