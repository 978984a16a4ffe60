"""Questions to the database that charts may show: declared beside each feature, in its file `named_queries`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.charts.model import Column, Table


@dataclass(frozen=True)
class Parameter:
    """What a query may be asked with. `read` makes a value of what was typed, or raises ValueError."""

    name: str
    title: Any
    default: Any
    read: Callable[[str], Any]


@dataclass(frozen=True)
class NamedQuery:
    """A question with a name. `read` gets the parameters by name, and may read what the reader may see only.

    `permission` is a pair of Flask-AppBuilder's (permission, view); None if every member may ask.
    """

    name: str
    title: Any
    columns: tuple[Column, ...]
    read: Callable[..., Table]
    permission: tuple[str, str] | None
    parameters: tuple[Parameter, ...] = ()


QUERIES: dict[str, NamedQuery] = {}


def declare(query: NamedQuery) -> NamedQuery:
    """Add a query. Raises ValueError if there is one of this name."""
    if query.name in QUERIES:
        raise ValueError(f"There is a query {query.name!r} already.")
    QUERIES[query.name] = query
    return query
