"""Calendars: what each was sent of a party, and when a party last changed.

Guests who come, may come, or were invited got an appointment before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

dinner_party = sa.table("dinner_party", sa.column("id"), sa.column("ics_sequence"))
rsvp = sa.table("rsvp", *map(sa.column, ("party_id", "member_id", "email", "status")))
member = sa.table("ab_user", sa.column("id"), sa.column("email"))
invitation = sa.table("invitation", *map(sa.column, ("party_id", "email", "sent_at", "revoked_at", "invited_by_id")))


def upgrade() -> None:
    op.add_column("dinner_party", sa.Column("changed_at", sa.DateTime(), nullable=True))
    entry = op.create_table(
        "calendar_entry",
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("party_sequence", sa.Integer(), nullable=False),
        sa.Column("current_from", sa.Integer(), nullable=False),
        sa.Column("replied_at", sa.DateTime(), nullable=True),
        sa.Column("reply_digest", sa.String(length=64), nullable=True),
        sa.CheckConstraint("method IN ('REQUEST', 'CANCEL')", name=op.f("ck_calendar_entry_method")),
        sa.ForeignKeyConstraint(
            ["party_id"], ["dinner_party.id"], name="fk_calendar_entry_party_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("party_id", "email", name="pk_calendar_entry"),
    )
    guests = (
        sa.select(rsvp.c.party_id, sa.func.lower(sa.func.coalesce(member.c.email, rsvp.c.email)).label("email"))
        .select_from(rsvp.outerjoin(member, member.c.id == rsvp.c.member_id))
        .where(rsvp.c.status.in_(("yes", "checked_in", "maybe")))
    )
    invited = sa.select(invitation.c.party_id, sa.func.lower(invitation.c.email)).where(
        invitation.c.sent_at.is_not(None), invitation.c.revoked_at.is_(None), invitation.c.invited_by_id.is_not(None)
    )
    sent = sa.union(guests, invited).subquery()
    number = dinner_party.c.ics_sequence
    rows = sa.select(sent.c.party_id, sent.c.email, sa.literal("REQUEST"), number, number, number).join_from(
        sent, dinner_party, dinner_party.c.id == sent.c.party_id
    )
    real = sent.c.email.not_like("%@invalid")
    columns = ["party_id", "email", "method", "sequence", "party_sequence", "current_from"]
    op.execute(entry.insert().from_select(columns, rows.where(real)))


def downgrade() -> None:
    op.drop_table("calendar_entry")
    op.drop_column("dinner_party", "changed_at")
