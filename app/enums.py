"""Enumerations that are stored in columns and have translated labels."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Generic, Self, TypeVar

from flask_babel import LazyString
from sqlalchemy import CheckConstraint, String, event
from sqlalchemy.types import TypeDecorator


class LabelledEnum(StrEnum):
    """A database value with a translated label: `YES = "yes", lazy_gettext("Coming")`."""

    label: LazyString

    def __new__(cls, value: str, label: LazyString) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member

    @classmethod
    def labels(cls) -> dict[str, LazyString]:
        """Return the label of each value, in the order of declaration."""
        return {member: member.label for member in cls}


Value = TypeVar("Value", bound=StrEnum)


class EnumString(TypeDecorator[Value], Generic[Value]):
    """A string column whose values are members of an enumeration.

    Unlike SQLAlchemy's Enum it stays a string for Flask-AppBuilder's filters and forms, and takes plain strings, too.
    A value that is no member is stored as it is: the column's CHECK constraint refuses it, and that error has words.
    """

    impl = String
    cache_ok = True

    def __init__(self, enum: type[Value], length: int) -> None:
        super().__init__(length)
        self.enum = enum

    def process_bind_param(self, value: Any, _dialect: object) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: Any, _dialect: object) -> Value | None:
        return None if value is None else self.enum(value)


def read_assigned_values(model: type) -> None:
    """Let attributes of `model` and its subclasses hold members of their enumeration at once, not only after a reload.

    After an example in SQLAlchemy's documentation of `AttributeEvents`.
    """

    @event.listens_for(model, "attribute_instrument", propagate=True)
    def listen(_class: type, _key: str, attribute: Any) -> None:
        columns = getattr(attribute.property, "columns", ())
        if columns and isinstance(columns[0].type, EnumString):
            members: dict[Any, StrEnum] = {member.value: member for member in columns[0].type.enum}
            event.listen(
                attribute,
                "set",
                lambda _row, value, *_: members.get(value, value) if isinstance(value, str) else value,
                retval=True,
            )


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """Return the constraint that `column` holds one of `values`."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
