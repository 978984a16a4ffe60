"""Rows that were deleted a moment ago and can still be restored."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deleted_row",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("view", sa.String(100), nullable=False),
        sa.Column("key", sa.String(320), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deleted_row"),
        sa.UniqueConstraint("token_hash", name="uq_deleted_row_token_hash"),
    )
    op.create_index("ix_deleted_row_deleted_at", "deleted_row", ["deleted_at"])


def downgrade() -> None:
    op.drop_table("deleted_row")
