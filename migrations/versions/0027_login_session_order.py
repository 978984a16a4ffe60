"""The devices of a member are read in their order from an index, however many logins there were."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

NAME, COLUMNS = "ix_login_session_member_id_last_seen_at", ["member_id", "last_seen_at", "id"]
# What it replaces: the same with the first column only.
SHORTER = "ix_login_session_member_id"


def upgrade() -> None:
    op.create_index(NAME, "login_session", COLUMNS)
    op.drop_index(SHORTER, "login_session")


def downgrade() -> None:
    op.create_index(SHORTER, "login_session", COLUMNS[:1])
    op.drop_index(NAME, "login_session")
