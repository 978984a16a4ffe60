"""The waiting list of groups: sizes, offers that hold seats for a while, and what happened in line."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATUSES = "status IN ('yes', 'no', 'maybe', 'waitlisted', 'cancelled', 'removed')"
STATUSES_WITH_OFFERED = "status IN ('yes', 'no', 'maybe', 'waitlisted', 'offered', 'cancelled', 'removed')"
GROUP = "min_party BETWEEN 1 AND party_size"


def upgrade() -> None:
    # Written into the column: SQLite would have to make the table anew for it, and empty what refers to it.
    most = sa.CheckConstraint("max_party BETWEEN 1 AND 1000", name=op.f("ck_dinner_party_max_party"))
    op.add_column("dinner_party", sa.Column("max_party", sa.Integer(), most, server_default="4", nullable=False))

    with op.batch_alter_table("rsvp", copy_from=_rsvp(STATUSES)) as rsvp:
        rsvp.add_column(sa.Column("min_party", sa.Integer(), server_default="1", nullable=False))
        rsvp.add_column(sa.Column("resting", sa.Boolean(), server_default=sa.false(), nullable=False))
        rsvp.drop_constraint(op.f("ck_rsvp_status"), type_="check")
        rsvp.create_check_constraint(op.f("ck_rsvp_status"), STATUSES_WITH_OFFERED)
        rsvp.create_check_constraint(op.f("ck_rsvp_min_party"), GROUP)
    _index_rsvp()
    op.execute("UPDATE rsvp SET min_party = party_size")

    op.create_table(
        "wait_offer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("rsvp_id", sa.Integer(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.CheckConstraint("seats BETWEEN 1 AND 1000", name=op.f("ck_wait_offer_seats")),
        sa.CheckConstraint(
            "state IN ('pending', 'claimed', 'declined', 'expired', 'revoked')", name=op.f("ck_wait_offer_state")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["dinner_party.id"], name="fk_wait_offer_party_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["rsvp_id"], ["rsvp.id"], name="fk_wait_offer_rsvp_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_wait_offer"),
    )
    op.create_index("ix_wait_offer_created_at_id", "wait_offer", ["created_at", "id"], unique=False)
    op.create_index("ix_wait_offer_party_id_state", "wait_offer", ["party_id", "state"], unique=False)
    op.create_index("ix_wait_offer_rsvp_id", "wait_offer", ["rsvp_id"], unique=False)
    op.create_index("ix_wait_offer_state_expires_at_id", "wait_offer", ["state", "expires_at", "id"], unique=False)
    op.create_index(
        "uq_wait_offer_rsvp_id_pending",
        "wait_offer",
        ["rsvp_id"],
        unique=True,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )

    op.create_table(
        "line_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("rsvp_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("seats", sa.Integer(), nullable=True),
        sa.Column("least", sa.Integer(), nullable=True),
        sa.Column("until", sa.DateTime(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('joined', 'changed', 'left', 'removed', 'seated', 'freed', 'offered', 'skipped', 'claimed', "
            "'declined', 'expired', 'revoked')",
            name=op.f("ck_line_event_kind"),
        ),
        sa.ForeignKeyConstraint(["party_id"], ["dinner_party.id"], name="fk_line_event_party_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["rsvp_id"], ["rsvp.id"], name="fk_line_event_rsvp_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_line_event"),
    )
    op.create_index("ix_line_event_party_id_id", "line_event", ["party_id", "id"], unique=False)
    op.create_index("ix_line_event_rsvp_id", "line_event", ["rsvp_id"], unique=False)


def downgrade() -> None:
    # Seats that are held for somebody become free, and they wait again.
    op.execute(
        "UPDATE dinner_party SET seats_taken = seats_taken - (SELECT coalesce(sum(seats), 0) FROM wait_offer "
        "WHERE wait_offer.party_id = dinner_party.id AND state = 'pending') "
        "WHERE id IN (SELECT party_id FROM wait_offer WHERE state = 'pending')"
    )
    op.execute("UPDATE rsvp SET status = 'waitlisted' WHERE status = 'offered'")
    op.drop_table("line_event")
    op.drop_table("wait_offer")
    more = (
        sa.Column("min_party", sa.Integer(), nullable=False),
        sa.Column("resting", sa.Boolean(), nullable=False),
        sa.CheckConstraint(GROUP, name=op.f("ck_rsvp_min_party")),
    )
    with op.batch_alter_table("rsvp", copy_from=_rsvp(STATUSES_WITH_OFFERED, *more)) as rsvp:
        rsvp.drop_constraint(op.f("ck_rsvp_min_party"), type_="check")
        rsvp.drop_constraint(op.f("ck_rsvp_status"), type_="check")
        rsvp.create_check_constraint(op.f("ck_rsvp_status"), STATUSES)
        rsvp.drop_column("resting")
        rsvp.drop_column("min_party")
    _index_rsvp()
    op.drop_column("dinner_party", "max_party")


def _rsvp(statuses: str, *more: sa.Column | sa.CheckConstraint) -> sa.Table:
    """Return the answers as they are without their indexes: SQLite makes the table anew from this."""
    return sa.Table(
        "rsvp",
        sa.MetaData(),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=130), nullable=False),
        sa.Column("party_size", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=True),
        sa.Column("answered_at", sa.DateTime(), nullable=False),
        sa.Column("waitlisted_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint(statuses, name=op.f("ck_rsvp_status")),
        sa.CheckConstraint("party_size BETWEEN 1 AND 1000", name=op.f("ck_rsvp_party_size")),
        sa.ForeignKeyConstraint(["member_id"], ["ab_user.id"], name="fk_rsvp_member_id"),
        sa.ForeignKeyConstraint(["party_id"], ["dinner_party.id"], name="fk_rsvp_party_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_rsvp"),
        *more,
    )


def _index_rsvp() -> None:
    """Index the table that SQLite made anew; elsewhere the indexes are still there."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.create_index("ix_rsvp_member_id", "rsvp", ["member_id"], unique=False)
    op.create_index(
        "ix_rsvp_party_id_status_waitlisted_at_id", "rsvp", ["party_id", "status", "waitlisted_at", "id"], unique=False
    )
    op.create_index("uq_rsvp_party_id_lower_email", "rsvp", ["party_id", sa.text("lower(email)")], unique=True)
