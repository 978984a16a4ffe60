"""The personal data of a member in tables of parties: its export, and its erasure with the account."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, or_, select, union, update
from sqlalchemy.orm import joinedload, selectinload

from app import clock
from app.accounts.models import Member
from app.accounts.privacy.data_export import Archive, batched, in_batches, mappings, pick
from app.accounts.signals import member_erasing, member_exporting
from app.address_key import address_key
from app.extensions import db
from app.i18n.selectors import force_locale
from app.parties import rules
from app.parties.calendar import appointments, ics
from app.parties.calendar import service as calendar_service
from app.parties.calendar.models import CalendarEntry, CalendarFeed
from app.parties.enums import SEATED, WITHDRAWABLE, PartyStatus, RsvpStatus
from app.parties.invitations.models import Contact
from app.parties.menu.models import MenuItem
from app.parties.messages.models import GuestMessage
from app.parties.models import ANONYMISED_DOMAIN, CoHost, DinnerParty, Invitation, PartySeries, Rsvp, RsvpPerson
from app.parties.moderation.models import PartyReport
from app.parties.potluck.models import DishClaim, DishSlot
from app.parties.privacy import retention
from app.parties.respondent import Respondent
from app.parties.rsvps import service as rsvp_service
from app.parties.series import service as series_service
from app.parties.waiting_list import seats

HOSTED = (
    *("title", "slug", "starts_at", "timezone", "duration_minutes", "venue", "area", "address", "main_dish"),
    *("description", "map_url", "address_for_guests", "answers_by_email", "shows_guests", "number_seats"),
    *("seats_taken", "max_party", "approval", "rsvp_deadline"),
    *("visibility", "status", "hidden_at", "hidden_reason", "created_at"),
)
MENU_ITEM, REQUESTED_DISH = ("course", "name", "allergens", "diets"), ("course", "name", "wanted", "claimed")
PERSON = ("name", "diets", "allergens", "note")
ATTENDED = ("title", "slug", "starts_at", "timezone")
RSVP = (
    *("status", "party_size", "min_party", "name", "email", "note", "locale", "timezone", "answered_at"),
    *("waitlisted_at", "approved_at", "checked_in_at", "shows_name"),
)
INVITATION = (
    *(
        "name",
        "email",
        "locale",
        "max_party",
        "asked_by_guest",
        "created_at",
        "sent_at",
        "opened_at",
        "reminded_at",
        "revoked_at",
    ),
)
CALENDAR_ENTRY = ("method", "sequence")
CONTACT = ("name", "email", "invited_at")
CLAIM = ("dish", "quantity", "created_at")
MESSAGE = ("subject", "text", "statuses", "recipients", "created_at")
SERIES = ("title", "frequency", "every", "created_at")
REPORT = ("reason", "note", "state", "created_at", "decided_at")


def connect() -> None:
    """Subscribe to the signals of accounts."""
    member_exporting.connect(_export)
    member_erasing.connect(_erase)


# -- export


def _export(member: Member, *, archive: Archive) -> None:
    archive.add_json("parties.json", _hosted(member))
    pictures = select(DinnerParty.slug, DinnerParty.picture).where(DinnerParty.picture.is_not(None))
    for slug, picture in in_batches(pictures.where(DinnerParty.host_id == member.id).order_by(DinnerParty.id)):
        archive.add_image(f"pictures/{slug}", picture)
    archive.add_json("answers.json", _answers(member))
    archive.add_json("series.json", mappings(SERIES, PartySeries, PartySeries.host_id == member.id))
    archive.add_json("people.json", _people(member))
    archive.add_json("hosting_with_others.json", _co_hosted(member))
    sent = _with_party(Invitation, INVITATION, Invitation.invited_by_id == member.id)
    archive.add_json("invitations.json", {"sent": sent, "received": _received_by(member)})
    archive.add_json("address_book.json", mappings(CONTACT, Contact, Contact.owner_id == member.id))
    archive.add_json("brought.json", _claims(member))
    archive.add_json("messages.json", _with_party(GuestMessage, MESSAGE, GuestMessage.author_id == member.id))
    archive.add_json("reports.json", _with_party(PartyReport, REPORT, PartyReport.reporter_id == member.id))
    feed = db.session.get(CalendarFeed, member.id)
    since = feed.created_at if feed else None
    archive.add_json("calendar.json", {"secret_address_since": since, "sent": _calendar_entries(member)})
    archive.add_text("dinners.ics", ics.streamed(lambda: _dinners(member)))


def _hosted(member: Member) -> Iterator[dict[str, Any]]:
    """Yield the member's parties with their menus and requested dishes."""
    for parties in batched(in_batches(_select_hosted(member))):
        menus, requested = _by_party(MenuItem, parties), _by_party(DishSlot, parties)
        for party in parties:
            yield {
                **pick(party, HOSTED),
                "menu": [pick(item, MENU_ITEM) for item in menus[party.id]],
                "asked_for": [pick(slot, REQUESTED_DISH) for slot in requested[party.id]],
            }


