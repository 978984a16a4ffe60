"""Hosts lay a table, change it, and clear it."""

import secrets
import unicodedata
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext
from sqlalchemy import delete, inspect, select
from sqlalchemy.orm import InstanceState, joinedload

from app import clock
from app.accounts.models import Member
from app.errors import DomainError
from app.extensions import db
from app.outbox.models import EmailTopic
from app.parties import location, queries, rules
from app.parties.enums import NOTIFIED, SEATED, OfferState, PartyStatus, RsvpStatus
from app.parties.hosting import mail as hosting_mail
from app.parties.invitations import mail as invitation_mail
from app.parties.invitations import service as invitation_service
from app.parties.mail import PartyEmail
from app.parties.menu import service as menu_service
from app.parties.messages import recipients, reminders
from app.parties.models import CoHost, DinnerParty, Rsvp
from app.parties.potluck import service as potluck_service
from app.parties.respondent import Respondent
from app.parties.waiting_list import seats

# What a copy has of the party it was made from.
COPIED = (
    *("title", "timezone", "duration_minutes", "venue", "address", "main_dish", "description", "number_seats"),
    *("max_party", "visibility", "approval", "address_for_guests", "map_url"),
)
# A change of one of these is told to the guests.
NOTIFY_ON = ("title", "starts_at", "timezone", "duration_minutes", "venue", "address")
SLUG_WORDS = 40


def create_party(party: DinnerParty, host: Member, *, mark: str = "") -> None:
    """Add a new party; the host holds the first seat of it.

    Of two with the same title and `mark` the second raises IntegrityError; without one, no two are the same.
    """
    party.host = host
    party.slug = new_slug(party.title, mark or secrets.token_hex(6))
    party.seats_taken = 1
    refuse_past_publication(party)
    party.rsvps.append(_host_rsvp(host))
    db.session.add(party)
    reminders.create_default(party)
    db.session.flush()


def update_party(party: DinnerParty) -> int:
    """Store the changes made to `party`; return how many guests are told of them.

    New seats are offered to those who wait, a cancellation and a new time or place told to the guests. Raises
    DomainError when fewer seats are asked for than are taken, and StaleDataError when somebody else stored a change
    meanwhile.
    """
    with db.session.no_autoflush:
        before = seats.lock(party.id)
        lapsed = seats.expire_offers_of_party(party.id)
        taken = seats.lock(party.id).seats_taken if lapsed else before.seats_taken
        if party.number_seats < taken:
            message = lazy_gettext("%(taken)d seats are already taken; you cannot go below that.", taken=taken)
            raise DomainError(message, field="number_seats")
        changed = changed_columns(party)
        if "status" in changed:
            _refuse_unknown_status(party)
            refuse_past_publication(party)
        if changed.intersection(NOTIFY_ON) or "status" in changed:
            party.ics_sequence += 1
        db.session.flush()
    if lapsed:
        seats.requeue(lapsed)
    told = _apply_side_effects(party, changed, more=party.number_seats - before.number_seats)
    db.session.refresh(party, ["seats_taken"])
    return told


def _apply_side_effects(party: DinnerParty, changed: set[str], *, more: int) -> int:
    """Do what follows from a change that was stored, of `more` seats among others; return how many are told."""
    ends = party.status != PartyStatus.PUBLISHED and "status" in changed
    told = 0
    if ends and party.status == PartyStatus.CANCELLED:
        # Before the offers are taken back: whoever has one is told to forget the evening, too.
        told = _notify_guests(party, hosting_mail.party_cancelled) + _notify_invited(
            party, invitation_mail.invitation_cancelled
        )
    if ends:
        seats.revoke_all(party.id)
    if party.status == PartyStatus.CANCELLED:
        return told
    _seat_host(party)
    if party.status != PartyStatus.PUBLISHED:
        return 0
    if changed.intersection(NOTIFY_ON) and not party.is_past:
        told = _notify_guests(party, hosting_mail.party_changed, changed) + _notify_invited(
            party, invitation_mail.invitation_changed, changed
        )
    if "status" in changed:
        told += invitation_service.send_waiting(party)
    if changed.intersection({"starts_at", "rsvp_deadline"}):
        seats.shorten_offers(party.id, party.answers_until)
    seats.release_and_reoffer(party.id, unseen=max(more, 0))
    return told


def cancel_party(party: DinnerParty) -> int:
    """Cancel a party; return how many guests are told. Raises DomainError when there is nothing to cancel."""
    if party.status == PartyStatus.CANCELLED:
        raise DomainError(lazy_gettext("This party was cancelled."), "info")
    if party.is_past:
        raise DomainError(lazy_gettext("This party has started; it can no longer be cancelled."))
    party.status = PartyStatus.CANCELLED
    return update_party(party)


