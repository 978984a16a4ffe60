"""Which schema a set of columns of a model has in the JSON APIs."""

from collections.abc import Callable
from datetime import UTC
from typing import Any

from flask_appbuilder.api.convert import Model2SchemaConverter
from marshmallow import ValidationError, fields
from marshmallow.validate import Length, Validator

from app.crud.api_errors import INVALID, TranslatedMessage, listed
from app.crud.datamodel import SQLAInterface
from app.database import UTCDateTime


class SchemaConverter(Model2SchemaConverter):
    """Converts each set of columns once, and keeps the time zone of datetimes."""

    def __init__(self, datamodel: SQLAInterface, validators_columns: dict[str, Callable[[Any], Any]]) -> None:
        super().__init__(datamodel, {name: _with_own_words(given) for name, given in validators_columns.items()})
        self._converted: dict[tuple[Any, ...], Any] = {}

    def convert(
        self,
        columns: list[str],
        model: type[Any] | None = None,
        nested: bool = True,  # noqa: FBT001, FBT002 - Flask-AppBuilder's signature
        parent_schema_name: str | None = None,
    ) -> Any:
        """Return the schema for `columns`. Flask-AppBuilder's makes another class of the same name in each call."""
        key = (tuple(columns), model, nested, parent_schema_name)
        if key not in self._converted:
            self._converted[key] = super().convert(columns, model, nested, parent_schema_name)
        return self._converted[key]

    # Flask-AppBuilder's loses the zone of a moment, accepts empty text where there must be some, and forgets validators.
    def _column2field(self, datamodel: SQLAInterface, column: Any, *args: Any, **kwargs: Any) -> Any:
        field = super()._column2field(datamodel, column, *args, **kwargs)
        validator = self.validators_columns.get(column.name)
        if validator is not None and validator not in field.validators and datamodel.obj is self.datamodel.obj:
            # Flask-AppBuilder forgets those of relations and enumerations.
            field.validators.append(validator)
        mapped = datamodel.list_columns.get(column.name)
        if mapped is None:
            return field
        if datamodel.is_enum(column.name):
            # Flask-AppBuilder's refuses the null that it has sent.
            field.allow_none = mapped.nullable
        if datamodel.is_string(column.name) and not mapped.nullable and datamodel.get_col_default(column.name) != "":
            field.validators.append(Length(min=1))
        if not isinstance(mapped.type, UTCDateTime):
            return field
        return fields.AwareDateTime(
            default_timezone=UTC, required=field.required, allow_none=field.allow_none, metadata=field.metadata
        )


def _with_own_words(given: Any) -> Callable[[Any], None]:
    """Return the validators that a view gives for a column as one, whose own messages are shown as they are.

    Those of Marshmallow's validators are English, unless the view has given them.
    """
    validators = given if isinstance(given, list | tuple) else [given]

    def validate(value: Any) -> None:
        for validator in validators:
            try:
                accepted = validator(value)
            except ValidationError as error:
                if isinstance(validator, Validator) and not getattr(validator, "error", None):
                    raise
                said = error.messages
                raise ValidationError([TranslatedMessage(each) for each in listed(said)]) from error
            if accepted is False:
                raise ValidationError([TranslatedMessage(INVALID)])

    # `_info` names the validators of a field.
    validate.__name__ = ", ".join(getattr(each, "__name__", type(each).__name__) for each in validators)
    return validate
