"""Generates forms from the columns of a model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from flask import url_for
from flask_appbuilder.forms import DynamicForm
from sqlalchemy import BigInteger, Select, SmallInteger, inspect
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    Field,
    FloatField,
    HiddenField,
    IntegerField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from app.crud import row_versions
from app.crud.datamodel import SQLAInterface
from app.crud.fields import (
    AutocompleteField,
    ChecklistField,
    ChoiceField,
    JsonField,
    LocalDateTimeField,
    TimezoneField,
    clean_line,
    clean_text,
)
from app.crud.upload_field import UploadField
from app.extensions import db
from config import ConfigurationError

MAX_INTEGER, MAX_BIG, MAX_SMALL = 2**31 - 1, 2**63 - 1, 2**15 - 1
LIMITS = ((BigInteger, MAX_BIG), (SmallInteger, MAX_SMALL))
MAX_TEXT_LENGTH = 20_000
# Of a list of checkboxes. Nobody finds one among more.
MAX_CHECKED = 200
SIMPLE_FIELDS: tuple[tuple[str, type[Field], Mapping[str, Any]], ...] = (
    ("is_text", TextAreaField, {"filters": [clean_text]}),
    ("is_string", StringField, {"filters": [clean_line]}),
    ("is_integer", IntegerField, {}),
    ("is_float", FloatField, {}),
    # WTForms would show two digits, and lose the others.
    ("is_numeric", DecimalField, {"places": None}),
    ("is_date", DateField, {}),
    ("is_datetime", LocalDateTimeField, {}),
    ("is_json", JsonField, {}),
)


class Form(DynamicForm):
    """A generated form. `next` is the URL to return to; Flask-AppBuilder's would store it, and the token, in the row."""

    next = HiddenField(filters=[clean_line])
    not_stored = frozenset({"next", "csrf_token", row_versions.FIELD})

    def populate_obj(self, obj: Any) -> None:
        state: Any = inspect(obj, raiseerr=False)
        shown = self.as_stored(obj) if state is not None and state.persistent else None
        for name, each in self._fields.items():
            if name not in self.not_stored and not _is_unchanged(each, shown and shown[name]):
                each.populate_obj(obj, name)

    def as_stored(self, obj: Any) -> "Form":
        """Return this form as it shows a stored row."""
        return type(self)(formdata=None, obj=obj)


def _is_unchanged(sent: Field, shown: Field | None) -> bool:
    """Whether a text or box is as it was shown. What is stored may be more: no value at all, lines, space at the end."""
    is_simple = isinstance(sent, StringField | BooleanField) and not isinstance(sent, JsonField)
    return is_simple and shown is not None and (sent.data or None) == (shown.data or None)


