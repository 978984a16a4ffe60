"""Calendar feeds: secret URLs at which calendars read the parties of a member."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, CompoundSelect, and_, case, delete, func, select
from sqlalchemy.orm import joinedload, selectinload

from app import clock
from app.accounts import rules
from app.accounts.models import Member
from app.extensions import db
from app.parties import location
from app.parties.calendar import ics
from app.parties.calendar.models import CalendarFeed
from app.parties.enums import PartyStatus
from app.parties.models import CoHost, DinnerParty, Rsvp
from app.parties.queries import ids_hosted_by

# Past parties stay in the feed for this time. Calendars drop what is not in the feed any more.
HISTORY = timedelta(days=90)
MAX_PARTIES = 500


def renew(member: Member) -> str:
    """Create a new feed URL and return its token. The URL before stops working."""
    stop(member)
    token = rules.new_token()
    db.session.add(CalendarFeed(member_id=member.id, token_hash=rules.token_hash(token)))
    db.session.flush()
    return token


def stop(member: Member) -> bool:
    """Delete the feed; return whether there was one."""
    statement = delete(CalendarFeed).where(CalendarFeed.member_id == member.id).returning(CalendarFeed.member_id)
    return db.session.execute(statement.execution_options(synchronize_session="auto")).first() is not None


def of_member(member: Member) -> CalendarFeed | None:
    return db.session.get(CalendarFeed, member.id)


def by_token(token: str) -> CalendarFeed | None:
    """Return the feed with this token, with its owner, if their account is active."""
    statement = (
        select(CalendarFeed)
        .options(joinedload(CalendarFeed.member))
        .where(CalendarFeed.token_hash == rules.token_hash(token))
    )
    feed = db.session.execute(statement).scalar_one_or_none()
    return feed if feed is not None and feed.member.is_active else None


def last_change(feed: CalendarFeed) -> datetime:
    """Return when the feed last changed, also by what is no longer in it."""
    member, limit = feed.member, clock.now() - HISTORY
    own_rsvp = Rsvp.member_id == member.id
    as_co_host = and_(CoHost.party_id == DinnerParty.id, CoHost.member_id == member.id)
    statement = (
        select(
            func.max(DinnerParty.created_at),
            func.max(DinnerParty.changed_at),
            func.max(Rsvp.answered_at),
            func.max(CoHost.created_at),
            func.max(case((DinnerParty.starts_at <= limit, DinnerParty.starts_at))),
        )
        .outerjoin(Rsvp, and_(Rsvp.party_id == DinnerParty.id, own_rsvp))
        .outerjoin(CoHost, as_co_host)
        .where(DinnerParty.id.in_(_concerned(own_rsvp, member)))
    )
    *changes, last_dropped = db.session.execute(statement).one()
    return max(filter(None, (feed.created_at, *changes, last_dropped and last_dropped + HISTORY)))


def _concerned(own_rsvp: ColumnElement[bool], member: Member) -> CompoundSelect[int]:
    """Return the keys of the parties that the member hosts or has answered by such an RSVP."""
    return ids_hosted_by(member.id, select(Rsvp.party_id).where(own_rsvp))


def parties(member: Member) -> "list[ics.Published]":
    """Return the parties that the member hosts, attends or may attend, soonest first. Cancelled ones are included."""
    own_rsvp = and_(Rsvp.member_id == member.id, Rsvp.status.in_((*ics.PARTICIPATION, *ics.TENTATIVE)))
    statement = (
        select(DinnerParty, Rsvp)
        .outerjoin(Rsvp, and_(Rsvp.party_id == DinnerParty.id, own_rsvp))
        .options(joinedload(DinnerParty.host), selectinload(DinnerParty.co_hosts))
        .where(DinnerParty.id.in_(_concerned(own_rsvp, member)))
        .where(DinnerParty.status != PartyStatus.DRAFT, DinnerParty.starts_at > clock.now() - HISTORY)
        .order_by(DinnerParty.starts_at, DinnerParty.id)
        .limit(MAX_PARTIES)
    )
    rows = db.session.execute(statement).all()
    return [
        ics.Published(party, location.shows_address(party, rsvp, is_host=party.is_hosted_by(member.id)), rsvp)
        for party, rsvp in rows
    ]
