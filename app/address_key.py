"""The key by which e-mail addresses and usernames are compared. It is stored, because databases fold case differently.

Of a username and of what precedes the @: composed (NFC), in lower case, and the last sigma of a word is like any other. Not
case-folded: ß and ss are two mailboxes. Of a domain: as in the DNS (IDNA 2008), without a dot at its end.
Why: docs/adr/0037-compare-addresses-by-a-stored-key.md
"""

import unicodedata
from typing import Any

from sqlalchemy import String, event
from sqlalchemy.orm import MappedColumn, mapped_column

# Columns with keys, and those that they are of.
KEYS = {f"{column}_key": column for column in ("email", "recipient", "username")}


def address_key(text: str) -> str:
    """Return the key of an e-mail address or a username."""
    local, at, domain = text.strip().rpartition("@")
    return f"{_of_local(local)}@{_of_domain(domain)}" if at else _of_local(domain)


def _of_local(text: str) -> str:
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower().replace("ς", "σ"))


def _of_domain(text: str) -> str:
    if text.isascii():
        return text.lower().rstrip(".")
    import idna

    try:
        return idna.encode(unicodedata.normalize("NFC", text), uts46=True).decode().rstrip(".")
    except idna.IDNAError:
        return _of_local(text).rstrip(".")


# -- columns


def key_column(of: str) -> MappedColumn[str]:
    """Return the column for the key of another column. `keep_keys` sets it, and this default in an INSERT without objects.

    It is nullable for rows of an older version of the site that runs beside this one.
    """

    def of_row(context: Any) -> str | None:
        # Not isolated by SQLAlchemy, which fails on an INSERT of several rows of a class.
        parameters = context.get_current_parameters(isolate_multiinsert_groups=False)
        name = context.current_column.key.replace(f"{of}_key", of)
        value = parameters.get(name) or parameters.get(f"{of}_m0")
        return value and address_key(value)

    return mapped_column(String, default=of_row, nullable=True)


def duplicate_column() -> MappedColumn[int]:
    """Return the column that is 0, or else counts rows that had the same key before keys were unique."""
    return mapped_column(default=0, server_default="0")


def keep_keys(model: type[Any], *columns: str) -> None:
    """Let the key of each column follow its value. An UPDATE without objects has to set both."""
    for column in columns:
        _keep_key(model, column)


def _keep_key(model: type[Any], column: str) -> None:
    @event.listens_for(getattr(model, column), "set", propagate=True)
    def follow(row: Any, value: str | None, before: object, _initiator: object) -> None:
        if value == before and getattr(row, f"{column}_key") is not None:
            return
        setattr(row, f"{column}_key", value and address_key(value))
        if hasattr(model, "duplicate"):
            row.duplicate = 0
