"""Guests answer in their calendars: a reply that arrives by e-mail counts like an answer by the personal link.

What proves who answers is the token in the address of the ORGANIZER, which only the guest was sent.
"""

import hashlib
import logging
from dataclasses import replace

from flask_babel import lazy_gettext
from sqlalchemy import select

from app import clock
from app.address_key import address_key
from app.crud.fields import clean_text
from app.errors import DomainError
from app.extensions import db
from app.parties import guest_addresses, queries
from app.parties.calendar import appointments, ics, replies
from app.parties.calendar.replies import Reply, Wish
from app.parties.enums import PartyStatus, RsvpStatus
from app.parties.models import MAX_NOTE_LENGTH, DinnerParty, Invitation, Rsvp
from app.parties.respondent import Respondent
from app.parties.rsvps import mail as rsvp_mail
from app.parties.rsvps import offers
from app.parties.rsvps import service as rsvp_service
from app.parties.rsvps.types import PartialAvailability, RsvpRequest
from app.parties.waiting_list import queries as waiting_list_queries
from app.parties.waiting_list import seats

ANSWERS = {Wish.YES: RsvpStatus.YES, Wish.NO: RsvpStatus.NO, Wish.MAYBE: RsvpStatus.MAYBE}
ONLY_THE_PAGE = lazy_gettext(
    "From your calendar you can say yes, no or maybe. You cannot propose another time or send somebody else."
)
FEWER_SEATS = lazy_gettext("Fewer seats than you asked for are held for you. Please decide whether you take them.")

logger = logging.getLogger(__name__)


def handle(reply_text: str, token: str) -> None:
    """Record the answer in an iCalendar object that came to the address with this key. What is no answer is ignored."""
    guest = guest_addresses.guest_of(token)
    respondent = _respondent(guest) if guest is not None else None
    if guest is None or respondent is None:
        logger.info("A calendar answered for %s, which is nobody's any more", token)
        return
    party, email = guest.party, ics.recipient(guest).email
    reply = replies.parse(reply_text, email)
    if reply is None or reply.uid != ics.uid(party):
        logger.info("A calendar sent something for %s that is no answer to the party", token)
        return
    seats.lock(party.id)
    db.session.refresh(party)
    digest = hashlib.sha256(reply_text.encode("utf-8", "surrogatepass")).hexdigest()
    if _is_over(party) or not appointments.take_reply(party, email, digest, reply.written_at):
        return
    _answer(party, guest, respondent, reply, digest)


def _answer(party: DinnerParty, guest: Rsvp | Invitation, respondent: Respondent, reply: Reply, digest: str) -> None:
    # A guest with an invitation may have answered since.
    known = queries.rsvp_of(party, respondent) or guest
    if reply.wish is Wish.OTHER:
        rsvp_mail.reply_refused(party, known, ONLY_THE_PAGE, digest)
        return
    saw_other_time = reply.starts_at != party.starts_at.replace(microsecond=0)
    if saw_other_time and appointments.is_outdated(party, ics.recipient(guest).email, reply.sequence):
        rsvp_mail.reply_outdated(party, known, digest)
        return
    try:
        with db.session.begin_nested():
            _record(party, respondent, reply)
    except DomainError as error:
        rsvp_mail.reply_refused(party, known, error.message, digest)


def _record(party: DinnerParty, respondent: Respondent, reply: Reply) -> None:
    """Record an answer for as many people as before. Raises DomainError like the services for answers on the page."""
    if reply.wish is Wish.NO and party.answers_until <= clock.now():
        # After the deadline a guest can still give up their seats.
        rsvp_service.withdraw(party, respondent)
        return
    if reply.wish is Wish.YES and _claim_offer(party, respondent):
        return
    note = (clean_text(reply.comment) or "")[:MAX_NOTE_LENGTH] or None
    request = RsvpRequest(ANSWERS[reply.wish], note=note)
    if isinstance(rsvp_service.rsvp(party, respondent, request), PartialAvailability):
        # A calendar cannot ask whether fewer would come.
        rsvp_service.rsvp(party, respondent, replace(request, wait=True))


def _claim_offer(party: DinnerParty, respondent: Respondent) -> bool:
    """Accept an open offer of all seats; return whether there is one. Raises DomainError if it is of fewer."""
    rsvp = queries.rsvp_of(party, respondent)
    offer = waiting_list_queries.pending_offer(rsvp) if rsvp is not None else None
    if rsvp is None or offer is None or not offer.is_open:
        return False
    if offer.seats < rsvp.party_size:
        raise DomainError(FEWER_SEATS)
    offers.claim(party, respondent)
    return True


def _respondent(guest: Rsvp | Invitation) -> Respondent | None:
    """Return who answers, or None if they can no longer do so."""
    invitation = guest if isinstance(guest, Invitation) else guest.invitation
    rsvp = guest if isinstance(guest, Rsvp) else _rsvp_by_email(guest)
    member = rsvp.member if rsvp is not None else None
    if isinstance(guest, Invitation) and (guest.revoked_at is not None or guest.is_anonymised):
        return None
    if member is not None:
        return Respondent(member, invitation) if member.is_active else None
    if invitation is None or invitation.revoked_at is not None:
        return None
    return Respondent(invitation=invitation, locale=invitation.locale, timezone=invitation.party.timezone)


def _rsvp_by_email(invitation: Invitation) -> Rsvp | None:
    """Return the RSVP of the invited person, who may have given it with an account."""
    same_email = Rsvp.email_key == address_key(invitation.email)
    statement = select(Rsvp).where(Rsvp.party_id == invitation.party_id, same_email).order_by(Rsvp.duplicate)
    return db.session.scalars(statement).first()


def _is_over(party: DinnerParty) -> bool:
    """Whether an answer changes nothing any more. Some calendars answer even a cancellation."""
    return party.is_past or party.status != PartyStatus.PUBLISHED
