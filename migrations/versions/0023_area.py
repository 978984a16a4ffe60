"""The area of a party, which everybody sees who sees the party. Parties keep who sees their address."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dinner_party", sa.Column("area", sa.String(120), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("dinner_party", "area")
