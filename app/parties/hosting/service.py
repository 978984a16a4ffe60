"""Create, change, cancel and copy parties, and choose their co-hosts."""

import secrets
import unicodedata
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from flask_babel import lazy_gettext, lazy_ngettext
from sqlalchemy import delete, inspect, select
from sqlalchemy.orm import InstanceState, joinedload

from app import clock
from app.accounts.models import Member
from app.address_key import address_key
from app.crud import files
from app.errors import DomainError
from app.extensions import db
from app.outbox.models import EmailTopic
from app.parties import location, queries, rules, wall_clock
from app.parties.calendar import appointments, ics
from app.parties.calendar.appointments import Guest
from app.parties.enums import NOTIFIED, SEATED, OfferState, PartyStatus, RsvpStatus
from app.parties.hosting import mail as hosting_mail
from app.parties.invitations import service as invitation_service
from app.parties.mail import TimeChange, time_change
from app.parties.menu import service as menu_service
from app.parties.messages import recipients, reminders
from app.parties.models import CoHost, DinnerParty, Invitation, Rsvp
from app.parties.potluck import service as potluck_service
from app.parties.queries import KnownMember
from app.parties.respondent import Respondent
from app.parties.waiting_list import seats

# Columns that a copy takes over.
COPIED_COLUMNS = (
    *("title", "timezone", "duration_minutes", "venue", "area", "address", "main_dish", "description"),
    *("number_seats", "max_party", "visibility", "approval", "address_for_guests", "map_url"),
    *("answers_by_email", "shows_guests"),
)
# Guests are notified when one of these columns changes.
NOTIFY_ON = ("title", "starts_at", "timezone", "duration_minutes", "venue", "area", "address")
MAX_SLUG_WORDS_LENGTH = 40


class Announcements(NamedTuple):
    """What tells guests, and invited people who have not answered, of a change or of the cancellation."""

    # It is told what it can show of a new start.
    changed: Callable[[DinnerParty, Sequence[Guest], TimeChange | None], None] = hosting_mail.party_changed
    cancelled: Callable[[DinnerParty, Sequence[Guest]], None] = hosting_mail.party_cancelled


EMAILS = Announcements()


def create_party(party: DinnerParty, host: Member, *, slug_suffix: str = "") -> None:
    """Store a new party. The host gets the first seat.

    The second party with the same title and `slug_suffix` raises IntegrityError. By default the suffix is random.
    """
    party.host = host
    party.slug = new_slug(party.title, slug_suffix or secrets.token_hex(6))
    party.seats_taken = 1
    refuse_past_publication(party)
    party.rsvps.append(_host_rsvp(host))
    db.session.add(party)
    reminders.create_default(party)
    db.session.flush()


def update_party(party: DinnerParty, announce: Announcements = EMAILS) -> int:
    """Store the changes made to `party`; return how many guests are notified.

    New seats are offered to the waiting list. Guests are notified of a cancellation and of a new time or location.
    Raises DomainError if there are fewer seats than are taken, and StaleDataError if another request has changed the
    party in the meantime.
    """
    with db.session.no_autoflush:
        before = seats.lock(party.id)
        expired = seats.expire_offers_of_party(party.id)
        taken = seats.lock(party.id).seats_taken if expired else before.seats_taken
        if party.number_seats < taken:
            message = lazy_ngettext(
                "%(num)d seat is already taken; you cannot go below that.",
                "%(num)d seats are already taken; you cannot go below that.",
                taken,
            )
            raise DomainError(message, field="number_seats")
        planned_before = wall_clock.planned_before(party)
        wall_clock.settle(party)
        moved = time_change(party, planned_before)
        changed = changed_columns(party)
        if "status" in changed:
            _refuse_status_change(party)
            refuse_past_publication(party)
        if changed.intersection(NOTIFY_ON) or "status" in changed:
            party.ics_sequence += 1
        db.session.flush()
    if expired:
        seats.requeue(expired)
    notified = _apply_side_effects(party, changed, announce, moved, new_seats=party.number_seats - before.number_seats)
    db.session.refresh(party, ["seats_taken"])
    return notified


