"""What the tables of parties have in common."""

from collections.abc import Iterable

from sqlalchemy import CheckConstraint

MOST_SEATS = 1000
# The end of an address that stands where somebody's was who is forgotten: RFC 2606 lets no mail go there.
NOWHERE = "@invalid"


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """Return the constraint that `column` holds one of `values`."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
