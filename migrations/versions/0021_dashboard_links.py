"""Links to dashboards, dashboards by e-mail, and the pictures of e-mails."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dashboard_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dashboard_id", sa.Integer(), nullable=False),
        sa.Column("creator_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dashboard_id"], ["dashboard.id"], name="fk_dashboard_link_dashboard_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["creator_id"], ["ab_user.id"], name="fk_dashboard_link_creator_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_dashboard_link"),
        sa.UniqueConstraint("token_hash", name="uq_dashboard_link_token_hash"),
    )
    op.create_index("ix_dashboard_link_dashboard_id", "dashboard_link", ["dashboard_id"])
    op.create_index("ix_dashboard_link_creator_id", "dashboard_link", ["creator_id"])
    op.create_table(
        "dashboard_subscription",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dashboard_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dashboard_id"], ["dashboard.id"], name="fk_dashboard_subscription_dashboard_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ab_user.id"], name="fk_dashboard_subscription_member_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_dashboard_subscription"),
        sa.UniqueConstraint("dashboard_id", "member_id", name="uq_dashboard_subscription_dashboard_id_member_id"),
    )
    op.create_index("ix_dashboard_subscription_member_id", "dashboard_subscription", ["member_id"])
    op.create_index("ix_dashboard_subscription_due_at", "dashboard_subscription", ["due_at"])
    op.create_table(
        "letter_picture",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["email_id"], ["letter.id"], name="fk_letter_picture_email_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_letter_picture"),
        sa.UniqueConstraint("email_id", "name", name="uq_letter_picture_email_id_name"),
    )


def downgrade() -> None:
    for table in ("letter_picture", "dashboard_subscription", "dashboard_link"):
        op.drop_table(table)
