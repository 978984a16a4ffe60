"""The domains of refused registrations."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "email_domains_refusal",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("domain", sa.String(255), nullable=False),
        sa.Column("refused_at", sa.DateTime(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("email_domains_refusal")
