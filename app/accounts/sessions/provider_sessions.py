"""Which session at an OpenID Connect provider a login session came from, so that a logout at one of them ends both."""

from dataclasses import dataclass
from typing import Any

from flask import session
from sqlalchemy import select, update

from app import audit, clock
from app.accounts import encryption, rules, tokens
from app.accounts.enums import SessionEndCause, TokenPurpose
from app.accounts.models import ExternalIdentity, LoginSession, Member, ProviderSession
from app.extensions import db

PURPOSE = "id token"
# The session key of a logout that goes on at the provider.
LOGOUT_KEY = "provider_logout"


@dataclass(frozen=True)
class ProviderLogin:
    """A login at a provider: who, in which of its sessions (`sid`), and the encrypted ID token."""

    issuer: str
    subject: str
    sid_hash: str | None
    id_token: str

    @classmethod
    def of(cls, issuer: str, subject: str, sid: object, id_token: str) -> "ProviderLogin":
        """Return the login of an ID token."""
        sid_hash = rules.token_hash(sid) if isinstance(sid, str) and sid else None
        return cls(issuer, subject, sid_hash, encryption.encrypt(PURPOSE, id_token))


def remember(login: LoginSession, of: ProviderLogin) -> None:
    """Store which login at a provider `login` came from."""
    db.session.merge(ProviderSession(login_id=login.id, **vars(of)))


def leave(login: LoginSession) -> str | None:
    """Return a token for the logout at the provider that `login` came from, if any. Its row goes with the login session."""
    of = db.session.get(ProviderSession, login.id)
    if of is None:
        return None
    return tokens.issue(TokenPurpose.PROVIDER_LOGOUT, data={"issuer": of.issuer, "id_token": of.id_token})


def leaving() -> tuple[str, str] | None:
    """Return the issuer where this browser logs out, and its ID token; None if there is no such logout."""
    token = tokens.find(TokenPurpose.PROVIDER_LOGOUT, str(session.get(LOGOUT_KEY, "")))
    if token is None or not tokens.is_valid(token):
        return None
    return token.data["issuer"], encryption.decrypt(PURPOSE, token.data["id_token"]) or ""


def end(issuer: str, label: str, *, subject: str | None, sid: str | None) -> int:
    """End the login sessions that came from a session at a provider, or from any of a person; return how many."""
    came_from: list[Any] = [ProviderSession.issuer == issuer]
    if sid is not None:
        came_from.append(ProviderSession.sid_hash == rules.token_hash(sid))
    if subject is not None:
        came_from.append(ProviderSession.subject == subject)
        _refuse_second_steps(issuer, subject)
    ending = update(LoginSession).where(
        LoginSession.id.in_(select(ProviderSession.login_id).where(*came_from)), LoginSession.ended_at.is_(None)
    )
    values = {"ended_at": clock.now(), "end_cause": SessionEndCause.PROVIDER, "end_reason": label}
    ended = list(db.session.scalars(ending.values(values).returning(LoginSession.member_id)))
    for member_id in set(ended):
        after = {"devices": ended.count(member_id), "issuer": issuer}
        audit.record("sessions_ended", "member", db.session.get_one(Member, member_id), after=after)
    return len(ended)


def _refuse_second_steps(issuer: str, subject: str) -> None:
    """Let logins of the person that wait for a second factor wait no longer."""
    owner = select(Member).join(ExternalIdentity, ExternalIdentity.member_id == Member.id)
    owner = owner.where(ExternalIdentity.issuer == issuer, ExternalIdentity.subject == subject)
    for member in db.session.scalars(owner):
        tokens.revoke(member, TokenPurpose.SECOND_STEP)
