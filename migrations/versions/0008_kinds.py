"""Kinds of e-mails get the names that their subjects have everywhere else.

The audit log keeps its old names: nobody may change its entries.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KINDS = {
    "account_made": "account_created",
    "approval_asked": "approval_requested",
    "erased": "account_deleted",
    "erasing_asked": "account_deletion_requested",
    "food_clash": "dietary_conflict",
}

letter = sa.table("letter", sa.column("kind"), sa.column("dedupe_key"))


def _rename_kind(old: str, new: str) -> None:
    """Rename a kind of e-mail. Its key starts with the kind, and an e-mail with a known key is not queued again."""
    key = sa.literal(f"{new}:") + sa.func.substr(letter.c.dedupe_key, len(old) + 2)
    has_key = letter.c.dedupe_key.startswith(f"{old}:", autoescape=True)
    op.execute(sa.update(letter).where(letter.c.kind == old, has_key).values(dedupe_key=key))
    op.execute(sa.update(letter).where(letter.c.kind == old).values(kind=new))


def upgrade() -> None:
    for old, new in KINDS.items():
        _rename_kind(old, new)


def downgrade() -> None:
    for old, new in KINDS.items():
        _rename_kind(new, old)
