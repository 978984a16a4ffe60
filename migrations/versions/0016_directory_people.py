"""People of the LDAP directory by their unique ids."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "directory_person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unique_id", sa.String(length=200), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("contested_id", sa.Integer(), nullable=True),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=130), server_default="", nullable=False),
        sa.Column("dn", sa.String(length=1000), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("checked_at", sa.DateTime(), nullable=True),
        sa.Column("lost_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ab_user.id"], name=op.f("fk_directory_person_member_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["contested_id"], ["ab_user.id"], name=op.f("fk_directory_person_contested_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_person")),
        sa.UniqueConstraint("unique_id", name=op.f("uq_directory_person_unique_id")),
        sa.UniqueConstraint("member_id", name=op.f("uq_directory_person_member_id")),
    )
    op.create_index("ix_directory_person_contested_id", "directory_person", ["contested_id"])
    op.create_index("ix_directory_person_checked_at", "directory_person", ["checked_at"])


def downgrade() -> None:
    op.drop_table("directory_person")
