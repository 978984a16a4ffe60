"""Compare e-mail addresses and usernames by stored keys, not by what the database takes for lower case. Remember which
session at a provider a login came from.

Rows whose keys are the same are all kept: the oldest has `duplicate` 0, later ones are counted. They are logged.
"""

import logging
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BATCH = 1000
# Unique keys: the table, the column, what else is unique with it, the index, and the one on lower() that it replaces.
KEYS = (
    ("ab_user", "username", (), "uq_ab_user_username_key", "uq_ab_user_lower_username"),
    ("ab_user", "email", (), "uq_ab_user_email_key", "uq_ab_user_lower_email"),
    ("ab_register_user", "username", (), "uq_ab_register_user_username_key", "uq_ab_register_user_lower_username"),
    ("ab_register_user", "email", (), "uq_ab_register_user_email_key", "uq_ab_register_user_lower_email"),
    ("member_invitation", "email", (), "uq_member_invitation_email_key", "uq_member_invitation_lower_email"),
    ("contact", "email", ("owner_id",), "uq_contact_owner_id_email_key", "uq_contact_owner_id_lower_email"),
    ("invitation", "email", ("party_id",), "uq_invitation_party_id_email_key", "uq_invitation_party_id_lower_email"),
    ("rsvp", "email", ("party_id",), "uq_rsvp_party_id_email_key", "uq_rsvp_party_id_lower_email"),
    ("unsubscription", "email", ("topic",), "uq_unsubscription_topic_email_key", "uq_unsubscription_lower_email_topic"),
)
TABLES = dict.fromkeys(table for table, *_rest in KEYS)
# What stores an address as its key, and what is unique with it.
STORED_BY_KEY = {"unreachable_address": (), "calendar_entry": ("party_id",)}
log = logging.getLogger("alembic.runtime.migration")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("duplicate", sa.Integer(), server_default="0", nullable=False))
    for table, column, within, index, before in KEYS:
        op.add_column(table, sa.Column(f"{column}_key", sa.String(), nullable=True))
        op.drop_index(before, table)
        _fill(table, column)
        _count_duplicates(table, column, within)
        op.create_index(index, table, [*within, f"{column}_key", "duplicate"], unique=True)
    op.add_column("letter", sa.Column("recipient_key", sa.String(), nullable=True))
    op.drop_index("ix_letter_lower_recipient_created_at", "letter")
    _fill("letter", "recipient")
    op.create_index("ix_letter_recipient_key_created_at", "letter", ["recipient_key", "created_at"])
    for table, within in STORED_BY_KEY.items():
        _store_by_key(table, within)
    op.create_table(
        "provider_session",
        sa.Column("login_id", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("sid_hash", sa.String(length=64), nullable=True),
        sa.Column("id_token", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["login_id"], ["login_session.id"], name="fk_provider_session_login_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("login_id", name="pk_provider_session"),
    )
    op.create_index("ix_provider_session_issuer_sid_hash", "provider_session", ["issuer", "sid_hash"])
    op.create_index("ix_provider_session_issuer_subject", "provider_session", ["issuer", "subject"])


def downgrade() -> None:
    op.drop_table("provider_session")
    op.drop_index("ix_letter_recipient_key_created_at", "letter")
    op.drop_column("letter", "recipient_key")
    op.execute("CREATE INDEX ix_letter_lower_recipient_created_at ON letter (lower(recipient), created_at)")
    for table, column, within, index, before in KEYS:
        columns = [*within, f"lower({column})"]
        op.drop_index(index, table)
        op.execute(
            f"CREATE UNIQUE INDEX {before} ON {table} ({', '.join(reversed(columns) if 'topic' in columns else columns)})"
        )
        op.drop_column(table, f"{column}_key")
    for table in TABLES:
        op.drop_column(table, "duplicate")


def _fill(table: str, column: str) -> None:
    """Store the keys of the addresses in a column."""
    rows = sa.table(table, sa.column("id"), sa.column(column), sa.column(f"{column}_key"))
    text = rows.c[column]
    store = rows.update().where(rows.c.id == sa.bindparam("row_id")).values({f"{column}_key": sa.bindparam("key")})
    last = 0
    while found := _rows(
        sa.select(rows.c.id, text).where(rows.c.id > last, text.is_not(None)).order_by(rows.c.id).limit(BATCH)
    ):
        op.get_bind().execute(store, [{"row_id": row_id, "key": address_key(value)} for row_id, value in found])
        last = found[-1][0]


def _count_duplicates(table: str, column: str, within: tuple[str, ...]) -> None:
    """Number the later rows with the same key."""
    key = f"{column}_key"
    rows = sa.table(table, sa.column("id"), sa.column("duplicate"), *map(sa.column, (key, *within)))
    same = [rows.c[name] for name in (*within, key)]
    place = sa.func.row_number().over(partition_by=same, order_by=rows.c.id) - 1
    numbered = sa.select(rows.c.id, place.label("place")).where(rows.c[key].is_not(None)).subquery()
    later = _rows(sa.select(numbered.c.id, numbered.c.place).where(numbered.c.place > 0).order_by(numbered.c.id))
    if not later:
        return
    store = rows.update().where(rows.c.id == sa.bindparam("row_id"), rows.c.duplicate < sa.bindparam("place"))
    values = [{"row_id": row_id, "place": place} for row_id, place in later]
    op.get_bind().execute(store.values(duplicate=sa.bindparam("place")), values)
    log.warning(
        "%s: the %s of these rows is that of an older row, spelled otherwise. All are kept. IDs: %s",
        table,
        column,
        ", ".join(str(row_id) for row_id, _place in later),
    )


def _store_by_key(table: str, within: tuple[str, ...]) -> None:
    """Replace addresses in lower case by their keys, unless another row has the key already."""
    rows = sa.table(table, *map(sa.column, ("email", *within)))
    found = _rows(sa.select(rows.c.email, *(rows.c[name] for name in within)))
    taken = set(found)
    for email, *others in found:
        new = (address_key(email), *others)
        if new not in taken:
            taken.add(new)
            is_row = [
                rows.c.email == email,
                *(rows.c[name] == value for name, value in zip(within, others, strict=True)),
            ]
            op.get_bind().execute(rows.update().where(*is_row).values(email=new[0]))


def _rows(statement: sa.Select) -> list[tuple]:
    return [tuple(row) for row in op.get_bind().execute(statement)]


# A copy of app.address_key: migrations do not change with the application.


def address_key(text: str) -> str:
    local, at, domain = text.strip().rpartition("@")
    return f"{_of_local(local)}@{_of_domain(domain)}" if at else _of_local(domain)


def _of_local(text: str) -> str:
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower().replace("ς", "σ"))


def _of_domain(text: str) -> str:
    if text.isascii():
        return text.lower().rstrip(".")
    import idna

    try:
        return idna.encode(unicodedata.normalize("NFC", text), uts46=True).decode().rstrip(".")
    except idna.IDNAError:
        return _of_local(text).rstrip(".")
