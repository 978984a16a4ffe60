"""Sample data: members, and past, upcoming, full and open parties."""

import secrets
from collections.abc import Collection
from datetime import timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select

from app import audit, clock
from app.accounts import members, password_policy
from app.accounts.models import GUEST, Member, new_stamp
from app.accounts.users import service as user_service
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties import secret_links
from app.parties.enums import Course, PartyStatus, RsvpStatus, Visibility
from app.parties.hosting import service as hosting_service
from app.parties.invitations.models import Contact
from app.parties.models import CoHost, DinnerParty, Invitation, Rsvp
from app.parties.moderation.models import PartyReport
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


class SampleParty(NamedTuple):
    """A party `days` from now, at `hour` o'clock in the host's time zone. `guests` are pairs of username and status."""

    host: str
    title: str
    days: int
    hour: int
    seats: int
    venue: str
    area: str
    address: str
    main_dish: str
    description: str
    visibility: str
    guests: tuple[tuple[str, str], ...]
    # Requested dishes: the course, the dish, how many, and who brings what.
    requested: tuple[tuple[Course, str, int, tuple[tuple[str, str], ...]], ...] = ()
    # Guests without an invitation need approval.
    is_discreet: bool = False
    # Invited people without an account: name, e-mail address, and size of their party, or None without an RSVP.
    invited: tuple[tuple[str, str, int | None], ...] = ()


PARTIES = (
    SampleParty("ana", "Paella on the terrace", 9, 20, 8, "Casa Ferrer", "Lavapiés, Madrid", "Calle del Olmo 12, Madrid", "Paella valenciana",
     "Bring a jumper: the terrace is lovely, and cool after ten.", Visibility.PUBLIC, (("tom", RsvpStatus.YES), ("ines", RsvpStatus.YES))),
    SampleParty("layla", "عشاء منسف", 16, 19, 4, "بيت ليلى", "جبل عمّان", "شارع الرينبو ٧، عمّان", "منسف",
     "نبدأ بالشاي بالميرمية وننتهي بالكنافة.", Visibility.PUBLIC,
     (("omar", RsvpStatus.YES), ("mei", RsvpStatus.YES), ("ana", RsvpStatus.YES), ("tom", RsvpStatus.WAITLISTED))),
    SampleParty("tom", "Sunday roast", 23, 14, 6, "The Whitakers'", "Leeds", "9 Larch Road, Leeds", "Roast beef and Yorkshire pudding",
     "Proper gravy. There is a nut roast for those who would rather.", Visibility.PUBLIC, (("mei", RsvpStatus.YES), ("layla", RsvpStatus.YES)),
     ((Course.SIDE, "Roast vegetables", 2, (("layla", "Carrots with cumin"),)), (Course.DESSERT, "Pudding", 1, (("mei", ""),)),
      (Course.DRINK, "Wine, or something without", 3, ()))),
    SampleParty("mei", "Nabe night", 30, 19, 5, "Mei's kitchen", "Yanaka, Tokyo", "2-4-8 Yanaka, Tokyo", "Kimchi nabe",
     "One pot in the middle, everybody around it.", Visibility.PUBLIC, (("omar", RsvpStatus.AWAITING_APPROVAL), ("tom", RsvpStatus.YES)), is_discreet=True),
    SampleParty("ana", "Family lunch", 5, 14, 10, "Casa Ferrer", "Lavapiés, Madrid", "Calle del Olmo 12, Madrid", "Cocido", "", Visibility.PRIVATE, (),
          invited=(("Abuela Carmen", "carmen@example.org", 2), ("Tío Paco", "paco@example.org", None),
                   ("Lucía", "lucia@example.org", None))),
    SampleParty("ines", "Noche de moles", -20, 20, 6, "Casa Robles", "Ciudad de México", "Coyoacán, Ciudad de México", "Mole negro",
     "Tres moles, mucho mezcal.", Visibility.PUBLIC, (("ana", RsvpStatus.YES), ("layla", RsvpStatus.YES))),
)  # fmt: skip


class PastDinners(NamedTuple):
    """Private dinners of the last year, one every so many months."""

    host: str
    title: str
    every: int
    hour: int
    seats: int
    venue: str
    main_dish: str


