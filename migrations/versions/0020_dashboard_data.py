"""Data of dashboards: uploaded files, answers of other hosts, and what was counted in months that are over."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

PROBLEMS = "'not_listed', 'no_address', 'private', 'unreachable', 'certificate', 'slow', 'status', 'large', 'no_json'"


def upgrade() -> None:
    op.create_table(
        "dashboard_upload",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("dashboard_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dashboard_id"], ["dashboard.id"], name="fk_dashboard_upload_dashboard_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_dashboard_upload"),
        sa.UniqueConstraint("key", name="uq_dashboard_upload_key"),
    )
    op.create_index("ix_dashboard_upload_dashboard_id", "dashboard_upload", ["dashboard_id"])
    op.create_table(
        "dashboard_remote",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dashboard_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=True),
        sa.Column("problem", sa.String(16), nullable=True),
        sa.Column("fetched_at", sa.DateTime(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.CheckConstraint(f"problem IN ({PROBLEMS})", name=op.f("ck_dashboard_remote_problem")),
        sa.ForeignKeyConstraint(
            ["dashboard_id"], ["dashboard.id"], name="fk_dashboard_remote_dashboard_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_dashboard_remote"),
        sa.UniqueConstraint("dashboard_id", "url", name="uq_dashboard_remote_dashboard_id_url"),
    )
    op.create_index("ix_dashboard_remote_url", "dashboard_remote", ["url"])
    op.create_index("ix_dashboard_remote_asked_at", "dashboard_remote", ["asked_at"])
    op.create_table(
        "query_period",
        sa.Column("query", sa.String(80), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("row", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("counted_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("query", "period", name="pk_query_period"),
    )
    op.create_index("ix_ab_user_joined_at", "ab_user", ["joined_at"])


def downgrade() -> None:
    op.drop_index("ix_ab_user_joined_at", "ab_user")
    op.drop_table("query_period")
    op.drop_table("dashboard_remote")
    op.drop_table("dashboard_upload")
