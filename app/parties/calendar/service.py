"""Calendar feeds: secret URLs at which calendars read the parties of a member."""

from datetime import timedelta

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app import clock
from app.accounts import rules
from app.accounts.models import Member
from app.extensions import db
from app.parties import location
from app.parties.calendar.models import CalendarFeed
from app.parties.enums import SEATED, PartyStatus, RsvpStatus
from app.parties.models import CoHost, DinnerParty, Rsvp

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


def owner(token: str) -> Member | None:
    """Return the owner of the feed with this token, if their account is active."""
    statement = (
        select(CalendarFeed)
        .options(joinedload(CalendarFeed.member))
        .where(CalendarFeed.token_hash == rules.token_hash(token))
    )
    feed = db.session.execute(statement).scalar_one_or_none()
    return feed.member if feed is not None and feed.member.is_active else None


def parties(member: Member) -> list[tuple[DinnerParty, bool]]:
    """Return the parties that the member hosts, attends or may attend, soonest first. Cancelled ones are included.

    With each comes whether the member sees its postal address.
    """
    own_rsvp = and_(
        Rsvp.party_id == DinnerParty.id, Rsvp.member_id == member.id, Rsvp.status.in_((*SEATED, RsvpStatus.MAYBE))
    )
    co_hosted = select(CoHost.party_id).where(CoHost.member_id == member.id)
    statement = (
        select(DinnerParty, Rsvp)
        .outerjoin(Rsvp, own_rsvp)
        .options(joinedload(DinnerParty.host), selectinload(DinnerParty.co_hosts))
        .where(or_(DinnerParty.host_id == member.id, DinnerParty.id.in_(co_hosted), Rsvp.id.is_not(None)))
        .where(DinnerParty.status != PartyStatus.DRAFT, DinnerParty.starts_at > clock.now() - HISTORY)
        .order_by(DinnerParty.starts_at, DinnerParty.id)
        .limit(MAX_PARTIES)
    )
    rows = db.session.execute(statement).all()
    return [(party, location.shows_address(party, rsvp, is_host=party.is_hosted_by(member.id))) for party, rsvp in rows]
