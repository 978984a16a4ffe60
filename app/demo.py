"""A small set of members and parties to look around with: past and coming, full and free."""

from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from app import clock
from app.accounts import members
from app.accounts.models import GUEST, Member
from app.accounts.passwords import policy as password_policy
from app.extensions import db
from app.parties import secret_links
from app.parties.enums import Course, PartyStatus, RsvpStatus, Visibility
from app.parties.hosting import service as hosting_service
from app.parties.invitations.models import Contact
from app.parties.models import DinnerParty, Invitation, Rsvp
from app.parties.optimistic_lock import fingerprint
from app.parties.potluck import service as potluck_service
from app.parties.potluck.service import RequestedDish

PASSWORD = "dinner for eight"  # noqa: S105 - printed on purpose, and only ever on an empty database
PEOPLE = (
    ("ana", "Ana", "Ferrer", "es", "Europe/Madrid"),
    ("layla", "ليلى", "حداد", "ar", "Asia/Amman"),
    ("tom", "Tom", "Whitaker", "en", "Europe/London"),
    ("mei", "Mei", "Tanaka", "en", "Asia/Tokyo"),
    ("omar", "Omar", "Nasser", "ar", "Africa/Cairo"),
    ("ines", "Inés", "Robles", "es", "America/Mexico_City"),
)


class Table(NamedTuple):
    """A party to lay: `days` from now, at `hour` o'clock in its host's zone, with `guests` as (username, status)."""

    host: str
    title: str
    days: int
    hour: int
    seats: int
    venue: str
    address: str
    main_dish: str
    description: str
    visibility: str
    guests: tuple[tuple[str, str], ...]
    # What guests are asked to bring: the course, the dish, how many, and who brings what of it.
    asked: tuple[tuple[Course, str, int, tuple[tuple[str, str], ...]], ...] = ()
    # Whoever was not invited asks first, and those who come are told the address.
    is_discreet: bool = False
    # Who has no account here: a name, an address, and with how many they come, or None while they are silent.
    invited: tuple[tuple[str, str, int | None], ...] = ()


TABLES = (
    Table("ana", "Paella on the terrace", 9, 20, 8, "Casa Ferrer", "Calle del Olmo 12, Madrid", "Paella valenciana",
     "Bring a jumper: the terrace is lovely, and cool after ten.", Visibility.PUBLIC, (("tom", RsvpStatus.YES), ("ines", RsvpStatus.YES))),
    Table("layla", "عشاء منسف", 16, 19, 4, "بيت ليلى", "شارع الرينبو ٧، عمّان", "منسف",
     "نبدأ بالشاي بالميرمية وننتهي بالكنافة.", Visibility.PUBLIC,
     (("omar", RsvpStatus.YES), ("mei", RsvpStatus.YES), ("ana", RsvpStatus.YES), ("tom", RsvpStatus.WAITLISTED))),
    Table("tom", "Sunday roast", 23, 14, 6, "The Whitakers'", "9 Larch Road, Leeds", "Roast beef and Yorkshire pudding",
     "Proper gravy. There is a nut roast for those who would rather.", Visibility.PUBLIC, (("mei", RsvpStatus.YES), ("layla", RsvpStatus.YES)),
     ((Course.SIDE, "Roast vegetables", 2, (("layla", "Carrots with cumin"),)), (Course.DESSERT, "Pudding", 1, (("mei", ""),)),
      (Course.DRINK, "Wine, or something without", 3, ()))),
    Table("mei", "Nabe night", 30, 19, 5, "Mei's kitchen", "2-4-8 Yanaka, Tokyo", "Kimchi nabe",
     "One pot in the middle, everybody around it.", Visibility.PUBLIC, (("omar", RsvpStatus.AWAITING_APPROVAL), ("tom", RsvpStatus.YES)), is_discreet=True),
    Table("ana", "Family lunch", 5, 14, 10, "Casa Ferrer", "Calle del Olmo 12, Madrid", "Cocido", "", Visibility.PRIVATE, (),
          invited=(("Abuela Carmen", "carmen@example.org", 2), ("Tío Paco", "paco@example.org", None),
                   ("Lucía", "lucia@example.org", None))),
    Table("ines", "Noche de moles", -20, 20, 6, "Casa Robles", "Coyoacán, Ciudad de México", "Mole negro",
     "Tres moles, mucho mezcal.", Visibility.PUBLIC, (("ana", RsvpStatus.YES), ("layla", RsvpStatus.YES))),
)  # fmt: skip


