"""Generates forms from the columns of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_appbuilder.forms import DynamicForm
from sqlalchemy import select
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
    LocalDateTimeField,
    TimezoneField,
    clean_line,
    clean_text,
)
from app.crud.files import UploadField
from app.extensions import db
from config import ConfigurationError

MAX_INTEGER = 2**31 - 1
MAX_TEXT_LENGTH = 20_000
SIMPLE_FIELDS: tuple[tuple[str, type[Field], Mapping[str, Any]], ...] = (
    ("is_text", TextAreaField, {"filters": [clean_text]}),
    ("is_string", StringField, {"filters": [clean_line]}),
    ("is_integer", IntegerField, {}),
    ("is_float", FloatField, {}),
    ("is_numeric", DecimalField, {}),
    ("is_date", DateField, {}),
    ("is_datetime", LocalDateTimeField, {}),
)


class Form(DynamicForm):
    """A generated form. `next` is the URL to return to; it and the version are not stored in the row."""

    next = HiddenField(filters=[clean_line])
    not_stored = frozenset({"next", "csrf_token"})

    def populate_obj(self, obj: Any) -> None:
        for name, each in self._fields.items():
            if name not in self.not_stored:
                each.populate_obj(obj, name)


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
    options_endpoint: str = ""

    def form(self, columns: Sequence[str], extra: Mapping[str, Any], *, versioned: bool = False) -> type[Form]:
        """Return a form class for `columns`; `extra` fields replace generated ones.

        With `versioned`, a hidden field has the version of the row that the form shows.
        """
        fields = {name: extra[name] if name in extra else self._field(name) for name in columns}
        if not versioned:
            return type("GeneratedForm", (Form,), fields)
        hidden = {row_versions.FIELD: HiddenField(), "not_stored": Form.not_stored | {row_versions.FIELD}}
        return type("GeneratedForm", (Form,), {**fields, **hidden})

    def _field(self, name: str) -> Any:
        if self.datamodel.is_relation(name):
            return self._relation(name)
        if name not in self.datamodel.list_columns:
            msg = f"{self.datamodel.obj.__name__}.{name} is not a column; add an extra form field with that name"
            raise ConfigurationError(msg)
        given = self._given(name)
        if name in self.choices:
            optional = self.datamodel.is_nullable(name)
            coerce = int if self.datamodel.is_integer(name) else str
            return ChoiceField(values=self.choices[name], optional=optional, coerce=coerce, **given)
        if self.datamodel.is_file(name) or self.datamodel.is_image(name):
            return UploadField(is_image=self.datamodel.is_image(name), **self._given(name, is_text=False))
        if name in self.zones.values():
            return TimezoneField(**given)
        if self.datamodel.is_boolean(name):
            # An unchecked box is not sent: it cannot be required.
            return BooleanField(**{**given, "validators": [*self.validators.get(name, ())]})
        return self._simple(name, given)

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
        if name in self.remote:
            key = self.remote[name][0]
            return AutocompleteField(model=model, key=key, endpoint=self.options_endpoint, column=name, **given)
        if self.datamodel.is_relation_many_to_many(name):
            pk = model.__mapper__.primary_key[0]
            rows = select(model).order_by(pk)
            return ChecklistField(load=lambda: db.session.scalars(rows).unique().all(), pk=pk.key, **given)
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
            return [NumberRange(-MAX_INTEGER, MAX_INTEGER)]
        return []
