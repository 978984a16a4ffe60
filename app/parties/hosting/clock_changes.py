"""Derive the moments of coming parties anew when the rules of time zones have changed.

A dinner is at seven o'clock in its town, also if the town decides to change its clocks otherwise than it was known when the
dinner was planned. Each party has the version of the rules by which its moments were derived. Several machines can do this at
once: each takes only what older rules than its own have derived, so the newest rules win.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, bindparam, func, select, update
from sqlalchemy.orm.exc import StaleDataError

from app import clock, zone_rules
from app.database import transaction
from app.errors import DomainError
from app.extensions import db
from app.parties import wall_clock
from app.parties.hosting import service as hosting_service
from app.parties.models import DinnerParty
from app.parties.waiting_list import seats

BATCH = 200
# A party whose start is over by the old rules may lie ahead by the new ones.
MARGIN = timedelta(days=1)
TABLE = DinnerParty.__table__
COLUMNS = (
    *(TABLE.c.id, TABLE.c.version, TABLE.c.timezone),
    *(TABLE.c[name] for names in wall_clock.TIMES for name in names),
)

logger = logging.getLogger(__name__)


def derive_anew() -> int:
    """Derive anew what lies ahead and was derived by older rules than this machine's; return how many parties moved.

    Guests and invited people of a party that moves are told. Each party has its own transaction. Safe to run again, and
    by several processes at the same time.
    """
    rules = zone_rules.version()
    seen = moved = last = 0
    while batch := _outdated(rules, after=last):
        last = batch[-1].id
        moving = [party.id for party in batch if _moves(party)]
        with transaction():
            _store_rules(rules, [party for party in batch if party.id not in moving])
        moved += sum(_derive_one(party_id, rules) for party_id in moving)
        seen += len(batch)
    if seen:
        logger.info("Time zone rules %s: %d coming parties checked, %d moved", rules, seen, moved)
    return moved


def warn_of_newer_rules() -> None:
    """Log a warning if another machine has derived coming parties by newer rules than this one has."""
    newest = db.session.execute(
        select(func.max(DinnerParty.zone_rules)).where(DinnerParty.starts_at > clock.now())
    ).scalar()
    db.session.rollback()
    if newest and newest > zone_rules.version():
        logger.warning(
            "Another machine on this database has time zone rules %s, this one only %s: it may show wrong times. "
            "Update its package tzdata",
            newest,
            zone_rules.version() or "of unknown version",
        )


def _outdated(rules: str, *, after: int) -> Sequence[Row[Any]]:
    """Return the next parties ahead that older rules have derived."""
    statement = (
        select(*COLUMNS)
        .where(TABLE.c.zone_rules < rules, TABLE.c.starts_at > clock.now() - MARGIN, TABLE.c.id > after)
        .order_by(TABLE.c.id)
        .limit(BATCH)
    )
    rows = db.session.execute(statement).all()
    # End the transaction, so that nothing is read from a snapshot older than the locks to come.
    db.session.rollback()
    return rows


def _moves(party: Row[Any]) -> bool:
    """Whether the rules in use give a party another moment than is stored, or its local time is not known yet."""
    for name, local_name, fold_name in wall_clock.TIMES:
        moment, local = getattr(party, name), getattr(party, local_name)
        if moment is None:
            continue
        try:
            is_same = local is not None and moment == wall_clock.moment_of(
                local, getattr(party, fold_name), party.timezone
            )
        except OverflowError:
            is_same = False
        if not is_same:
            return True
    return False


def _store_rules(rules: str, parties: Sequence[Row[Any]]) -> None:
    """Store that these parties agree with the rules, unless one has changed since it was read."""
    if not parties:
        return
    statement = (
        update(TABLE)
        .where(TABLE.c.id == bindparam("key"), TABLE.c.version == bindparam("read"), TABLE.c.zone_rules < rules)
        .values(zone_rules=rules)
    )
    db.session.connection().execute(statement, [{"key": party.id, "read": party.version} for party in parties])


def _derive_one(party_id: int, rules: str) -> bool:
    try:
        with transaction():
            seats.lock(party_id)
            party = db.session.get_one(DinnerParty, party_id, populate_existing=True)
            if party.zone_rules >= rules:
                return False
            before = party.starts_at
            wall_clock.derive(party)
            hosting_service.update_party(party)
            return party.starts_at != before
    except (DomainError, StaleDataError):
        # It was deleted or changed in the meantime; the next run sees it.
        return False
    except Exception:
        # An error with one party must not stop the others, nor the next run.
        logger.exception("Deriving the time of party %d anew failed", party_id)
        return False