# What the first dashboards show.
PAST = (
    PastDinners("ana", "Arroz del domingo", 1, 14, 8, "Casa Ferrer", "Arroz al horno"),
    PastDinners("layla", "سهرة المقلوبة", 2, 19, 7, "بيت ليلى", "مقلوبة"),
    PastDinners("tom", "Curry and cards", 2, 19, 6, "The Whitakers'", "Lamb curry"),
    PastDinners("mei", "Gyoza evening", 3, 18, 6, "Mei's kitchen", "Gyoza"),
)
MONTHS, DAYS_OF_MONTH = 11, 30


def add() -> list[str]:
    """Add the sample data to an empty database and return the usernames; return an empty list if there are members."""
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
    for place, member in enumerate(people.values()):
        member.joined_at = clock.now() - timedelta(days=DAYS_OF_MONTH * (MONTHS - place))
    for sample in PARTIES:
        _add_party(people, sample)
    db.session.add_all(
        _past_party(people, dinners, month) for dinners in PAST for month in range(1, MONTHS + 1, dinners.every)
    )
    db.session.flush()
    return list(people)


class Removal(NamedTuple):
    """What `remove` did: usernames, and titles of parties. Who is disabled has no password and cannot log in."""

    removed: list[str]
    parties: list[str]
    disabled: list[str]
    kept_parties: list[str]


def remove() -> Removal:
    """Delete the sample members and parties, unless other people or other parties need them.

    A member whose name, address or password was changed is nobody of the sample any more. Raises DomainError if no
    administrator would be left.
    """
    found = db.session.scalars(select(Member).where(_is_sample()).order_by(Member.id))
    people = {member.id: member for member in found if _is_as_made(member)}
    user_service.refuse_without_admin(people.values())
    parties = [party for party in _parties_of(people) if party.title in _titles(party.host.username)]
    kept = [party for party in parties if _is_used_by_others(party, people)]
    for party in parties:
        if party not in kept:
            audit.record("party_deleted", "party", party)
            db.session.delete(party)
    db.session.flush()
    needed = [member for member in people.values() if _is_needed(member)]
    for member in people.values():
        if member in needed:
            # This ends all logins.
            member.active, member.password, member.session_stamp = False, None, new_stamp()
        else:
            audit.record("member_deleted", "member", member)
            db.session.execute(delete(OutboxEmail).where(OutboxEmail.recipient_key == member.email_key))
            db.session.delete(member)
    db.session.flush()
    return Removal(
        [member.username for member in people.values() if member not in needed],
        [party.title for party in parties if party not in kept],
        [member.username for member in needed],
        [party.title for party in kept],
    )


def _is_sample() -> ColumnElement[bool]:
    """Condition: the member has the name and address of one of the sample."""
    return or_(
        *(
            and_(
                Member.username == username,
                Member.email == f"{username}@example.com",
                Member.first_name == first,
                Member.last_name == last,
            )
            for username, first, last, _locale, _zone in PEOPLE
        )
    )


def _is_as_made(member: Member) -> bool:
    return password_policy.matches(member.password, PASSWORD)


def _parties_of(people: Collection[int]) -> list[DinnerParty]:
    return list(db.session.scalars(select(DinnerParty).where(DinnerParty.host_id.in_(people)).order_by(DinnerParty.id)))


def _titles(username: str) -> set[str]:
    return {sample.title for sample in (*PARTIES, *PAST) if sample.host == username}


def _is_used_by_others(party: DinnerParty, people: Collection[int]) -> bool:
    """Whether somebody who is not of the sample was invited to a party, or has answered, helps or reported it."""
    invited = {email for sample in PARTIES if sample.title == party.title for _name, email, _size in sample.invited}
    others = (
        exists().where(Rsvp.party_id == party.id, Rsvp.member_id.not_in(people)),
        exists().where(Rsvp.party_id == party.id, Rsvp.member_id.is_(None), Rsvp.email.not_in(invited)),
        exists().where(Invitation.party_id == party.id, Invitation.email.not_in(invited)),
        exists().where(CoHost.party_id == party.id, CoHost.member_id.not_in(people)),
        exists().where(PartyReport.party_id == party.id),
    )
    return bool(db.session.scalar(select(or_(*others))))


