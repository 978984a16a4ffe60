"""Registrations remember what they were for; guests of a public party can answer by e-mail alone, and see who else
comes, where its hosts allow it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
SWITCHES = (
    *(("dinner_party", "answers_by_email"), ("dinner_party", "shows_guests")),
    *(("invitation", "asked_by_guest"), ("rsvp", "shows_name")),
)


def upgrade() -> None:
    op.add_column("ab_register_user", sa.Column("wish", JSON, nullable=True))
    for table, column in SWITCHES:
        op.add_column(table, sa.Column(column, sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    for table, column in SWITCHES:
        op.drop_column(table, column)
    op.drop_column("ab_register_user", "wish")
