"""Reads committed rows, independent of the sessions that wrote them."""

from typing import Any, TypeVar

from flask import Flask
from sqlalchemy import Select, func, inspect, select

from app.extensions import db, metadata

Row = TypeVar("Row")


class DatabaseReader:
    """Reads of `app`'s database; what is returned is detached, with its columns loaded."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def all(self, wanted: type[Row] | Select[Row]) -> list[Row]:
        """Return all rows of a model, or of a select of one thing, in the order of their keys unless it has its own."""
        statement = wanted if isinstance(wanted, Select) else select(wanted).order_by(inspect(wanted).primary_key[0])
        with self.app.app_context():
            return list(db.session.scalars(statement))

    def one(self, wanted: type[Row] | Select[Row]) -> Row:
        """Return the only row; raises ValueError when there is none, or another one."""
        (row,) = self.all(wanted)
        return row

    def count(self, model: type[object]) -> int:
        """Return the number of rows of a model."""
        with self.app.app_context():
            return db.session.execute(select(func.count()).select_from(model)).scalar_one()

    def fresh(self, instance: Row) -> Row:
        """Return `instance` as the database knows it now; raises LookupError when it is gone."""
        with self.app.app_context():
            found = db.session.get(type(instance), inspect(instance).identity)
        if found is None:
            msg = f"{instance!r} is gone"
            raise LookupError(msg)
        return found

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of every table: equal before and after means that nothing was written."""
        with self.app.app_context():
            return {
                table.name: sorted((tuple(row) for row in db.session.execute(select(table))), key=repr)
                for table in metadata.sorted_tables
            }