def _by_party(model: Any, parties: Sequence[DinnerParty]) -> dict[int, list[Any]]:
    found = defaultdict(list)
    for row in db.session.scalars(
        select(model).where(model.party_id.in_([party.id for party in parties])).order_by(model.id)
    ):
        found[row.party_id].append(row)
    return found


def _answers(member: Member) -> Iterator[dict[str, Any]]:
    for rsvp in in_batches(_select_rsvps(member)):
        # Guests who were removed no longer see a private party.
        party = _party(rsvp.party, member, is_guest=rsvp.status != RsvpStatus.REMOVED)
        yield {**pick(rsvp, RSVP), "party": party}


def _people(member: Member) -> Iterator[dict[str, Any]]:
    statement = select(*(getattr(RsvpPerson, column) for column in PERSON))
    statement = statement.join(Rsvp, Rsvp.id == RsvpPerson.rsvp_id).join(Rsvp.party).where(is_of(member))
    ordered = statement.order_by(DinnerParty.starts_at, Rsvp.id, RsvpPerson.position)
    return (row._asdict() for row in in_batches(ordered))


def _party(party: DinnerParty, member: Member, *, is_guest: bool) -> dict[str, Any] | None:
    visible = rules.is_visible(
        visibility=party.visibility,
        status=party.status,
        is_hidden=party.hidden_at is not None,
        is_host=party.host_id == member.id,
        is_guest=is_guest,
        is_staff=False,
    )
    return pick(party, ATTENDED) if visible else None


def _co_hosted(member: Member) -> Iterator[dict[str, Any]]:
    statement = select(*(getattr(DinnerParty, column) for column in ATTENDED), CoHost.created_at.label("since"))
    statement = statement.join(CoHost, CoHost.party_id == DinnerParty.id).where(CoHost.member_id == member.id)
    return (row._asdict() for row in in_batches(statement.order_by(CoHost.created_at)))


def _received_by(member: Member) -> Iterator[dict[str, Any]]:
    """Yield the invitations that were sent to the member. Those of drafts are not sent yet, and stay with their host."""
    sent = select(Invitation).where(_is_to(member), Invitation.sent_at.is_not(None)).order_by(Invitation.id)
    for row in in_batches(sent.options(joinedload(Invitation.party))):
        yield {**pick(row, INVITATION), "party": _party(row.party, member, is_guest=row.revoked_at is None)}


def _claims(member: Member) -> Iterator[dict[str, Any]]:
    statement = select(*(getattr(DishClaim, column) for column in CLAIM), DishSlot.name.label("asked_for"))
    statement = statement.join(DishClaim.slot).join(Rsvp, Rsvp.id == DishClaim.rsvp_id).where(is_of(member))
    return (row._asdict() for row in in_batches(statement.order_by(DishClaim.id)))


def _calendar_entries(member: Member) -> Iterator[dict[str, Any]]:
    statement = select(*(getattr(CalendarEntry, column) for column in CALENDAR_ENTRY), DinnerParty.title)
    statement = statement.join(DinnerParty, DinnerParty.id == CalendarEntry.party_id)
    own = statement.where(CalendarEntry.email == address_key(member.email)).order_by(DinnerParty.id)
    return ({**pick(row, CALENDAR_ENTRY), "party": {"title": row.title}} for row in in_batches(own))


def _with_party(model: Any, columns: Sequence[str], condition: ColumnElement[bool]) -> Iterator[dict[str, Any]]:
    """Yield rows that the member has written, each with its party, which they have seen."""
    statement = select(*(getattr(model, column) for column in columns), DinnerParty.title, DinnerParty.slug)
    statement = statement.join(model.party).where(condition).order_by(model.id)
    return ({**pick(row, columns), "party": {"title": row.title, "slug": row.slug}} for row in in_batches(statement))


def _dinners(member: Member) -> "Iterator[ics.Published]":
    """Yield the parties that the member hosts or has a seat at. Hosts and confirmed guests see the postal address."""
    seated = select(Rsvp.party_id).where(is_of(member), Rsvp.status.in_(SEATED))
    statement = select(DinnerParty).options(joinedload(DinnerParty.host))
    statement = statement.where(
        DinnerParty.status.in_((PartyStatus.PUBLISHED, PartyStatus.DONE)),
        DinnerParty.id.in_(union(select(DinnerParty.id).where(DinnerParty.host_id == member.id), seated)),
    )
    for party in in_batches(statement.order_by(DinnerParty.starts_at, DinnerParty.id)):
        yield ics.Published(party, with_address=True)


# -- erasure


