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
from app.outbox.models import INVITATIONS
from app.parties import mail, places, queries, rules
from app.parties.guests import Guest
from app.parties.models import CANCELLED, CLAIMED, DRAFT, OFFERED, PUBLISHED, SEATED, YES, CoHost, DinnerParty, Rsvp
from app.parties.queries import audiences
from app.parties.service import food, invitations, potluck, reminders, seats

# What a copy has of the party it was made from.
COPIED = (
    *("title", "timezone", "duration_minutes", "venue", "address", "main_dish", "description", "number_seats"),
    *("max_party", "visibility", "approval", "address_for_guests", "map_url"),
)
# A change of one of these is told to the guests.
TELLING = ("title", "starts_at", "timezone", "duration_minutes", "venue", "address")
SLUG_WORDS = 40


def lay(party: DinnerParty, host: Member, *, mark: str = "") -> None:
    """Add a new party; the host holds the first seat of it.

    Of two with the same title and `mark` the second raises IntegrityError; without one, no two are the same.
    """
    party.host = host
    party.slug = new_slug(party.title, mark or secrets.token_hex(6))
    party.seats_taken = 1
    refuse_past_publication(party)
    party.answers.append(_answer_of_host(host))
    db.session.add(party)
    reminders.lay(party)
    db.session.flush()


def amend(party: DinnerParty) -> int:
    """Store the changes made to `party`; return how many guests are told of them.

    New seats are offered to those who wait, a cancellation and a new time or place told to the guests. Raises
    DomainError when fewer seats are asked for than are taken, and StaleDataError when somebody else stored a change
    meanwhile.
    """
    with db.session.no_autoflush:
        before = seats.lock(party.id)
        lapsed = seats.void(party.id)
        taken = seats.lock(party.id).seats_taken if lapsed else before.seats_taken
        if party.number_seats < taken:
            message = lazy_gettext("%(taken)d seats are already taken; you cannot go below that.", taken=taken)
            raise DomainError(message, field="number_seats")
        changed = changed_columns(party)
        if "status" in changed:
            _refuse_strange_status(party)
            refuse_past_publication(party)
        if changed.intersection(TELLING) or "status" in changed:
            party.ics_sequence += 1
        db.session.flush()
    if lapsed:
        seats.put_back(lapsed)
    told = _follow(party, changed, more=party.number_seats - before.number_seats)
    db.session.refresh(party, ["seats_taken"])
    return told


def _follow(party: DinnerParty, changed: set[str], *, more: int) -> int:
    """Do what follows from a change that was stored, of `more` seats among others; return how many are told."""
    ends = party.status != PUBLISHED and "status" in changed
    told = 0
    if ends and party.status == CANCELLED:
        # Before the offers are taken back: whoever has one is told to forget the evening, too.
        told = _tell(party, mail.party_cancelled) + _tell_invited(party, mail.invitation_cancelled)
    if ends:
        seats.revoke_all(party.id)
    if party.status == CANCELLED:
        return told
    _seat_host(party)
    if party.status != PUBLISHED:
        return 0
    if changed.intersection(TELLING) and not party.is_past:
        told = _tell(party, mail.party_changed, changed) + _tell_invited(party, mail.invitation_changed, changed)
    if "status" in changed:
        told += invitations.send_waiting(party)
    if changed.intersection({"starts_at", "rsvp_deadline"}):
        seats.shorten_offers(party.id, party.answers_until)
    seats.free(party.id, unseen=max(more, 0))
    return told


def cancel(party: DinnerParty) -> int:
    """Cancel a party; return how many guests are told. Raises DomainError when there is nothing to cancel."""
    if party.status == CANCELLED:
        raise DomainError(lazy_gettext("This party was cancelled."), "info")
    if party.is_past:
        raise DomainError(lazy_gettext("This party has begun; it cannot be cancelled any more."))
    party.status = CANCELLED
    return amend(party)


