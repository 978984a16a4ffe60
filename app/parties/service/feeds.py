"""The secret address under which a member's calendar looks up their dinners."""

from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from app import clock
from app.accounts import rules
from app.accounts.models import Member
from app.extensions import db
from app.parties.models import DRAFT, MAYBE, SEATED, CalendarFeed, DinnerParty, Rsvp

# Dinners stay in the feed for a while after they were given; calendars drop what is gone.
KEPT = timedelta(days=90)
MOST_DINNERS = 500


def renew(member: Member) -> str:
    """Return the token of a new address for `member`; the one before opens nothing any more."""
    stop(member)
    token = rules.new_token()
    db.session.add(CalendarFeed(member_id=member.id, token_hash=rules.token_hash(token)))
    db.session.flush()
    return token


def stop(member: Member) -> bool:
    """Take the address away; return whether there was one."""
    gone = delete(CalendarFeed).where(CalendarFeed.member_id == member.id).returning(CalendarFeed.member_id)
    return db.session.execute(gone).first() is not None


def of_member(member: Member) -> CalendarFeed | None:
    """Return the feed of `member`, if they have one."""
    return db.session.get(CalendarFeed, member.id)


def owner(token: str) -> Member | None:
    """Return whose feed stands at the address with `token`, if they may still come in."""
    statement = (
        select(CalendarFeed)
        .options(joinedload(CalendarFeed.member))
        .where(CalendarFeed.token_hash == rules.token_hash(token))
    )
    feed = db.session.execute(statement).scalar_one_or_none()
    return feed.member if feed is not None and feed.member.is_active else None


def dinners(member: Member) -> list[DinnerParty]:
    """Return the dinners `member` hosts, attends or may attend, called-off ones included, soonest first."""
    attended = select(Rsvp.party_id).where(Rsvp.member_id == member.id, Rsvp.status.in_((*SEATED, MAYBE)))
    statement = (
        select(DinnerParty)
        .options(joinedload(DinnerParty.host))
        .where((DinnerParty.host_id == member.id) | DinnerParty.id.in_(attended))
        .where(DinnerParty.status != DRAFT, DinnerParty.starts_at > clock.now() - KEPT)
        .order_by(DinnerParty.starts_at, DinnerParty.id)
        .limit(MOST_DINNERS)
    )
    return list(db.session.scalars(statement))
