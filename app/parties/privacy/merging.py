"""What a member has in tables of parties goes to the account that theirs is merged into."""

from collections.abc import Sequence
from itertools import groupby

from flask_babel import lazy_gettext
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import aliased, joinedload

from app import clock
from app.accounts.models import Member
from app.accounts.signals import member_merging
from app.accounts.users.merging import Report, note, rows_of
from app.address_key import address_key
from app.extensions import db
from app.parties.calendar.models import CalendarEntry, CalendarFeed
from app.parties.enums import SEATED, WITHDRAWABLE, RsvpStatus
from app.parties.invitations.models import Contact
from app.parties.menu import service as menu_service
from app.parties.messages.models import GuestMessage
from app.parties.models import ANONYMISED_DOMAIN, CoHost, DinnerParty, Invitation, PartySeries, Rsvp, RsvpPerson
from app.parties.moderation.models import PartyReport
from app.parties.potluck.models import DishClaim
from app.parties.privacy import retention
from app.parties.privacy.personal_data import is_of, lock_parties
from app.parties.rsvps import leaving, news

# Of two answers to one party the first of these stays: whoever came, has seats, or is nearest to some. A host who has
# removed a guest is not undone by an answer without seats.
ORDER = (
    RsvpStatus.CHECKED_IN,
    RsvpStatus.YES,
    RsvpStatus.OFFERED,
    RsvpStatus.WAITLISTED,
    RsvpStatus.AWAITING_APPROVAL,
    RsvpStatus.NO_SHOW,
    RsvpStatus.REMOVED,
    RsvpStatus.MAYBE,
    RsvpStatus.NO,
    RsvpStatus.WITHDRAWN,
)


def connect() -> None:
    """Subscribe to the signal of accounts."""
    member_merging.connect(_merge)


def _merge(member: Member, *, kept: Member, report: Report) -> None:
    """Hand over everything. What is left of second invitations goes with the account: see personal_data."""
    lock_parties(member)
    hosted = set(db.session.scalars(select(DinnerParty.id).where(DinnerParty.host_id == member.id)))
    _move_hosted(member, kept, report)
    _move_co_hosted(member, kept, report)
    _move_answers(member, kept, hosted, report)
    _move_invitations(member, kept, report)
    _move_contacts(member, kept, report)
    _move_written(member, kept, report)
    _move_calendar(member, kept, report)


# -- hosts


def _move_hosted(member: Member, kept: Member, report: Report) -> None:
    hosted = update(DinnerParty).where(DinnerParty.host_id == member.id)
    report.move(lazy_gettext("Parties hosted"), hosted.values(host_id=kept.id, changed_at=clock.now()))
    series = update(PartySeries).where(PartySeries.host_id == member.id).values(host_id=kept.id)
    report.move(lazy_gettext("Series of parties"), series)


def _move_co_hosted(member: Member, kept: Member, report: Report) -> None:
    own = select(DinnerParty.id).where(DinnerParty.host_id == kept.id)
    rows_of(delete(CoHost).where(CoHost.member_id.in_((member.id, kept.id)), CoHost.party_id.in_(own)))
    other = aliased(CoHost)
    has_it = select(other.party_id).where(other.member_id == kept.id)
    theirs = CoHost.member_id == member.id
    report.move(
        lazy_gettext("Parties co-hosted"),
        update(CoHost).where(theirs, CoHost.party_id.not_in(has_it)).values(member_id=kept.id),
    )
    rows_of(delete(CoHost).where(theirs))


# -- answers