@dataclass(frozen=True)
class FormConverter:
    """Makes the add and edit forms of a view from what the view declares."""

    datamodel: SQLAInterface
    labels: Mapping[str, object]
    descriptions: Mapping[str, object] = field(default_factory=dict)
    validators: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    choices: Mapping[str, Mapping[Any, object]] = field(default_factory=dict)
    remote: Mapping[str, tuple[str, Sequence[str]]] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)
    # {"host": [["active", FilterEqual, True]]}: which related rows can be chosen, as in base_filters.
    allowed: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    page: str = "add"
    options_endpoint: str = ""
    download_endpoint: str = ""

    def form(self, columns: Sequence[str], extra: Mapping[str, Any]) -> type[Form]:
        """Return a form class for `columns`; `extra` fields replace generated ones."""
        fields = {name: extra[name] if name in extra else self._field(name) for name in columns}
        return type("GeneratedForm", (Form,), {**fields, **self._hidden()})

    def complete(self, own: type[DynamicForm], columns: Sequence[str]) -> type[DynamicForm]:
        """Return the form that a view declares, with the hidden fields that generated ones have."""
        missing = [name for name in columns if not hasattr(own, name)]
        if missing:
            msg = f"{own.__name__} must have a field for each of the {self.page} columns; it has none for {missing}"
            raise ConfigurationError(msg)
        return type(own.__name__, (own, Form), self._hidden())

    def _hidden(self) -> dict[str, Any]:
        """Return the field for the version of the row that the page `edit` shows."""
        return {row_versions.FIELD: HiddenField()} if self.page == "edit" else {}

    def _field(self, name: str) -> Any:
        if self.datamodel.is_relation(name):
            return self._relation(name)
        if name not in self.datamodel.list_columns:
            msg = f"{self.datamodel.obj.__name__}.{name} is not a column; add an extra form field with that name"
            raise ConfigurationError(msg)
        given = self._given(name)
        if name in self.choices:
            optional, enum = self.datamodel.is_nullable(name), self.datamodel.enum_of(name)
            coerce = member_of(enum) if enum else int if self.datamodel.is_integer(name) else str
            return ChoiceField(values=self.choices[name], optional=optional, coerce=coerce, **given)
        if self.datamodel.is_file(name) or self.datamodel.is_image(name):
            column = self.datamodel.list_columns[name].type
            image = column if self.datamodel.is_image(name) else None
            return UploadField(
                image=image, preview=self._preview() if image else None, **self._given(name, is_text=False)
            )
        if name in self.zones.values():
            return TimezoneField(**given)
        if self.datamodel.is_boolean(name):
            # An unchecked box is not sent: it cannot be required.
            return BooleanField(**{**given, "validators": [*self.validators.get(name, ())]})
        return self._simple(name, given)

    def _preview(self) -> Callable[[str], str] | None:
        """Return a function that returns the URL of a stored image, unless the view sends none."""
        if not self.download_endpoint:
            return None
        return lambda value: url_for(self.download_endpoint, filename=value, thumbnail=1)

    def _simple(self, name: str, given: dict[str, Any]) -> Any:
        for marker, make, more in SIMPLE_FIELDS:
            if getattr(self.datamodel, marker)(name):
                zone = {"zone_field": self.zones.get(name)} if make is LocalDateTimeField else {}
                return make(**{**given, **more, **zone})
        msg = f"no form field is known for the type of {self.datamodel.obj.__name__}.{name}"
        raise ConfigurationError(msg)

    def _relation(self, name: str) -> Any:
        given = self._given(name)
        model = self.datamodel.get_related_model(name)

        # Made anew for each form: a filter may depend on the member.
        def rows() -> Select[Any]:
            return self.datamodel.related_rows(name, self.allowed.get(name, ()))

        if name in self.remote:
            suggested = {"endpoint": self.options_endpoint, "column": name, "page": self.page}
            key, searched = self.remote[name]
            return AutocompleteField(model=model, key=key, searched=searched, rows=rows, **suggested, **given)
        if self.datamodel.is_relation_many_to_many(name):
            pk, *more = model.__mapper__.primary_key
            if more:
                msg = f"{model.__name__} has a key of several columns; add an extra form field for {name!r}"
                raise ConfigurationError(msg)

            def load() -> Sequence[Any]:
                return db.session.scalars(rows().order_by(pk).limit(MAX_CHECKED + 1)).unique().all()

            return ChecklistField(load=load, pk=pk.key, most=MAX_CHECKED, **given)
        msg = f"{self.datamodel.obj.__name__}.{name} needs an entry in autocomplete_columns because forms do not list all rows"
        raise ConfigurationError(msg)

    def _given(self, name: str, *, is_text: bool = True) -> dict[str, Any]:
        """Return what every field of a column is made with; lists are made anew, so that no form shares them."""
        return {
            "label": self.labels[name],
            "description": self.descriptions.get(name, ""),
            "validators": [
                *self._required(name),
                *(self._limits(name) if is_text else ()),
                *self.validators.get(name, ()),
            ],
            "default": None if self.datamodel.is_relation(name) else self.datamodel.get_col_default(name),
        }

    def _required(self, name: str) -> list[Any]:
        """Return the validator for nothing at all; a column of text with a default takes that for no text."""
        if self.datamodel.is_relation_many_to_many(name):
            return []
        is_text = self.datamodel.is_string(name) and name not in self.choices
        may_be_empty = is_text and self.datamodel.get_col_default(name) == ""
        return [Optional() if may_be_empty or self.datamodel.is_nullable(name) else InputRequired()]

    def _limits(self, name: str) -> list[Any]:
        if self.datamodel.is_string(name) and name not in self.choices:
            longest = self.datamodel.get_max_length(name)
            return [Length(max=longest if longest > 0 else MAX_TEXT_LENGTH)]
        if self.datamodel.is_integer(name) and name not in self.choices:
            kind = self.datamodel.list_columns[name].type
            most = next((most for of, most in LIMITS if isinstance(kind, of)), MAX_INTEGER)
            return [NumberRange(-most, most)]
        return []


def member_of(enum: type[Enum]) -> Callable[[Any], Enum]:
    """Return a function that returns the member with a name; it raises ValueError."""

    def coerce(value: Any) -> Enum:
        if isinstance(value, enum):
            return value
        if value not in enum.__members__:
            raise ValueError(value)
        return enum[value]

    return coerce
