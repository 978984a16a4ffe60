"""Fields of Flask-AppBuilder whose choices the browser loads, also those that depend on another field."""

from typing import Any

from flask_appbuilder.fields import AJAXSelectField as StockAJAXSelectField
from flask_babel import gettext as _
from markupsafe import Markup
from wtforms.validators import ValidationError

from app.crud.datamodel import SQLAInterface
from app.crud.filters import FilterRelated, Filters
from app.crud.list_arguments import FilterArgument
from app.extensions import db

MAX_CHOICES = 200


class AJAXSelectField(StockAJAXSelectField):
    """A related row, named by its key. What was sent stays in the field, and is an error if there is no such row."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.text = ""

    # Flask-AppBuilder's keeps the value alone; the page shows its key.
    def process_data(self, value: Any) -> None:
        self.data = value
        self.text = "" if value is None else str(self._related().get_pk_value(value))

    # Flask-AppBuilder's forgets what was sent when there is no such row.
    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist:
            self.text = valuelist[0].strip()
            with db.session.no_autoflush:
                self.data = self._related().get(self.text) if self.text else None

    def pre_validate(self, form: Any) -> None:  # noqa: ARG002 - WTForms' signature
        if self.text and self.data is None:
            raise ValidationError(_("“%(value)s” was not found.", value=self.text))

    def __call__(self, **kwargs: Any) -> Markup:
        """Render the key: Flask-AppBuilder's widgets show `data`."""
        row, self.data = self.data, self.text
        try:
            return super().__call__(**kwargs)
        finally:
            self.data = row

    def _related(self) -> SQLAInterface:
        model = self.datamodel.get_related_model(self.col_name) if self.is_related else self.datamodel.obj
        return SQLAInterface(model)


def is_loaded(field: Any) -> bool:
    """Whether a field of a form class loads its choices."""
    return issubclass(getattr(field, "field_class", object), StockAJAXSelectField)


def choices(model: type[Any], conditions: list[Any], arguments: list[FilterArgument | None]) -> list[dict[str, str]]:
    """Return up to 200 rows of `model` that fulfil `conditions` and belong to the rows that `arguments` name."""
    related = SQLAInterface(model)
    filters: Filters = related.get_filters()
    filters.add_filter_list(conditions)
    for argument in arguments:
        if argument is None or not related.is_relation_many_to_one(argument.column):
            return []
        try:
            key = related.parse_value(argument.column, argument.value)
        except (ValueError, OverflowError):
            return []
        filters.add_filter(argument.column, FilterRelated, key)
    rows = related.page(filters, ("", "asc"), size=MAX_CHOICES).rows
    return [{"id": str(related.get_pk_value(row)), "text": str(row)} for row in rows]
