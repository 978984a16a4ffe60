"""Recovery codes: each replaces the second factor once. They are shown only when they are created."""

import secrets

from sqlalchemy import delete, func, select, update

from app import audit, clock
from app.accounts import mail, members, rules
from app.accounts.models import Member, RecoveryCode
from app.extensions import db

COUNT = 10
# 16 of 31 characters have 79 bits. Characters that look alike are left out.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
LENGTH, GROUP_LENGTH = 16, 4


def create(member: Member) -> list[str]:
    """Replace the recovery codes of `member`, and return the new ones in groups of four characters."""
    members.lock(member)
    delete_all(member)
    codes = ["".join(secrets.choice(ALPHABET) for _character in range(LENGTH)) for _number in range(COUNT)]
    db.session.add_all(RecoveryCode(member_id=member.id, code_hash=_code_hash(member, code)) for code in codes)
    audit.record("recovery_codes_made", "member", member)
    db.session.flush()
    return ["-".join(code[start : start + GROUP_LENGTH] for start in range(0, LENGTH, GROUP_LENGTH)) for code in codes]


def count_unused(member: Member) -> int:
    """Return how many recovery codes of `member` are left."""
    unused = select(func.count()).select_from(RecoveryCode)
    unused = unused.where(RecoveryCode.member_id == member.id, RecoveryCode.used_at.is_(None))
    return db.session.execute(unused).scalar_one()


def use(member: Member, code: str) -> bool:
    """Use up `code`, without spaces and dashes. Return False when it is wrong or was used before."""
    if len(code) != LENGTH:
        return False
    claim = update(RecoveryCode).where(
        RecoveryCode.member_id == member.id,
        RecoveryCode.code_hash == _code_hash(member, code),
        RecoveryCode.used_at.is_(None),
    )
    if db.session.execute(claim.values(used_at=clock.now()).returning(RecoveryCode.id)).first() is None:
        return False
    audit.record("recovery_code_used", "member", member, actor=member)
    mail.recovery_code_used(member, count_unused(member))
    return True


def delete_all(member: Member) -> None:
    """Delete the recovery codes of `member`."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.member_id == member.id))


def _code_hash(member: Member, code: str) -> str:
    # Codes are random and long, so a fast hash is enough. It has no key, so that codes outlive a change of SECRET_KEY.
    return rules.token_hash(f"{member.id}:{code}")