def add() -> list[str]:
    """Add the set where nobody and nothing is there yet; return the usernames, or nothing."""
    if db.session.execute(select(func.count()).select_from(Member)).scalar_one():
        return []
    password = password_policy.hash_password(PASSWORD)
    people = {
        username: members.add_member(
            username=username,
            email=f"{username}@example.com",
            first_name=first,
            last_name=last,
            password_hash=password,
            role=GUEST,
            locale=locale,
            timezone=zone,
        )
        for username, first, last, locale, zone in PEOPLE
    }
    for table in TABLES:
        _lay(people, table)
    return list(people)


def _lay(people: dict[str, Member], table: Table) -> None:
    host = people[table.host]
    zone = host.timezone or "UTC"
    party = DinnerParty(
        title=table.title,
        starts_at=_at(table.days, table.hour, zone),
        timezone=zone,
        number_seats=table.seats,
        venue=table.venue,
        address=table.address,
        main_dish=table.main_dish,
        description=table.description,
        visibility=table.visibility,
        approval=table.is_discreet,
        address_for_guests=table.is_discreet,
    )
    hosting_service.create_party(party, host)
    # Published after it was laid: a party of the past could not be, but the demo wants one.
    party.status = PartyStatus.PUBLISHED
    party.seats_taken = 1 + sum(status == RsvpStatus.YES for _guest, status in table.guests)
    party.rsvps.extend(_answer(people[username], status) for username, status in table.guests)
    db.session.flush()
    _ask_for_dishes(party, people, table)
    _invite(party, host, table)


def _ask_for_dishes(party: DinnerParty, people: dict[str, Member], table: Table) -> None:
    potluck_service.set_requested_dishes(
        party,
        [RequestedDish(course, name, wanted) for course, name, wanted, _promised in table.asked],
        expected=fingerprint([]),
    )
    slots = {slot.name: slot for slot in potluck_service.slots(party)}
    rsvps = {rsvp.member_id: rsvp for rsvp in party.rsvps}
    for _course, name, _wanted, promised in table.asked:
        for username, what in promised:
            potluck_service.claim(party, rsvps[people[username].id], slots[name].id, 1, what)


def _invite(party: DinnerParty, host: Member, table: Table) -> None:
    """Invite people as if the letters had been sent long ago; one of them may have answered by their link."""
    if not table.invited:
        return
    party.share_round = 1
    for name, email, size in table.invited:
        invitation = Invitation(
            party=party, email=email, name=name, locale=host.locale, max_party=2, invited_by=host, sent_at=clock.now()
        )
        db.session.add_all([invitation, Contact(owner=host, email=email, name=name)])
        db.session.flush()
        secret_links.personal_token(invitation)
        if size is None:
            continue
        invitation.opened_at = clock.now()
        party.seats_taken += size
        rsvp = Rsvp(
            invitation=invitation, email=email, name=name, party_size=size, status=RsvpStatus.YES, locale=host.locale
        )
        party.rsvps.append(rsvp)
    db.session.flush()


def _answer(guest: Member, status: str) -> Rsvp:
    return Rsvp(
        member=guest,
        email=guest.email,
        name=guest.display_name,
        status=status,
        waitlisted_at=clock.now() if status == RsvpStatus.WAITLISTED else None,
        locale=guest.locale,
        timezone=guest.timezone,
    )


def _at(days: int, hour: int, zone: str) -> datetime:
    local = clock.now().astimezone(ZoneInfo(zone)) + timedelta(days=days)
    return local.replace(hour=hour, minute=0, second=0, microsecond=0)
