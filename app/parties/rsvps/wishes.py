"""Visitors who want seats and have no account yet: what they asked for is remembered until they have one."""

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_ngettext

from app.accounts.models import Member
from app.accounts.registration.wishes import Wish, WishTexts
from app.errors import DomainError
from app.extensions import db
from app.parties import link_session, queries, rules
from app.parties.enums import RsvpStatus
from app.parties.models import DinnerParty
from app.parties.respondent import Respondent
from app.parties.rsvps import service as rsvp_service
from app.parties.rsvps import texts as rsvp_texts
from app.parties.rsvps.types import PartialAvailability, RsvpRequest
from app.parties.texts import Flash


def wish_for(party: DinnerParty, seats: int) -> Wish:
    """Return the wish of a visitor for seats; with it, the share link that they have opened."""
    shared = party.share_round if link_session.has_share_link(party) else 0
    return {"party": party.id, "seats": min(max(seats, 1), party.max_party), "shared": shared}


def describe(wish: Wish) -> WishTexts | None:
    party = db.session.get(DinnerParty, wish["party"])
    if party is None or not party.is_open:
        return None
    sentence = lazy_ngettext(
        "Then we reserve %(num)d seat at “%(title)s” for you.",
        "Then we reserve %(num)d seats at “%(title)s” for you.",
        wish["seats"],
        title=party.title,
    )
    button = lazy_ngettext("Activate and take my seat", "Activate and take my %(num)d seats", wish["seats"])
    return WishTexts(sentence, button, url_for("PartyView.show", slug=party.slug, seats=wish["seats"]))


def grant(member: Member, wish: Wish) -> Flash | None:
    """Reserve the seats for a new member, or put them on the waiting list; return what came of it."""
    found = db.session.get(DinnerParty, wish["party"])
    row = queries.party_and_invitation(found.slug, member) if found else None
    if row is None:
        return None
    party, invitation = row
    by_share_link = 0 < party.share_round == wish["shared"] and party.hidden_at is None
    guest = Respondent(member, invitation, by_share_link, member.locale, member.timezone)
    visible = rules.is_visible(
        visibility=party.visibility,
        status=party.status,
        is_hidden=party.hidden_at is not None,
        is_host=False,
        is_guest=guest.is_invited,
        is_staff=False,
    )
    if not visible:
        return None
    try:
        with db.session.begin_nested():
            result = rsvp_service.rsvp(party, guest, RsvpRequest(RsvpStatus.YES, wish["seats"], wait=True))
    except DomainError as error:
        return _("No seat was reserved: %(reason)s", reason=error), "warning"
    return None if isinstance(result, PartialAvailability) else rsvp_texts.answered(party, result)