def copy(party: DinnerParty, host: Member) -> DinnerParty:
    """Lay a draft like `party` for `host`, on the same weekday of a coming week.

    It has its table, its menu, what guests bring, and its zone.
    """
    weeks = max(1, -(-(clock.now() - party.starts_at) // timedelta(weeks=1)))
    zone = ZoneInfo(party.timezone)
    # Counted on the clock on the wall: seven o'clock stays seven o'clock when the clocks change.
    starts_at = (party.starts_at.astimezone(zone) + weeks * timedelta(weeks=1)).astimezone(UTC)
    twin = DinnerParty(status=DRAFT, starts_at=starts_at, **{name: getattr(party, name) for name in COPIED})
    lay(twin, host)
    food.set_menu(twin, [food.Dish(item.course, item.name, item.allergens, item.diets) for item in food.menu(party)])
    potluck.copy(party, twin)
    reminders.copy(party, twin)
    return twin


def add_co_host(party: DinnerParty, username: str) -> Member:
    """Let the member with that name host beside the owner, and write to them. Raises DomainError, at "username"."""
    member = queries.member_by_username(username.strip())
    if member is None:
        raise DomainError(lazy_gettext("Nobody here is called that."), field="username")
    if member.id == party.host_id or member in party.co_hosts:
        raise DomainError(
            lazy_gettext("%(name)s hosts this party already.", name=member.display_name), "info", field="username"
        )
    db.session.add(CoHost(party_id=party.id, member_id=member.id))
    db.session.flush()
    db.session.expire(party, ["co_hosts"])
    mail.co_host(party, member)
    return member


def remove_co_host(party: DinnerParty, member: Member) -> None:
    """Let a member host no more; raises DomainError when they did not."""
    gone = delete(CoHost).where(CoHost.party_id == party.id, CoHost.member_id == member.id).returning(CoHost.member_id)
    if db.session.execute(gone).first() is None:
        raise DomainError(lazy_gettext("Nothing changed: they did not host this party."), "warning")


def changed_columns(party: DinnerParty) -> set[str]:
    """Return the columns of `party` that hold another value than the database."""
    state: InstanceState[DinnerParty] = inspect(party)
    return {column.key for column in state.mapper.column_attrs if state.attrs[column.key].history.has_changes()}


def _refuse_strange_status(party: DinnerParty) -> None:
    state: InstanceState[DinnerParty] = inspect(party)
    before = next(iter(state.attrs.status.history.deleted or ()), party.status)
    if party.status not in {before, *rules.NEXT_STATUSES[before]}:
        message = lazy_gettext("A party cannot go back to this status; lay another one.")
        raise DomainError(message, field="status")


def refuse_past_publication(party: DinnerParty) -> None:
    """Refuse to publish what nobody could come to."""
    if party.status == PUBLISHED and party.is_past:
        raise DomainError(lazy_gettext("The party must start in the future."), field="starts_at")


def _seat_host(party: DinnerParty) -> None:
    """Give a new host a seat at the table that is theirs now."""
    answer = queries.answer_of(party, Guest(party.host))
    if answer is not None and answer.status in SEATED:
        return
    if answer is not None and answer.status == OFFERED:
        held = seats.end_offer(answer, CLAIMED)
        answer.status, answer.party_size, answer.min_party, answer.waitlisted_at = YES, 1, 1, None
        db.session.flush()
        seats.free(party.id, held - 1)
        return
    if not seats.take_first(party.id):
        raise DomainError(lazy_gettext("The table is full: there is no seat for a new host."), field="host")
    if answer is None:
        answer = _answer_of_host(party.host)
        answer.party_id = party.id
        db.session.add(answer)
    answer.status, answer.party_size, answer.min_party, answer.waitlisted_at = YES, 1, 1, None
    db.session.flush()


def _answer_of_host(host: Member) -> Rsvp:
    return Rsvp(
        member=host,
        email=host.email,
        name=host.display_name,
        status=YES,
        locale=host.locale,
        timezone=host.timezone,
    )


def new_slug(title: str, mark: str) -> str:
    """Return a readable address for `title`; the `mark` keeps it from being guessed from another one."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = "-".join("".join(c if c.isalnum() else " " for c in plain).split())[:SLUG_WORDS].strip("-")
    return f"{words or 'dinner'}-{mark}"


def _tell(party: DinnerParty, letter: mail.PartyLetter, changed: set[str] | None = None) -> int:
    statement = (
        select(Rsvp).options(joinedload(Rsvp.member)).where(Rsvp.party_id == party.id, Rsvp.status.in_(rules.CONCERNED))
    )
    guests = [answer for answer in db.session.scalars(statement) if answer.member_id != party.host_id]
    if changed is not None and changed.intersection(TELLING) == {"address"}:
        guests = [answer for answer in guests if places.shows_address(party, answer)]
    for answer in guests:
        letter(party, answer)
    return len(guests)


def _tell_invited(party: DinnerParty, letter: mail.InvitationLetter, changed: set[str] | None = None) -> int:
    """Write to those who were invited and have not answered; return how many they are."""
    if changed is not None and changed.intersection(TELLING) == {"address"} and not places.shows_address(party):
        return 0
    silent = audiences.silent(party, INVITATIONS)
    for invitation, _member in silent:
        letter(party, invitation)
    db.session.flush()
    return len(silent)