def _erase(member: Member) -> str:
    """Cancel the member's coming parties, withdraw their RSVPs, and delete their personal data from the rows that stay.

    Past parties keep the number of their guests. Return what removes the coming parties from the member's calendar.
    """
    lock_parties(member)
    # First: the e-mails about what follows are deleted with the account.
    removals = appointments.remove_all(member.email_key)
    with force_locale(member.locale, member.timezone, member.hour_cycle):
        removed = "".join(write() for write in removals)
    hosted = db.session.scalars(_select_hosted(member)).all()
    series_service.cancel(party for party in hosted if party.is_cancellable)
    for party in hosted:
        # Not by _blank, so that the file is deleted, too.
        party.picture = None
    # The hosts are told.
    hosts = joinedload(Rsvp.party).options(joinedload(DinnerParty.host), selectinload(DinnerParty.co_hosts))
    for rsvp in db.session.scalars(_select_rsvps(member).options(hosts)).all():
        if rsvp.party.host_id != member.id and rsvp.status in WITHDRAWABLE and not rsvp.party.is_past:
            rsvp_service.withdraw(rsvp.party, Respondent(member))
    db.session.flush()
    calendar_service.stop(member)
    appointments.forget(CalendarEntry.email == address_key(member.email))
    db.session.execute(delete(CoHost).where(CoHost.member_id == member.id))
    _erase_contacts_and_invitations(member)
    _blank(
        GuestMessage,
        GuestMessage.author_id == member.id,
        author_id=None,
        subject="",
        text="",
        unwritten=[],
        is_written=True,
    )
    _blank(PartySeries, PartySeries.host_id == member.id, host_id=None)
    _blank(PartyReport, PartyReport.reporter_id == member.id, reporter_id=None, note="")
    rsvp_ids = select(Rsvp.id).where(is_of(member))
    db.session.execute(delete(RsvpPerson).where(RsvpPerson.rsvp_id.in_(rsvp_ids)))
    _blank(DishClaim, DishClaim.rsvp_id.in_(rsvp_ids), dish="")
    _blank(DinnerParty, DinnerParty.host_id == member.id, venue="", area="", address="", map_url="", description="")
    _blank(
        Rsvp,
        is_of(member),
        name="",
        email=f"{retention.ERASED}-{member.id}{ANONYMISED_DOMAIN}",
        email_key=f"{retention.ERASED}-{member.id}{ANONYMISED_DOMAIN}",
        note="",
        locale=None,
        timezone=None,
    )
    return removed


def _erase_contacts_and_invitations(member: Member) -> None:
    """Delete their address book, their entries in those of others, and their invitations."""
    same_email = Contact.email_key == address_key(member.email)
    db.session.execute(delete(Contact).where(or_(Contact.owner_id == member.id, same_email)))
    _blank(Invitation, Invitation.invited_by_id == member.id, invited_by_id=None)
    # They may have answered with a link that was sent to another e-mail address of theirs.
    opened = select(Rsvp.invitation_id).where(Rsvp.member_id == member.id, Rsvp.invitation_id.is_not(None))
    sent = select(Invitation.id).where(_is_to(member))
    retention.anonymise_invitations(Invitation.id.in_(union(sent, opened)), retention.ERASED)


def lock_parties(member: Member) -> None:
    """Lock the coming parties that concern the member until the end of the transaction.

    They are locked in the order of their keys. So two members who are erased at the same time cannot deadlock.
    """
    answered = select(Rsvp.party_id).where(is_of(member))
    invited = select(Invitation.party_id).where(_is_to(member))
    concerned = union(select(DinnerParty.id).where(DinnerParty.host_id == member.id), answered, invited)
    coming = select(DinnerParty.id).where(DinnerParty.starts_at > clock.now(), DinnerParty.id.in_(concerned))
    coming = coming.order_by(DinnerParty.id)
    for party_id in db.session.scalars(coming).all():
        seats.lock(party_id)


def _blank(model: Any, condition: ColumnElement[bool], **values: object) -> None:
    db.session.execute(update(model).where(condition).values(**values))


# -- queries


def _select_hosted(member: Member) -> Select[DinnerParty]:
    statement = select(DinnerParty).where(DinnerParty.host_id == member.id)
    return statement.order_by(DinnerParty.starts_at, DinnerParty.id)


def _select_rsvps(member: Member) -> Select[Rsvp]:
    statement = select(Rsvp).join(Rsvp.party).options(joinedload(Rsvp.party)).where(is_of(member))
    return statement.order_by(DinnerParty.starts_at, Rsvp.id)


def _is_to(member: Member) -> ColumnElement[bool]:
    """Condition: the invitation is to the member's e-mail address."""
    return Invitation.email_key == address_key(member.email)


def is_of(member: Member) -> ColumnElement[bool]:
    """Condition: the RSVP is the member's, given with their account or, before they had one, with their e-mail address."""
    without_account = and_(Rsvp.member_id.is_(None), Rsvp.email_key == address_key(member.email))
    return or_(Rsvp.member_id == member.id, without_account)
