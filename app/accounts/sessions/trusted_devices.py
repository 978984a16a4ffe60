"""Trusted devices: browsers in which a member has logged in before, recognised by a cookie whose hash is stored."""

from flask import Response, after_this_request, current_app, has_request_context, request
from sqlalchemy import select

from app import clock
from app.accounts import mail, rules
from app.accounts.models import Member, TrustedDevice
from app.accounts.sessions import user_agents
from app.database import insert_into
from app.extensions import db

COOKIE_SECONDS = 365 * 24 * 3600


def token() -> str:
    """Return the value of this browser's cookie, or an empty text; a command has no browser."""
    if not has_request_context():
        return ""
    return request.cookies.get(current_app.config["DEVICE_COOKIE_NAME"], "")[:64]


def recognise(member: Member) -> None:
    """Store this browser as one of the member's. Send an e-mail when it is new and not the first."""
    value, now = token() or rules.new_token(), clock.now()
    statement = insert_into(TrustedDevice).values(
        member_id=member.id, token_hash=rules.token_hash(value), created_at=now, last_seen_at=now
    )
    statement = statement.on_conflict_do_update(
        index_elements=["member_id", "token_hash"], set_={"last_seen_at": now}
    ).returning(TrustedDevice.__table__.c.id, TrustedDevice.__table__.c.created_at)
    device = db.session.execute(statement).one()
    others = select(TrustedDevice.id).where(TrustedDevice.member_id == member.id, TrustedDevice.id != device.id)
    if device.created_at == now and db.session.execute(others.limit(1)).first() is not None:
        browser = user_agents.describe_user_agent(request.user_agent.string or "")
        mail.new_device(member, device.id, browser, request.remote_addr or "")
    after_this_request(lambda response: _set_cookie(response, value))


def _set_cookie(response: Response, value: str) -> Response:
    response.set_cookie(
        current_app.config["DEVICE_COOKIE_NAME"],
        value,
        max_age=COOKIE_SECONDS,
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        path=str(current_app.config["SESSION_COOKIE_PATH"]),
        httponly=True,
        samesite="Lax",
    )
    return response
