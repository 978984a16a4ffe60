"""Dashboards: what they show, whom they are shared with, and what they were before."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dashboard",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(80), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("category", sa.String(60), nullable=False),
        sa.Column("description", sa.String(500), nullable=False),
        sa.Column("layout", sa.String(16), nullable=False),
        sa.Column("is_global", sa.Boolean(), nullable=False),
        sa.Column("configuration", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("layout IN ('grid', 'freeform')", name=op.f("ck_dashboard_layout")),
        sa.ForeignKeyConstraint(["owner_id"], ["ab_user.id"], name="fk_dashboard_owner_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_dashboard"),
        sa.UniqueConstraint("slug", name="uq_dashboard_slug"),
    )
    op.create_index("ix_dashboard_owner_id", "dashboard", ["owner_id"])
    op.create_index("ix_dashboard_is_global_category_name_id", "dashboard", ["is_global", "category", "name", "id"])
    op.create_table(
        "dashboard_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dashboard_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("role IN ('editor', 'viewer')", name=op.f("ck_dashboard_member_role")),
        sa.ForeignKeyConstraint(
            ["dashboard_id"], ["dashboard.id"], name="fk_dashboard_member_dashboard_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ab_user.id"], name="fk_dashboard_member_member_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_dashboard_member"),
        sa.UniqueConstraint("dashboard_id", "member_id", name="uq_dashboard_member_dashboard_id_member_id"),
    )
    op.create_index("ix_dashboard_member_member_id", "dashboard_member", ["member_id"])
    op.create_table(
        "dashboard_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dashboard_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("category", sa.String(60), nullable=False),
        sa.Column("description", sa.String(500), nullable=False),
        sa.Column("configuration", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["ab_user.id"], name="fk_dashboard_version_author_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["dashboard_id"], ["dashboard.id"], name="fk_dashboard_version_dashboard_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_dashboard_version"),
        sa.UniqueConstraint("dashboard_id", "number", name="uq_dashboard_version_dashboard_id_number"),
    )
    op.create_index("ix_dashboard_version_author_id", "dashboard_version", ["author_id"])


def downgrade() -> None:
    op.drop_table("dashboard_version")
    op.drop_table("dashboard_member")
    op.drop_table("dashboard")
