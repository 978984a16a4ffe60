"""Accounts: tokens, devices, lockouts, second factors, identities elsewhere, invitations, bans, the audit log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
# The log is only ever written to. What is older than a year may be thrown away.
REFUSALS = {
    "sqlite": (
        (
            "CREATE TRIGGER audit_event_refuse_update BEFORE UPDATE ON audit_event "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        ),
        (
            "CREATE TRIGGER audit_event_refuse_delete BEFORE DELETE ON audit_event "
            "WHEN OLD.at > datetime('now', '-365 days') "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE OR REPLACE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
        ),
        (
            "CREATE TRIGGER audit_event_refuse_update BEFORE UPDATE ON audit_event "
            "FOR EACH ROW EXECUTE FUNCTION audit_event_refuse()"
        ),
        (
            "CREATE TRIGGER audit_event_refuse_delete BEFORE DELETE ON audit_event "
            "FOR EACH ROW WHEN (OLD.at > (now() AT TIME ZONE 'UTC') - interval '365 days') "
            "EXECUTE FUNCTION audit_event_refuse()"
        ),
    ),
}


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(length=130), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject_type", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("before", JSON, nullable=False),
        sa.Column("after", JSON, nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_event"),
    )
    op.create_index("ix_audit_event_action", "audit_event", ["action"], unique=False)
    op.create_index("ix_audit_event_actor", "audit_event", ["actor"], unique=False)
    op.create_index("ix_audit_event_actor_id", "audit_event", ["actor_id"], unique=False)
    op.create_index("ix_audit_event_address", "audit_event", ["address"], unique=False)
    op.create_index("ix_audit_event_at_id", "audit_event", ["at", "id"], unique=False)
    op.create_index("ix_audit_event_subject", "audit_event", ["subject"], unique=False)
    op.create_index(
        "ix_audit_event_subject_type_subject_id", "audit_event", ["subject_type", "subject_id"], unique=False
    )

    op.create_table(
        "login_guard",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failed_at", sa.DateTime(), nullable=False),
        sa.Column("locked_until", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_login_guard"),
    )
    op.create_index("ix_login_guard_last_failed_at", "login_guard", ["last_failed_at"], unique=False)

    op.create_table(
        "device",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["ab_user.id"], name="fk_device_member_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_device"),
        sa.UniqueConstraint("member_id", "token_hash", name="uq_device_member_id_token_hash"),
    )
    op.create_index("ix_device_last_seen_at", "device", ["last_seen_at"], unique=False)

    op.create_table(
        "external_identity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ab_user.id"], name="fk_external_identity_member_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_external_identity"),
        sa.UniqueConstraint("issuer", "subject", name="uq_external_identity_issuer_subject"),
    )
    op.create_index("ix_external_identity_member_id", "external_identity", ["member_id"], unique=False)

    op.create_table(
        "member_invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("invited_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("sent_count", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["invited_by_id"], ["ab_user.id"], name="fk_member_invitation_invited_by_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_member_invitation"),
        sa.UniqueConstraint("token_hash", name="uq_member_invitation_token_hash"),
    )
    op.create_index("ix_member_invitation_expires_at", "member_invitation", ["expires_at"], unique=False)
    op.create_index("ix_member_invitation_invited_by_id", "member_invitation", ["invited_by_id"], unique=False)

    op.create_table(
        "passkey",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("credential_id", sa.String(length=1364), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", sa.String(length=100), nullable=False),
        sa.Column("backed_up", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["ab_user.id"], name="fk_passkey_member_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_passkey"),
        sa.UniqueConstraint("credential_id", name="uq_passkey_credential_id"),
    )
    op.create_index("ix_passkey_member_id", "passkey", ["member_id"], unique=False)

    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["ab_user.id"], name="fk_recovery_code_member_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_code"),
    )
    op.create_index("ix_recovery_code_member_id", "recovery_code", ["member_id"], unique=False)

    op.create_table(
        "token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("data", JSON, server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["ab_user.id"], name="fk_token_member_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_token"),
        sa.UniqueConstraint("token_hash", name="uq_token_token_hash"),
    )
    op.create_index("ix_token_expires_at", "token", ["expires_at"], unique=False)
    op.create_index("ix_token_member_id_purpose", "token", ["member_id", "purpose"], unique=False)

    op.create_table(
        "totp",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("secret", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["ab_user.id"], name="fk_totp_member_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("member_id", name="pk_totp"),
    )
    op.add_column("ab_register_user", sa.Column("terms_accepted_at", sa.DateTime(), nullable=True))
    op.add_column("ab_register_user", sa.Column("identity_issuer", sa.String(length=255), nullable=True))
    op.add_column("ab_register_user", sa.Column("identity_subject", sa.String(length=255), nullable=True))

    op.add_column(
        "ab_role", sa.Column("second_factor_required", sa.Boolean(), server_default=sa.false(), nullable=False)
    )

    op.add_column("ab_user", sa.Column("session_stamp", sa.String(length=32), server_default="", nullable=False))
    op.add_column("ab_user", sa.Column("password_changed_at", sa.DateTime(), nullable=True))
    op.add_column("ab_user", sa.Column("terms_accepted_at", sa.DateTime(), nullable=True))
    op.add_column("ab_user", sa.Column("banned_at", sa.DateTime(), nullable=True))
    op.add_column("ab_user", sa.Column("ban_reason", sa.String(length=500), server_default="", nullable=False))
    op.add_column("ab_user", sa.Column("erase_at", sa.DateTime(), nullable=True))
    op.add_column("ab_user", sa.Column("erased_at", sa.DateTime(), nullable=True))
    op.add_column("ab_user", sa.Column("diets", JSON, server_default="[]", nullable=False))
    op.add_column("ab_user", sa.Column("allergens", JSON, server_default="[]", nullable=False))
    op.create_index("ix_ab_user_erase_at", "ab_user", ["erase_at"], unique=False)

    op.add_column("login_session", sa.Column("authenticated_at", sa.DateTime(), nullable=True))
    op.add_column("login_session", sa.Column("staff", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("login_session", sa.Column("duty", sa.String(length=20), nullable=True))
    op.add_column("login_session", sa.Column("ended_at", sa.DateTime(), nullable=True))
    op.add_column("login_session", sa.Column("end_cause", sa.String(length=20), server_default="", nullable=False))
    op.add_column("login_session", sa.Column("end_reason", sa.String(length=500), server_default="", nullable=False))
    op.create_index("uq_member_invitation_lower_email", "member_invitation", [sa.text("lower(email)")], unique=True)
    op.create_index("ix_letter_lower_recipient_created_at", "letter", [sa.text("lower(recipient)"), "created_at"])
    for statement in REFUSALS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_index("ix_letter_lower_recipient_created_at", "letter")

    op.drop_column("login_session", "end_reason")
    op.drop_column("login_session", "end_cause")
    op.drop_column("login_session", "ended_at")
    op.drop_column("login_session", "duty")
    op.drop_column("login_session", "staff")
    op.drop_column("login_session", "authenticated_at")

    op.drop_index("ix_ab_user_erase_at", "ab_user")
    op.drop_column("ab_user", "allergens")
    op.drop_column("ab_user", "diets")
    op.drop_column("ab_user", "erased_at")
    op.drop_column("ab_user", "erase_at")
    op.drop_column("ab_user", "ban_reason")
    op.drop_column("ab_user", "banned_at")
    op.drop_column("ab_user", "terms_accepted_at")
    op.drop_column("ab_user", "password_changed_at")
    op.drop_column("ab_user", "session_stamp")

    op.drop_column("ab_role", "second_factor_required")

    op.drop_column("ab_register_user", "identity_subject")
    op.drop_column("ab_register_user", "identity_issuer")
    op.drop_column("ab_register_user", "terms_accepted_at")

    op.drop_table("totp")

    op.drop_table("token")

    op.drop_table("recovery_code")

    op.drop_table("passkey")

    op.drop_table("member_invitation")

    op.drop_table("external_identity")

    op.drop_table("device")

    op.drop_table("login_guard")

    op.drop_table("audit_event")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS audit_event_refuse()")