def _is_needed(member: Member) -> bool:
    """Whether a party that stays has this member as its host, its co-host or a guest."""
    places = (DinnerParty.host_id, CoHost.member_id, Rsvp.member_id)
    return bool(db.session.scalar(select(or_(*(exists().where(column == member.id) for column in places)))))


def _add_party(people: dict[str, Member], sample: SampleParty) -> None:
    host = people[sample.host]
    zone = host.timezone or "UTC"
    day = clock.now().astimezone(ZoneInfo(zone)) + timedelta(days=sample.days)
    party = DinnerParty(
        title=sample.title,
        starts_at=day.replace(hour=sample.hour, minute=0, second=0, microsecond=0),
        timezone=zone,
        number_seats=sample.seats,
        venue=sample.venue,
        area=sample.area,
        address=sample.address,
        main_dish=sample.main_dish,
        description=sample.description,
        visibility=sample.visibility,
        approval=sample.is_discreet,
    )
    hosting_service.create_party(party, host)
    # Published here, because the service does not publish parties of the past.
    party.status = PartyStatus.PUBLISHED
    party.seats_taken = 1 + sum(status == RsvpStatus.YES for _guest, status in sample.guests)
    party.rsvps.extend(_rsvp(people[username], status) for username, status in sample.guests)
    db.session.flush()
    _request_dishes(party, people, sample)
    _invite(party, host, sample)


def _past_party(people: dict[str, Member], dinners: PastDinners, month: int) -> DinnerParty:
    """Return a dinner that took place: most guests came, some had declined, and one or the other did not show up."""
    host = people[dinners.host]
    day = clock.now().astimezone(ZoneInfo(host.timezone or "UTC")) - timedelta(days=DAYS_OF_MONTH * month)
    others = [guest for guest in people.values() if guest is not host]
    answers = [(host, RsvpStatus.CHECKED_IN), *((guest, _answer(month + n)) for n, guest in enumerate(others))]
    return DinnerParty(
        title=dinners.title,
        slug=hosting_service.new_slug(dinners.title, secrets.token_hex(6)),
        host=host,
        starts_at=day.replace(hour=dinners.hour, minute=0, second=0, microsecond=0),
        timezone=host.timezone or "UTC",
        number_seats=dinners.seats,
        seats_taken=sum(status != RsvpStatus.NO for _guest, status in answers),
        venue=dinners.venue,
        main_dish=dinners.main_dish,
        visibility=Visibility.PRIVATE,
        status=PartyStatus.DONE,
        rsvps=[_rsvp(guest, status) for guest, status in answers],
    )


def _answer(number: int) -> RsvpStatus:
    if number % 7 == 0:
        return RsvpStatus.NO_SHOW
    return RsvpStatus.NO if number % 3 == 0 else RsvpStatus.CHECKED_IN


def _request_dishes(party: DinnerParty, people: dict[str, Member], sample: SampleParty) -> None:
    potluck_service.set_requested_dishes(
        party,
        [RequestedDish(course, name, wanted) for course, name, wanted, _promised in sample.requested],
        expected=fingerprint([]),
    )
    slots = {slot.name: slot for slot in potluck_service.slots(party)}
    rsvps = {rsvp.member_id: rsvp for rsvp in party.rsvps}
    for _course, name, _wanted, promised in sample.requested:
        for username, what in promised:
            potluck_service.claim(party, rsvps[people[username].id], slots[name].id, 1, what)


def _invite(party: DinnerParty, host: Member, sample: SampleParty) -> None:
    """Add invitations without sending e-mails; some of them have an RSVP."""
    if not sample.invited:
        return
    party.share_round = 1
    for name, email, size in sample.invited:
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


def _rsvp(guest: Member, status: str) -> Rsvp:
    return Rsvp(
        member=guest,
        email=guest.email,
        name=guest.display_name,
        status=status,
        waitlisted_at=clock.now() if status == RsvpStatus.WAITLISTED else None,
        locale=guest.locale,
        timezone=guest.timezone,
    )
