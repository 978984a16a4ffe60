"""Series of parties."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "party_series",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=True),
        sa.Column("frequency", sa.String(length=16), nullable=False),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "frequency IN ('weekly', 'monthly', 'monthly_last')", name=op.f("ck_party_series_frequency")
        ),
        sa.CheckConstraint("every BETWEEN 1 AND 12", name=op.f("ck_party_series_every")),
        sa.ForeignKeyConstraint(["host_id"], ["ab_user.id"], name=op.f("fk_party_series_host_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party_series")),
    )
    op.create_index("ix_party_series_host_id", "party_series", ["host_id"])
    # Inline, because SQLite cannot add a constraint to a table.
    series = sa.ForeignKey("party_series.id", name=op.f("fk_dinner_party_series_id"))
    op.add_column("dinner_party", sa.Column("series_id", sa.Integer(), series, nullable=True), inline_references=True)
    op.create_index("ix_dinner_party_series_id", "dinner_party", ["series_id"])


def downgrade() -> None:
    op.drop_index("ix_dinner_party_series_id", "dinner_party")
    op.drop_column("dinner_party", "series_id")
    op.drop_table("party_series")
