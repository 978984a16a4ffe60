"""Checks of addresses that were stored twice before they were compared by keys (docs/adr/0037)."""

from collections.abc import Iterator

from sqlalchemy import select

from app.doctor import Finding, check, warning
from app.extensions import db, metadata

MAX_NAMED = 20


@check("addresses")
def addresses() -> Iterator[Finding]:
    """Find rows with the address or username of an older row, and rows without a key."""
    for table in metadata.sorted_tables:
        if "duplicate" in table.columns:
            later = select(table.c.id).where(table.c.duplicate > 0).order_by(table.c.id).limit(MAX_NAMED)
            found = [str(key) for key in db.session.scalars(later)]
            if found:
                yield warning(
                    f"{table.name}: these rows have the address or name of an older row, spelled otherwise: {', '.join(found)}",
                    "Delete or correct them. Until then, the older row is found by any spelling, these by their own only.",
                )
        for column in table.columns:
            keyed = table.columns.get(f"{column.name}_key")
            if keyed is None:
                continue
            lost = select(table.c.id).where(keyed.is_(None), column.is_not(None)).order_by(table.c.id).limit(MAX_NAMED)
            found = [str(key) for key in db.session.scalars(lost)]
            if found:
                yield warning(
                    f"{table.name}: these rows cannot be found by their {column.name}: {', '.join(found)}",
                    "An older version of the site, or another program, has stored them. Save them again.",
                )
