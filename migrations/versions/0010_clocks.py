"""Parties keep the local time of their start and answer deadline; members choose a 12- or 24-hour clock.

The local times are those that hosts have typed: the stored moments, read by the rules that they were derived with. Those are
the rules that `zoneinfo` finds by itself, first in the files of the operating system: this is what versions before this one
used. A party of the past may have been derived with older rules yet; nobody knows them any more.

`zone_rules` stays empty, which is older than any version: `flask setup` then derives the moments of coming parties anew.
"""

import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BATCH = 500
TIMES = ("starts_at", "rsvp_deadline")
PARTIES = sa.table(
    "dinner_party",
    sa.column("id", sa.Integer),
    sa.column("timezone", sa.String),
    *(sa.column(name, sa.DateTime) for name in TIMES),
    *(sa.column(f"{name}_local", sa.DateTime) for name in TIMES),
    *(sa.column(f"{name}_fold", sa.SmallInteger) for name in TIMES),
)


def upgrade() -> None:
    for name in TIMES:
        op.add_column("dinner_party", sa.Column(f"{name}_local", sa.DateTime(), nullable=True))
        op.add_column("dinner_party", sa.Column(f"{name}_fold", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("dinner_party", sa.Column("zone_rules", sa.String(length=16), server_default="", nullable=False))
    op.add_column("ab_user", sa.Column("hour_cycle", sa.String(length=3), nullable=True))
    with _rules_of_the_system():
        _store_local_times(op.get_bind())
    # Guests without an account have never been asked for their time zone: this was the site's default.
    op.execute("UPDATE rsvp SET timezone = NULL WHERE member_id IS NULL")


def downgrade() -> None:
    op.drop_column("ab_user", "hour_cycle")
    op.drop_column("dinner_party", "zone_rules")
    for name in TIMES:
        op.drop_column("dinner_party", f"{name}_fold")
        op.drop_column("dinner_party", f"{name}_local")


def _store_local_times(connection: sa.Connection) -> None:
    columns = PARTIES.c
    store = (
        sa.update(PARTIES)
        .where(columns.id == sa.bindparam("key"))
        .values({f"{name}_{part}": sa.bindparam(f"{name}_{part}_") for name in TIMES for part in ("local", "fold")})
    )
    last = 0
    while rows := connection.execute(
        sa.select(columns.id, columns.timezone, *(columns[name] for name in TIMES))
        .where(columns.id > last)
        .order_by(columns.id)
        .limit(BATCH)
    ).all():
        connection.execute(store, [_values(row) for row in rows])
        last = rows[-1].id


def _values(row: sa.Row) -> dict[str, object]:
    values: dict[str, object] = {"key": row.id}
    for name in TIMES:
        moment: datetime | None = getattr(row, name)
        there = moment and moment.replace(tzinfo=UTC).astimezone(_zone(row.timezone))
        values[f"{name}_local_"] = there and there.replace(tzinfo=None, fold=0)
        values[f"{name}_fold_"] = there.fold if there else 0
    return values


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo.no_cache(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo.no_cache("UTC")


@contextmanager
def _rules_of_the_system() -> Iterator[None]:
    """Search zones where versions before this one have searched them, whatever this one uses."""
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath()
    try:
        yield
    finally:
        zoneinfo.reset_tzpath(before)
