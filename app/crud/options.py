"""Suggestions for autocomplete fields."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, or_

from app.extensions import db
from app.search_key import is_like

MAX_HITS = 20
MAX_QUERY_LENGTH = 100


def find(rows: Select[Any], model: type[Any], key: str, searched: Sequence[str], text: str) -> list[dict[str, str]]:
    """Return up to 20 of `rows` with `text` in one of the `searched` attributes: `value` is the key, `label` the row."""
    wanted = text.replace("\0", "").strip()[:MAX_QUERY_LENGTH]
    statement = rows.order_by(getattr(model, key)).limit(MAX_HITS)
    if wanted:
        matches = [is_like(getattr(model, name), wanted, "%", "%") for name in searched]
        statement = statement.where(or_(*matches))
    hits = db.session.scalars(statement).unique()
    return [{"value": str(getattr(row, key)), "label": str(row)} for row in hits]