def _apply_side_effects(
    party: DinnerParty, changed: set[str], announce: Announcements, moved: TimeChange | None, *, new_seats: int
) -> int:
    """Send e-mails and move seats after a change was stored; return how many guests are notified."""
    ends = party.status != PartyStatus.PUBLISHED and "status" in changed
    notified = 0
    if ends and party.status == PartyStatus.CANCELLED:
        # Before the offers are revoked, so that guests with an offer are notified, too.
        notified = _notify(party, announce.cancelled)
    if ends:
        seats.revoke_all(party.id)
    if party.status == PartyStatus.CANCELLED:
        return notified
    _seat_host(party)
    if party.status != PartyStatus.PUBLISHED:
        return 0
    if changed.intersection(NOTIFY_ON) and not party.is_past:
        notified = _notify(
            party,
            lambda party, guests: announce.changed(party, guests, moved),
            changed,
            with_host=bool(moved and moved.by_rules),
        )
    if "status" in changed:
        notified += invitation_service.send_waiting(party)
    if changed.intersection({"starts_at", "rsvp_deadline"}):
        seats.shorten_offers(party.id, party.answers_until)
    seats.release_and_reoffer(party.id, newly_freed=max(new_seats, 0))
    return notified


def publish_party(party: DinnerParty) -> int:
    """Publish a draft; return how many invitations are sent. A party that is published already stays as it is."""
    if party.status == PartyStatus.PUBLISHED:
        return 0
    if party.status != PartyStatus.DRAFT:
        raise DomainError(lazy_gettext("This party can no longer be changed."), "warning")
    party.status = PartyStatus.PUBLISHED
    return update_party(party)


def cancel_party(party: DinnerParty, announce: Announcements = EMAILS) -> int:
    """Cancel a party; return how many guests are notified. Raises DomainError if it is cancelled or has started."""
    if party.status == PartyStatus.CANCELLED:
        raise DomainError(lazy_gettext("This party was cancelled."), "info")
    if party.is_past:
        raise DomainError(lazy_gettext("This party has started; it can no longer be cancelled."))
    party.status = PartyStatus.CANCELLED
    return update_party(party, announce)


def told_of_cancellation(party: DinnerParty) -> tuple[int, int]:
    """Return how many guests hold seats, and how many others would be written to, if the party were cancelled now."""
    statement = select(Rsvp.status).where(
        Rsvp.party_id == party.id, Rsvp.status.in_(NOTIFIED), Rsvp.member_id.is_distinct_from(party.host_id)
    )
    statuses = db.session.scalars(statement).all()
    seated = sum(status in SEATED for status in statuses)
    not_answered = len(recipients.select_not_answered(party, EmailTopic.INVITATIONS))
    return seated, len(statuses) - seated + not_answered


