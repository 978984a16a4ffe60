"""Guests without an account: invitations, approval, what they bring, what is written to them; and the evening."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
STATUSES = "status IN ('yes', 'no', 'maybe', 'waitlisted', 'offered', 'cancelled', 'removed')"
MORE_STATUSES = (
    "status IN ('awaiting_approval', 'yes', 'no', 'maybe', 'waitlisted', 'offered', 'cancelled', 'removed', "
    "'checked_in', 'no_show')"
)


def _party() -> list[sa.Column]:
    return [
        sa.Column("approval", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("address_for_guests", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("map_url", sa.String(length=500), server_default="", nullable=False),
        sa.Column("share_round", sa.Integer(), server_default="0", nullable=False),
        sa.Column("hidden_at", sa.DateTime(), nullable=True),
        sa.Column("hidden_reason", sa.String(length=500), server_default="", nullable=False),
    ]


def _answer() -> list[sa.Column]:
    return [
        sa.Column("invitation_id", sa.Integer(), nullable=True),
        sa.Column("approved_at", sa.DateTime(), nullable=True),
        sa.Column("checked_in_at", sa.DateTime(), nullable=True),
    ]


def upgrade() -> None:
    op.create_table(
        "contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=130), nullable=False),
        sa.Column("invited_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["ab_user.id"], name="fk_contact_owner_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_contact"),
    )
    op.create_table(
        "dish_slot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("course", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("claimed", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "course IN ('starter', 'main', 'side', 'dessert', 'drink')", name=op.f("ck_dish_slot_course")
        ),
        sa.CheckConstraint("claimed BETWEEN 0 AND wanted", name=op.f("ck_dish_slot_claimed")),
        sa.CheckConstraint("wanted BETWEEN 1 AND 100", name=op.f("ck_dish_slot_wanted")),
        sa.ForeignKeyConstraint(["party_id"], ["dinner_party.id"], name="fk_dish_slot_party_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_dish_slot"),
    )
    op.create_index("ix_dish_slot_party_id", "dish_slot", ["party_id"], unique=False)

    op.create_table(
        "guest_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("statuses", JSON, nullable=False),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["ab_user.id"], name="fk_guest_message_author_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["party_id"], ["dinner_party.id"], name="fk_guest_message_party_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_guest_message"),
        sa.UniqueConstraint("party_id", "mark", name="uq_guest_message_party_id_mark"),
    )

    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=130), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=True),
        sa.Column("max_party", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("invited_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("sent_at", sa.DateTime(), nullable=True),
        sa.Column("opened_at", sa.DateTime(), nullable=True),
        sa.Column("reminded_at", sa.DateTime(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("max_party BETWEEN 1 AND 1000", name=op.f("ck_invitation_max_party")),
        sa.ForeignKeyConstraint(
            ["invited_by_id"], ["ab_user.id"], name="fk_invitation_invited_by_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["party_id"], ["dinner_party.id"], name="fk_invitation_party_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
        sa.UniqueConstraint("token_hash", name="uq_invitation_token_hash"),
    )
    op.create_index("ix_invitation_created_at_id", "invitation", ["created_at", "id"], unique=False)
    op.create_index("ix_invitation_invited_by_id", "invitation", ["invited_by_id"], unique=False)

    op.create_table(
        "party_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("reporter_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "reason IN ('spam', 'offensive', 'fake', 'dangerous', 'other')", name=op.f("ck_party_report_reason")
        ),
        sa.CheckConstraint("state IN ('open', 'upheld', 'dismissed')", name=op.f("ck_party_report_state")),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["ab_user.id"], name="fk_party_report_decided_by_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["party_id"], ["dinner_party.id"], name="fk_party_report_party_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["reporter_id"], ["ab_user.id"], name="fk_party_report_reporter_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_party_report"),
    )
    op.create_index("ix_party_report_party_id", "party_report", ["party_id"], unique=False)
    op.create_index("ix_party_report_state_created_at_id", "party_report", ["state", "created_at", "id"], unique=False)

    op.create_table(
        "reminder",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("hours_before", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('start', 'deadline')", name=op.f("ck_reminder_kind")),
        sa.CheckConstraint("hours_before BETWEEN 1 AND 336", name=op.f("ck_reminder_hours_before")),
        sa.ForeignKeyConstraint(["party_id"], ["dinner_party.id"], name="fk_reminder_party_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_reminder"),
        sa.UniqueConstraint("party_id", "kind", "hours_before", name="uq_reminder_party_id_kind_hours_before"),
    )
    op.create_index("ix_reminder_sent_at", "reminder", ["sent_at"], unique=False)

    op.create_table(
        "dish_claim",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.Column("rsvp_id", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("dish", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("quantity BETWEEN 1 AND 100", name=op.f("ck_dish_claim_quantity")),
        sa.ForeignKeyConstraint(["rsvp_id"], ["rsvp.id"], name="fk_dish_claim_rsvp_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["slot_id"], ["dish_slot.id"], name="fk_dish_claim_slot_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_dish_claim"),
        sa.UniqueConstraint("slot_id", "rsvp_id", name="uq_dish_claim_slot_id_rsvp_id"),
    )
    op.create_index("ix_dish_claim_rsvp_id", "dish_claim", ["rsvp_id"], unique=False)
    op.create_index("uq_contact_owner_id_lower_email", "contact", ["owner_id", sa.text("lower(email)")], unique=True)
    op.create_index(
        "uq_invitation_party_id_lower_email", "invitation", ["party_id", sa.text("lower(email)")], unique=True
    )
    op.create_table(
        "unsubscription",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("topic", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_unsubscription"),
    )
    op.create_index(
        "uq_unsubscription_lower_email_topic", "unsubscription", [sa.text("lower(email)"), "topic"], unique=True
    )
    op.add_column("letter", sa.Column("topic", sa.String(length=16), nullable=True))
    op.add_column("letter", sa.Column("reply_to", sa.String(length=320), nullable=True))
    for column in _party():
        op.add_column("dinner_party", column)

    with op.batch_alter_table("rsvp", copy_from=_rsvp(STATUSES)) as rsvp:
        for column in _answer():
            rsvp.add_column(column)
        rsvp.alter_column("status", existing_type=sa.String(length=16), type_=sa.String(length=20))
        rsvp.drop_constraint(op.f("ck_rsvp_status"), type_="check")
        rsvp.create_check_constraint(op.f("ck_rsvp_status"), MORE_STATUSES)
        rsvp.create_unique_constraint("uq_rsvp_invitation_id", ["invitation_id"])
        rsvp.create_foreign_key("fk_rsvp_invitation_id", "invitation", ["invitation_id"], ["id"], ondelete="SET NULL")
    _index_rsvp()


def downgrade() -> None:
    # What the older version does not know becomes what comes nearest: who is here comes, who asks has not answered.
    op.execute("UPDATE rsvp SET status = 'yes' WHERE status = 'checked_in'")
    op.execute("UPDATE rsvp SET status = 'cancelled' WHERE status = 'no_show'")
    op.execute("DELETE FROM rsvp WHERE status = 'awaiting_approval'")
    known = (
        *_answer(),
        sa.UniqueConstraint("invitation_id", name="uq_rsvp_invitation_id"),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitation.id"], name="fk_rsvp_invitation_id", ondelete="SET NULL"
        ),
    )
    with op.batch_alter_table("rsvp", copy_from=_rsvp(MORE_STATUSES, *known)) as rsvp:
        rsvp.drop_constraint("fk_rsvp_invitation_id", type_="foreignkey")
        rsvp.drop_constraint("uq_rsvp_invitation_id", type_="unique")
        rsvp.drop_constraint(op.f("ck_rsvp_status"), type_="check")
        rsvp.create_check_constraint(op.f("ck_rsvp_status"), STATUSES)
        rsvp.alter_column("status", existing_type=sa.String(length=20), type_=sa.String(length=16))
        for column in _answer():
            rsvp.drop_column(column.name)
    _index_rsvp()
    for column in reversed(_party()):
        op.drop_column("dinner_party", column.name)
    op.drop_column("letter", "reply_to")
    op.drop_column("letter", "topic")
    for table in ("unsubscription", "dish_claim", "reminder", "party_report", "invitation", "guest_message"):
        op.drop_table(table)
    op.drop_table("dish_slot")
    op.drop_table("contact")


def _rsvp(statuses: str, *more: sa.Column | sa.CheckConstraint | sa.UniqueConstraint) -> sa.Table:
    """Return the answers as they are without their indexes: SQLite makes the table anew from this."""
    length = 20 if statuses == MORE_STATUSES else 16
    return sa.Table(
        "rsvp",
        sa.MetaData(),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=130), nullable=False),
        sa.Column("party_size", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=length), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=True),
        sa.Column("answered_at", sa.DateTime(), nullable=False),
        sa.Column("waitlisted_at", sa.DateTime(), nullable=True),
        sa.Column("min_party", sa.Integer(), server_default="1", nullable=False),
        sa.Column("resting", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.CheckConstraint(statuses, name=op.f("ck_rsvp_status")),
        sa.CheckConstraint("party_size BETWEEN 1 AND 1000", name=op.f("ck_rsvp_party_size")),
        sa.CheckConstraint("min_party BETWEEN 1 AND party_size", name=op.f("ck_rsvp_min_party")),
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