def copy_party(party: DinnerParty, host: Member) -> DinnerParty:
    """Lay a draft like `party` for `host`, on the same weekday of a coming week.

    It has its table, its menu, what guests bring, and its zone.
    """
    weeks = max(1, -(-(clock.now() - party.starts_at) // timedelta(weeks=1)))
    zone = ZoneInfo(party.timezone)
    # Counted on the clock on the wall: seven o'clock stays seven o'clock when the clocks change.
    starts_at = (party.starts_at.astimezone(zone) + weeks * timedelta(weeks=1)).astimezone(UTC)
    twin = DinnerParty(status=PartyStatus.DRAFT, starts_at=starts_at, **{name: getattr(party, name) for name in COPIED})
    create_party(twin, host)
    menu_service.set_menu(
        twin,
        [
            menu_service.DishInput(item.course, item.name, item.allergens, item.diets)
            for item in menu_service.menu(party)
        ],
    )
    potluck_service.copy(party, twin)
    reminders.copy(party, twin)
    return twin


def add_co_host(party: DinnerParty, username: str) -> Member:
    """Let the member with that name host beside the owner, and write to them. Raises DomainError, at "username"."""
    member = queries.member_by_username(username.strip())
    if member is None:
        raise DomainError(lazy_gettext("No user with this name was found."), field="username")
    if member.id == party.host_id or member in party.co_hosts:
        raise DomainError(
            lazy_gettext("%(name)s is already a host of this party.", name=member.display_name),
            "info",
            field="username",
        )
    db.session.add(CoHost(party_id=party.id, member_id=member.id))
    db.session.flush()
    db.session.expire(party, ["co_hosts"])
    hosting_mail.co_host(party, member)
    return member


def remove_co_host(party: DinnerParty, member: Member) -> None:
    """Let a member host no more; raises DomainError when they did not."""
    gone = delete(CoHost).where(CoHost.party_id == party.id, CoHost.member_id == member.id).returning(CoHost.member_id)
    if db.session.execute(gone).first() is None:
        raise DomainError(lazy_gettext("Nothing changed: they were not a host of this party."), "warning")


def changed_columns(party: DinnerParty) -> set[str]:
    """Return the columns of `party` that hold another value than the database."""
    state: InstanceState[DinnerParty] = inspect(party)
    return {column.key for column in state.mapper.column_attrs if state.attrs[column.key].history.has_changes()}


def _refuse_unknown_status(party: DinnerParty) -> None:
    state: InstanceState[DinnerParty] = inspect(party)
    before = next(iter(state.attrs.status.history.deleted or ()), party.status)
    if party.status not in {before, *rules.NEXT_STATUSES[before]}:
        message = lazy_gettext("A party cannot return to this status. Create a new one instead.")
        raise DomainError(message, field="status")


def refuse_past_publication(party: DinnerParty) -> None:
    """Refuse to publish what nobody could come to."""
    if party.status == PartyStatus.PUBLISHED and party.is_past:
        raise DomainError(lazy_gettext("The party must start in the future."), field="starts_at")


def _seat_host(party: DinnerParty) -> None:
    """Give a new host a seat at the table that is theirs now."""
    rsvp = queries.rsvp_of(party, Respondent(party.host))
    if rsvp is not None and rsvp.status in SEATED:
        return
    if rsvp is not None and rsvp.status == RsvpStatus.OFFERED:
        held = seats.end_offer(rsvp, OfferState.CLAIMED)
        rsvp.status, rsvp.party_size, rsvp.min_party, rsvp.waitlisted_at = RsvpStatus.YES, 1, 1, None
        db.session.flush()
        seats.release_and_reoffer(party.id, held - 1)
        return
    if not seats.take_first(party.id):
        raise DomainError(lazy_gettext("The table is full: there is no seat for a new host."), field="host")
    if rsvp is None:
        rsvp = _host_rsvp(party.host)
        rsvp.party_id = party.id
        db.session.add(rsvp)
    rsvp.status, rsvp.party_size, rsvp.min_party, rsvp.waitlisted_at = RsvpStatus.YES, 1, 1, None
    db.session.flush()


def _host_rsvp(host: Member) -> Rsvp:
    return Rsvp(
        member=host,
        email=host.email,
        name=host.display_name,
        status=RsvpStatus.YES,
        locale=host.locale,
        timezone=host.timezone,
    )


def new_slug(title: str, mark: str) -> str:
    """Return a readable address for `title`; the `mark` keeps it from being guessed from another one."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = "-".join("".join(c if c.isalnum() else " " for c in plain).split())[:SLUG_WORDS].strip("-")
    return f"{words or 'dinner'}-{mark}"


def _notify_guests(party: DinnerParty, letter: PartyEmail, changed: set[str] | None = None) -> int:
    statement = (
        select(Rsvp).options(joinedload(Rsvp.member)).where(Rsvp.party_id == party.id, Rsvp.status.in_(NOTIFIED))
    )
    guests = [rsvp for rsvp in db.session.scalars(statement) if rsvp.member_id != party.host_id]
    if changed is not None and changed.intersection(NOTIFY_ON) == {"address"}:
        guests = [rsvp for rsvp in guests if location.shows_address(party, rsvp)]
    for rsvp in guests:
        letter(party, rsvp)
    return len(guests)


def _notify_invited(
    party: DinnerParty, letter: invitation_mail.InvitationEmail, changed: set[str] | None = None
) -> int:
    """Write to those who were invited and have not answered; return how many they are."""
    if changed is not None and changed.intersection(NOTIFY_ON) == {"address"} and not location.shows_address(party):
        return 0
    silent = recipients.select_not_answered(party, EmailTopic.INVITATIONS)
    for invitation, _member in silent:
        letter(party, invitation)
    db.session.flush()
    return len(silent)
