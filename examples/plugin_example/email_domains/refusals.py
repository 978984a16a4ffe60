"""The table of refused registrations: only their domains. The migrations make it."""

from collections.abc import Sequence

import sqlalchemy as sa

from app import clock
from app.database import UTCDateTime, transaction
from app.extensions import db

# Metadata of its own: the site's migrations and tests do not know this table.
refusal = sa.Table(
    "email_domains_refusal",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("domain", sa.String(255), nullable=False),
    sa.Column("refused_at", UTCDateTime, nullable=False),
)


def store(domain: str) -> None:
    """Store a refusal. Registration has rolled its transaction back, so this opens another one."""
    with transaction():
        db.session.execute(sa.insert(refusal).values(domain=domain[:255], refused_at=clock.now()))


def most_frequent(limit: int = 50) -> Sequence[sa.Row[tuple[str, int]]]:
    """Return the domains that were refused most often, and how often."""
    count = sa.func.count()
    counted = sa.select(refusal.c.domain, count).group_by(refusal.c.domain).order_by(count.desc(), refusal.c.domain)
    return db.session.execute(counted.limit(limit)).all()