def copy_party(party: DinnerParty, host: Member, local_start: datetime | None = None) -> DinnerParty:
    """Create a draft like `party` for `host`, by default on the same weekday of a coming week.

    It has the same menu, requested dishes and reminders. `local_start` is by the clock of the party's time zone.
    """
    if local_start is None:
        weeks = max(1, -(-(clock.now() - party.starts_at) // timedelta(weeks=1)))
        # Weeks are added in local time, so that seven o'clock stays seven o'clock when the clocks change.
        local_start = wall_clock.planned(party).local + weeks * timedelta(weeks=1)
    starts_at = wall_clock.moment_of(local_start, 0, party.timezone)
    draft = DinnerParty(
        status=PartyStatus.DRAFT, starts_at=starts_at, **{name: getattr(party, name) for name in COPIED_COLUMNS}
    )
    draft.picture = files.copy_image(party.picture)
    create_party(draft, host)
    menu_service.set_menu(
        draft,
        [
            menu_service.DishInput(item.course, item.name, item.allergens, item.diets)
            for item in menu_service.menu(party)
        ],
    )
    potluck_service.copy(party, draft)
    reminders.copy(party, draft)
    return draft


def add_co_host(party: DinnerParty, username: str) -> Member:
    """Add a co-host, and notify them. Raises DomainError with the field "username"."""
    member = queries.member_by_username(username.strip())
    if member is None:
        raise DomainError(lazy_gettext("No user with this name was found."), field="username")
    if party.is_hosted_by(member.id):
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


def find_co_host(host: Member, typed: str) -> Member | list[KnownMember]:
    """Return the member that a host means by a username, name or e-mail address, or those among whom they must choose.

    Raises DomainError if there is none. It says the same of an e-mail address with and without an account.
    """
    text = typed.strip()
    member = queries.member_by_username(text)
    if member is not None:
        return member
    found = queries.known_members(host, text)
    if not found:
        raise DomainError(
            lazy_gettext(
                "Nobody has this username, and no member who has answered to one of your parties has this name or e-mail "
                "address."
            ),
            field="username",
        )
    exact = [each.member for each in found if address_key(each.email) == address_key(text)]
    return exact[0] if len(exact) == 1 else found


def remove_co_host(party: DinnerParty, member: Member) -> None:
    """Remove a co-host. Raises DomainError if the member is none."""
    statement = (
        delete(CoHost).where(CoHost.party_id == party.id, CoHost.member_id == member.id).returning(CoHost.member_id)
    )
    if db.session.execute(statement).first() is None:
        raise DomainError(lazy_gettext("Nothing changed: they were not a host of this party."), "warning")


def changed_columns(party: DinnerParty) -> set[str]:
    """Return the columns of `party` whose values are not stored yet."""
    state: InstanceState[DinnerParty] = inspect(party)
    return {column.key for column in state.mapper.column_attrs if state.attrs[column.key].history.has_changes()}


def _refuse_status_change(party: DinnerParty) -> None:
    """Raise DomainError if the new status cannot follow the stored one."""
    state: InstanceState[DinnerParty] = inspect(party)
    before = next(iter(state.attrs.status.history.deleted or ()), party.status)
    if party.status not in {before, *rules.NEXT_STATUSES[before]}:
        message = lazy_gettext("A party cannot return to this status. Create a new one instead.")
        raise DomainError(message, field="status")


def refuse_past_publication(party: DinnerParty) -> None:
    """Raise DomainError if a published party is in the past."""
    if party.status == PartyStatus.PUBLISHED and party.is_past:
        raise DomainError(lazy_gettext("The party must start in the future."), field="starts_at")


def _seat_host(party: DinnerParty) -> None:
    """Give the owner a seat, unless they have one. A party can get a new owner."""
    rsvp = queries.rsvp_of(party, Respondent(party.host))
    if rsvp is not None and rsvp.status in SEATED:
        return
    if rsvp is not None and rsvp.status == RsvpStatus.OFFERED:
        held = seats.end_offer(rsvp, OfferState.CLAIMED)
        rsvp.status, rsvp.party_size, rsvp.min_party, rsvp.waitlisted_at = RsvpStatus.YES, 1, 1, None
        db.session.flush()
        seats.release_and_reoffer(party.id, held - 1)
        return
    if not seats.take(party.id, 1):
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


def new_slug(title: str, suffix: str) -> str:
    """Return a readable slug for `title`. The `suffix` makes it unique, and hard to guess."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = "-".join("".join(c if c.isalnum() else " " for c in plain).split())[:MAX_SLUG_WORDS_LENGTH].strip("-")
    return f"{words or 'dinner'}-{suffix}"


def _notify(
    party: DinnerParty,
    tell: Callable[[DinnerParty, Sequence[Guest]], None],
    changed: Collection[str] = (),
    *,
    with_host: bool = False,
) -> int:
    """Notify guests whose RSVP is current, and invited people who have not answered; return how many.

    If only the address or the area has changed, those who do not see it are not notified. The owner is notified `with_host`, or
    if their calendar was sent the party.
    """
    holders = appointments.holders(party)
    told_of = set(changed).intersection(NOTIFY_ON)
    with_host = with_host or address_key(party.host.email) in holders
    loaded = joinedload(Rsvp.member), joinedload(Rsvp.invitation)
    statement = select(Rsvp).options(*loaded).where(Rsvp.party_id == party.id, Rsvp.status.in_(NOTIFIED))
    guests = [rsvp for rsvp in db.session.scalars(statement) if with_host or rsvp.member_id != party.host_id]
    if changed:
        guests = [rsvp for rsvp in guests if location.shows_change(party, told_of, rsvp)]
    number = sum(rsvp.member_id != party.host_id for rsvp in guests)
    invited: list[Invitation] = []
    if not changed or location.shows_change(party, told_of):
        invited = [row.invitation for row in recipients.select_not_answered(party, EmailTopic.INVITATIONS)]
        number += len(invited)
        told = {address_key(ics.recipient(rsvp).email) for rsvp in guests} | {each.email_key for each in invited}
        invited += _answered_elsewhere(party, holders - told)
    tell(party, [*guests, *invited])
    db.session.flush()
    return number


def _answered_elsewhere(party: DinnerParty, keys: set[str]) -> Sequence[Invitation]:
    """Return the invitations to the addresses with those keys that were answered with the account of another address."""
    if not keys:
        return []
    statement = (
        select(Invitation).join(Invitation.rsvp).where(Invitation.party_id == party.id, Rsvp.status.in_(NOTIFIED))
    )
    return db.session.scalars(statement.where(Invitation.email_key.in_(keys))).all()
