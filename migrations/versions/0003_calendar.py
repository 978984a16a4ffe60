"""Dinners in calendars: their sequence, the appointments that letters carry, and feeds."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dinner_party", sa.Column("ics_sequence", sa.Integer(), server_default="0", nullable=False))
    op.add_column("letter", sa.Column("calendar", sa.Text(), nullable=True))
    op.create_table(
        "calendar_feed",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["ab_user.id"], name="fk_calendar_feed_member_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("member_id", name="pk_calendar_feed"),
        sa.UniqueConstraint("token_hash", name="uq_calendar_feed_token_hash"),
    )


def downgrade() -> None:
    op.drop_table("calendar_feed")
    op.drop_column("letter", "calendar")
    op.drop_column("dinner_party", "ics_sequence")
