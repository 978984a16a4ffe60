"""Suggestions for autocomplete fields."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, or_

from app.crud.filters import ESCAPE
from app.extensions import db

MAX_HITS = 20
MAX_QUERY_LENGTH = 100


def find(rows: Select[Any], model: type[Any], key: str, searched: Sequence[str], text: str) -> list[dict[str, str]]:
    """Return up to 20 of `rows` with `text` in one of the `searched` attributes: `value` is the key, `label` the row."""
    wanted = text.replace("\0", "").strip()[:MAX_QUERY_LENGTH]
    escaped = "".join(ESCAPE + c if c in {"%", "_", ESCAPE} else c for c in wanted)
    statement = rows.order_by(getattr(model, key)).limit(MAX_HITS)
    if wanted:
        matches = [getattr(model, name).ilike(f"%{escaped}%", escape=ESCAPE) for name in searched]
        statement = statement.where(or_(*matches))
    hits = db.session.scalars(statement).unique()
    return [{"value": str(getattr(row, key)), "label": str(row)} for row in hits]