def _move_answers(member: Member, kept: Member, hosted: set[int], report: Report) -> None:
    statement = select(Rsvp).options(joinedload(Rsvp.party)).where(or_(is_of(member), is_of(kept)))
    statement = statement.order_by(Rsvp.party_id, Rsvp.id).execution_options(populate_existing=True)
    moved = doubles = withdrawn = 0
    for _party_id, group in groupby(db.session.scalars(statement).all(), key=lambda rsvp: rsvp.party_id):
        rsvps = list(group)
        theirs = [rsvp for rsvp in rsvps if not _belongs_to(rsvp, kept)]
        if not theirs:
            continue
        best = min(rsvps, key=lambda rsvp: _precedence(rsvp, kept, hosted))
        others = [rsvp for rsvp in rsvps if rsvp is not best]
        moved += not _belongs_to(best, kept)
        doubles += bool(others)
        _anonymise(others, best, member)
        _give_to(best, kept)
        withdrawn += _release(others)
    note(report.moved, lazy_gettext("Answers to parties"), moved)
    note(
        report.collisions,
        lazy_gettext(
            "Parties that both have answered. One answer stays: that of the host, or else the one with seats or nearest "
            "to them, and of two with seats that for more people"
        ),
        doubles,
    )
    note(report.collisions, lazy_gettext("Answers that are withdrawn; their seats go to the waiting list"), withdrawn)


def _belongs_to(rsvp: Rsvp, member: Member) -> bool:
    return rsvp.member_id == member.id or (rsvp.member_id is None and rsvp.email_key == address_key(member.email))


def _precedence(rsvp: Rsvp, kept: Member, hosted: set[int]) -> tuple[object, ...]:
    """Return the sort key of answers to one party: the first one stays."""
    is_kept = _belongs_to(rsvp, kept)
    # The seat of a host cannot be given up.
    is_hosts = rsvp.member_id == rsvp.party.host_id if rsvp.party_id not in hosted else not is_kept
    waits_since = rsvp.waitlisted_at.timestamp() if rsvp.is_queued and rsvp.waitlisted_at else 0.0
    return not is_hosts, ORDER.index(rsvp.status), waits_since, -rsvp.party_size, not is_kept, rsvp.id


def _anonymise(others: Sequence[Rsvp], best: Rsvp, member: Member) -> None:
    """Make answers those of nobody. Their link, what their guest brings and does not eat go to the best one."""
    invitations = [rsvp.invitation for rsvp in (best, *others) if rsvp.invitation is not None]
    for number, rsvp in enumerate(others):
        rsvp.member = rsvp.invitation = rsvp.locale = rsvp.timezone = None
        rsvp.email, rsvp.name, rsvp.note = f"{retention.ERASED}-{member.id}-{number}{ANONYMISED_DOMAIN}", "", ""
    db.session.flush()
    best.invitation = invitations[0] if invitations else None
    db.session.flush()
    for rsvp in others:
        people, claims = RsvpPerson.rsvp_id == rsvp.id, DishClaim.rsvp_id == rsvp.id
        if not menu_service.people(best):
            rows_of(update(RsvpPerson).where(people, RsvpPerson.position < best.party_size).values(rsvp_id=best.id))
        rows_of(delete(RsvpPerson).where(people))
        if best.status in SEATED:
            claim = aliased(DishClaim)
            has_it = select(claim.slot_id).where(claim.rsvp_id == best.id)
            rows_of(update(DishClaim).where(claims, DishClaim.slot_id.not_in(has_it)).values(rsvp_id=best.id))
        rows_of(update(DishClaim).where(claims).values(dish=""))


def _give_to(rsvp: Rsvp, kept: Member) -> None:
    rsvp.member, rsvp.email, rsvp.name = kept, kept.email, kept.display_name
    rsvp.locale, rsvp.timezone = kept.locale, kept.timezone
    db.session.flush()


def _release(rsvps: Sequence[Rsvp]) -> int:
    """Withdraw answers to coming parties. Their seats are offered to the waiting list; past parties keep their numbers."""
    released = [rsvp for rsvp in rsvps if rsvp.status in WITHDRAWABLE and not rsvp.party.is_past]
    for rsvp in released:
        held = rsvp.party_size if rsvp.status in SEATED else 0
        leaving.release(rsvp, RsvpStatus.WITHDRAWN)
        if held and rsvp.party.answers_until <= clock.now():
            # Nobody on the waiting list gets them any more.
            news.tell(rsvp.party, rsvp, freed=held)
    return len(released)


# -- invitations and contacts


