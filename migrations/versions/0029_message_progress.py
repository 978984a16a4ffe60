"""Messages to many guests are written in batches: which guests are still to be written to, and how they can reply."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

INDEX = "ix_guest_message_id_unwritten"
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("guest_message", sa.Column("is_written", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("guest_message", sa.Column("unwritten", JSON, server_default="[]", nullable=False))
    op.add_column("guest_message", sa.Column("with_address", sa.Boolean(), server_default=sa.false(), nullable=False))
    unwritten = {"sqlite_where": sa.text("NOT is_written"), "postgresql_where": sa.text("NOT is_written")}
    op.create_index(INDEX, "guest_message", ["id"], **unwritten)


def downgrade() -> None:
    op.drop_index(INDEX, "guest_message")
    with op.batch_alter_table("guest_message") as table:
        for column in ("is_written", "unwritten", "with_address"):
            table.drop_column(column)
