"""Suggestions for autocomplete fields."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, or_

from app.crud import object_pages
from app.extensions import db
from app.search_key import is_like

MAX_HITS = 20
MAX_QUERY_LENGTH = 100


def find(rows: Select[Any], model: type[Any], key: str, searched: Sequence[str], text: str) -> list[dict[str, str]]:
    """Return up to 20 of `rows` with `text` in one of the `searched` attributes: `value` is the key, `label` the name."""
    hits = search(rows, model, key, searched, text)
    return [{"value": str(getattr(row, key)), "label": object_pages.row_name(row)} for row in hits]


def search(rows: Select[Any], model: type[Any], key: str, searched: Sequence[str], text: str) -> list[Any]:
    """Return the rows; as above. Each word is in one of the attributes: people type first and last names."""
    statement = rows.order_by(getattr(model, key)).limit(MAX_HITS)
    for word in text.replace("\0", "").strip()[:MAX_QUERY_LENGTH].split():
        statement = statement.where(or_(*(is_like(getattr(model, name), word, "%", "%") for name in searched)))
    return list(db.session.scalars(statement).unique())
