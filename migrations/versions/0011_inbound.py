"""E-mail that comes back, addresses that refuse e-mail, and when hosts hear of answers."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ab_user", sa.Column("answers_at_once", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("ab_user", sa.Column("answers_told_at", sa.DateTime(), nullable=True))
    op.create_table(
        "inbound_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("recipient", sa.String(320), nullable=False),
        sa.Column("sender", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_inbound_message"),
        sa.UniqueConstraint("digest", name="uq_inbound_message_digest"),
    )
    op.create_table(
        "unreachable_address",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("problem", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("is_reported", sa.Boolean(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(), nullable=False),
        sa.Column("last_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "problem IN ('no_mailbox', 'no_domain', 'closed', 'full', 'refused')",
            name=op.f("ck_unreachable_address_problem"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_unreachable_address"),
        sa.UniqueConstraint("email", name="uq_unreachable_address_email"),
    )
    op.create_index("ix_inbound_message_received_at", "inbound_message", ["received_at"])


def downgrade() -> None:
    op.drop_table("unreachable_address")
    op.drop_table("inbound_message")
    op.drop_column("ab_user", "answers_told_at")
    op.drop_column("ab_user", "answers_at_once")