def _move_invitations(member: Member, kept: Member, report: Report) -> None:
    sent = update(Invitation).where(Invitation.invited_by_id == member.id).values(invited_by_id=kept.id)
    report.move(lazy_gettext("Invitations sent"), sent)
    keys = address_key(member.email), address_key(kept.email)
    statement = select(Invitation).options(joinedload(Invitation.rsvp)).where(Invitation.email_key.in_(keys))
    statement = statement.order_by(Invitation.party_id, Invitation.id).execution_options(populate_existing=True)
    moved = doubles = 0
    for _party_id, group in groupby(db.session.scalars(statement).all(), key=lambda row: row.party_id):
        rows = list(group)
        best = min(rows, key=lambda row: (row.rsvp is None, row.revoked_at is not None, row.email_key != keys[1]))
        if any(row.email_key == keys[0] for row in rows):
            moved += best.email_key == keys[0]
            doubles += len(rows) - 1
            _exchange(best, [row for row in rows if row is not best], member, kept)
    note(report.moved, lazy_gettext("Invitations received"), moved)
    note(report.collisions, lazy_gettext("Second invitations to the same party, which end"), doubles)


def _exchange(best: Invitation, others: Sequence[Invitation], member: Member, kept: Member) -> None:
    """Send one invitation to the address that stays; those to the other one are anonymised with the account."""
    for number, row in enumerate((best, *others)):
        row.email = f"merging-{number}{ANONYMISED_DOMAIN}"
    db.session.flush()
    best.email = kept.email
    for number, row in enumerate(others):
        row.email = member.email
        row.duplicate = number
    db.session.flush()


def _move_contacts(member: Member, kept: Member, report: Report) -> None:
    """Hand over the address book, and let the contacts of others follow the address."""
    other = aliased(Contact)
    known = select(other.email_key).where(other.owner_id == kept.id)
    mine = Contact.owner_id == member.id
    moved = mine, Contact.email_key.not_in(known), Contact.email_key != address_key(kept.email)
    report.move(lazy_gettext("Contacts"), update(Contact).where(*moved).values(owner_id=kept.id))
    note(
        report.collisions,
        lazy_gettext("Contacts that both have, once from now on"),
        rows_of(delete(Contact).where(mine)),
    )
    has_both = select(other.owner_id).where(other.email_key == address_key(kept.email))
    others = update(Contact).where(
        Contact.email_key == address_key(member.email),
        Contact.duplicate == 0,
        Contact.owner_id != kept.id,
        Contact.owner_id.not_in(has_both),
    )
    rows_of(others.values(email=kept.email, email_key=address_key(kept.email)))


# -- messages, reports, calendars


def _move_written(member: Member, kept: Member, report: Report) -> None:
    messages = update(GuestMessage).where(GuestMessage.author_id == member.id).values(author_id=kept.id)
    report.move(lazy_gettext("Messages to guests"), messages)
    reports = update(PartyReport).where(PartyReport.reporter_id == member.id).values(reporter_id=kept.id)
    report.move(lazy_gettext("Reports of parties"), reports)
    rows_of(update(PartyReport).where(PartyReport.decided_by_id == member.id).values(decided_by_id=kept.id))


def _move_calendar(member: Member, kept: Member, report: Report) -> None:
    """Hand over the feed, and what the calendar was sent: from now on the other address hears of it.

    Where both calendars have a party, it is removed from that of the account that ends.
    """
    label = lazy_gettext("Address of the calendar feed")
    feed = CalendarFeed.member_id == member.id
    if db.session.get(CalendarFeed, kept.id) is None:
        report.move(label, update(CalendarFeed).where(feed).values(member_id=kept.id))
    note(report.ended, label, rows_of(delete(CalendarFeed).where(feed)))
    old, new, other = address_key(member.email), address_key(kept.email), aliased(CalendarEntry)
    known = select(other.party_id).where(other.email == new)
    entries = update(CalendarEntry).where(CalendarEntry.email == old, CalendarEntry.party_id.not_in(known))
    report.move(lazy_gettext("Parties in their calendar"), entries.values(email=new))
