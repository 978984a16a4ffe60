"""The secret address under which a member's calendar looks up their dinners."""

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

# Dinners stay in the feed for a while after they were given; calendars drop what is gone.
HISTORY = timedelta(days=90)
MAX_PARTIES = 500


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
    return db.session.execute(gone.execution_options(synchronize_session="auto")).first() is not None


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


def parties(member: Member) -> list[tuple[DinnerParty, bool]]:
    """Return the dinners `member` hosts, attends or may attend, called-off ones included, soonest first.

    With each comes whether they are told its address.
    """
    theirs = and_(
        Rsvp.party_id == DinnerParty.id, Rsvp.member_id == member.id, Rsvp.status.in_((*SEATED, RsvpStatus.MAYBE))
    )
    helping = select(CoHost.party_id).where(CoHost.member_id == member.id)
    statement = (
        select(DinnerParty, Rsvp)
        .outerjoin(Rsvp, theirs)
        .options(joinedload(DinnerParty.host), selectinload(DinnerParty.co_hosts))
        .where(or_(DinnerParty.host_id == member.id, DinnerParty.id.in_(helping), Rsvp.id.is_not(None)))
        .where(DinnerParty.status != PartyStatus.DRAFT, DinnerParty.starts_at > clock.now() - HISTORY)
        .order_by(DinnerParty.starts_at, DinnerParty.id)
        .limit(MAX_PARTIES)
    )
    rows = db.session.execute(statement).all()
    return [(party, location.shows_address(party, rsvp, is_host=_hosts(party, member))) for party, rsvp in rows]


def _hosts(party: DinnerParty, member: Member) -> bool:
    return member.id in {party.host_id, *(host.id for host in party.co_hosts)}
