"""Pictures of members and of parties: the names of their files."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = ("ab_user", "dinner_party")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("picture", sa.Text(), nullable=True))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "picture")
