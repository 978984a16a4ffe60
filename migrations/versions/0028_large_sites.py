"""Indexes for large sites: the orders and filters of lists, jobs, and words anywhere in a text (PostgreSQL, pg_trgm)."""

import logging

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_rsvp_answered_at_id": ("rsvp", ["answered_at", "id"]),
    "ix_rsvp_status_answered_at_id": ("rsvp", ["status", "answered_at", "id"]),
    "ix_dinner_party_status_starts_at_id": ("dinner_party", ["status", "starts_at", "id"]),
    "ix_invitation_email_key": ("invitation", ["email_key"]),
    "ix_calendar_entry_email": ("calendar_entry", ["email"]),
    "ix_letter_kind": ("letter", ["kind"]),
    "ix_letter_state_created_at_id": ("letter", ["state", "created_at", "id"]),
    "ix_contact_email_key": ("contact", ["email_key"]),
    "ix_party_report_created_at_id": ("party_report", ["created_at", "id"]),
    "ix_party_series_created_at_id": ("party_series", ["created_at", "id"]),
    "ix_member_invitation_created_at_id": ("member_invitation", ["created_at", "id"]),
    "ix_directory_person_created_at_id": ("directory_person", ["created_at", "id"]),
    "ix_unreachable_address_last_at_id": ("unreachable_address", ["last_at", "id"]),
    "ix_dashboard_changed_at_id": ("dashboard", ["changed_at", "id"]),
    "ix_ab_api_key_created_on_id": ("ab_api_key", ["created_on", "id"]),
    "ix_ab_user_role_role_id": ("ab_user_role", ["role_id"]),
    "ix_ab_register_user_registration_hash": ("ab_register_user", ["registration_hash"]),
    "ix_guest_message_author_id": ("guest_message", ["author_id"]),
    "ix_party_report_reporter_id": ("party_report", ["reporter_id"]),
    "ix_party_report_decided_by_id": ("party_report", ["decided_by_id"]),
}
# Of the rows that fulfil a condition, which are few.
PARTIAL = {
    "ix_dinner_party_rsvp_deadline": ("dinner_party", ["rsvp_deadline"], "rsvp_deadline IS NOT NULL"),
    "ix_dinner_party_hidden_at": ("dinner_party", ["hidden_at"], "hidden_at IS NOT NULL"),
    "ix_ab_user_created_by_fk": ("ab_user", ["created_by_fk"], "created_by_fk IS NOT NULL"),
    "ix_ab_user_changed_by_fk": ("ab_user", ["changed_by_fk"], "changed_by_fk IS NOT NULL"),
    "ix_rsvp_email_key": ("rsvp", ["email_key"], "member_id IS NULL"),
}
WORDS = {
    "dinner_party": ("title", "slug", "venue", "area", "main_dish"),
    "rsvp": ("name", "email"),
    "invitation": ("name", "email"),
    "ab_user": ("username", "first_name", "last_name", "email"),
    "letter": ("recipient", "name", "subject"),
}

logger = logging.getLogger("alembic.runtime.migration")


def upgrade() -> None:
    for name, (table, columns) in INDEXES.items():
        op.create_index(name, table, columns)
    for name, (table, columns, condition) in PARTIAL.items():
        op.create_index(name, table, columns, postgresql_where=sa.text(condition), sqlite_where=sa.text(condition))
    if op.get_bind().dialect.name == "postgresql" and has_pg_trgm():
        for table, columns in WORDS.items():
            keys = ", ".join(f'search_key({column}::text COLLATE "C") gin_trgm_ops' for column in columns)
            op.execute(f"CREATE INDEX ix_words_{table} ON {table} USING gin ({keys})")
            # Whether a word is frequent is known of the keys only once they are analysed.
            op.execute(f"ANALYZE {table}")


def has_pg_trgm() -> bool:
    """Add the extension. The owner of a database may do so where the package with PostgreSQL's own extensions is installed."""
    try:
        with op.get_bind().begin_nested():
            op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except sa.exc.DBAPIError as error:
        logger.warning("The extension pg_trgm cannot be added, so lists with many rows have no search: %s", error.orig)
        return False
    return True


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in WORDS:
            op.execute(f"DROP INDEX IF EXISTS ix_words_{table}")
    for name, (table, *_) in {**INDEXES, **PARTIAL}.items():
        op.drop_index(name, table)
