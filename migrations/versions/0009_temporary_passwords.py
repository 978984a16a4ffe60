"""Passwords that an administrator has set: their owners choose another one at the next login."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("password_is_temporary", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("ab_user", column)


def downgrade() -> None:
    op.drop_column("ab_user", "password_is_temporary")
