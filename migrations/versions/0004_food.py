"""What is on the table, who comes and does not eat it, and who hosts, too."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
COURSES = "course IN ('starter', 'main', 'side', 'dessert', 'drink')"


def upgrade() -> None:
    op.create_table(
        "menu_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("course", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("allergens", JSON, nullable=False),
        sa.Column("diets", JSON, nullable=False),
        sa.CheckConstraint(COURSES, name=op.f("ck_menu_item_course")),
        sa.ForeignKeyConstraint(["party_id"], ["dinner_party.id"], name="fk_menu_item_party_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_menu_item"),
    )
    op.create_index("ix_menu_item_party_id", "menu_item", ["party_id"], unique=False)
    op.create_table(
        "rsvp_person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rsvp_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=130), nullable=False),
        sa.Column("diets", JSON, nullable=False),
        sa.Column("allergens", JSON, nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["rsvp_id"], ["rsvp.id"], name="fk_rsvp_person_rsvp_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_rsvp_person"),
        sa.UniqueConstraint("rsvp_id", "position", name="uq_rsvp_person_rsvp_id_position"),
    )
    op.create_table(
        "co_host",
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["dinner_party.id"], name="fk_co_host_party_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["member_id"], ["ab_user.id"], name="fk_co_host_member_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("party_id", "member_id", name="pk_co_host"),
    )
    op.create_index("ix_co_host_member_id", "co_host", ["member_id"], unique=False)


def downgrade() -> None:
    op.drop_table("co_host")
    op.drop_table("rsvp_person")
    op.drop_table("menu_item")
