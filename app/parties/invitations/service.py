"""Hosts invite people by name, and guests ask for a link themselves where a host has shared one.

Whoever invites holds the party first (`seats.lock`): of two who invite the same person at once, the second one sees
what the first has stored, and none is forgotten by whoever publishes the party at that moment.
"""

from collections.abc import Sequence
from typing import NamedTuple

from flask_babel import lazy_gettext
from sqlalchemy import func, select, update

from app import clock
from app.accounts.models import Member
from app.errors import DomainError
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.outbox.service import supersede
from app.parties import rules
from app.parties.enums import PartyStatus, RsvpStatus
from app.parties.invitations import contacts
from app.parties.invitations import mail as invitation_mail
from app.parties.invitations import queries as invitation_queries
from app.parties.invitations.import_list import ImportEntry
from app.parties.models import DinnerParty, Invitation, Rsvp
from app.parties.rsvps.service import closed_error
from app.parties.waiting_list import seats

# Of each kind that others can have sent to a mailbox.
LETTERS_PER_MAILBOX_AND_DAY = 3
PARTY_OVER = lazy_gettext("This party is over. You can no longer invite guests.")
PARTY_CANCELLED = lazy_gettext("This party was cancelled. You can no longer invite guests.")
DEADLINE_PASSED = lazy_gettext("The answer deadline has passed. Set a later one before you invite anyone.")


class InviteResult(NamedTuple):
    """What became of those who were to be invited; `late` are too many for one day."""

    added: int
    skipped: int
    late: int = 0


# -- hosts


def why_closed(party: DinnerParty) -> object | None:
    """Return why nobody can be invited to a party any more, or None when people can. A draft's wait for it."""
    now = clock.now()
    if party.status == PartyStatus.DRAFT:
        return None
    if party.status == PartyStatus.CANCELLED:
        return PARTY_CANCELLED
    if party.status != PartyStatus.PUBLISHED or party.starts_at <= now:
        return PARTY_OVER
    return DEADLINE_PASSED if party.answers_until <= now else None


def invite(party: DinnerParty, host: Member, entries: Sequence[ImportEntry], locale: str) -> InviteResult:
    """Invite those who are not invited yet, as many as a day allows; return what became of them.

    The letters are written at once, or when a draft is published. Raises DomainError when nobody can be invited any
    more.
    """
    status = _lock_party(party)
    wanted = {entry.email.lower(): entry for entry in reversed(entries)}
    known = invitation_queries.emails_of_guests(party, list(wanted))
    fresh = [entry for entry in entries if entry is wanted[entry.email.lower()] and entry.email.lower() not in known]
    now = fresh[: invitation_queries.left_today(host)]
    stored = _store(party, host, now, locale)
    contacts.remember(host, now)
    if status == PartyStatus.PUBLISHED:
        for invitation in stored:
            _send(party, invitation)
    return InviteResult(len(stored), len(entries) - len(fresh) + len(now) - len(stored), len(fresh) - len(now))


def invite_again(invitation: Invitation, *, seen: int) -> None:
    """Invite somebody again: links they were sent before open nothing any more, and who was removed may answer.

    Raises DomainError when nobody can be invited any more, when this was done since `seen`, the round on the page, or
    when their mailbox has had its share of it today.
    """
    party = invitation.party
    status = _lock_party(party)
    db.session.refresh(invitation)
    if invitation.is_forgotten:
        raise DomainError(
            lazy_gettext("The data of this person has been deleted. There is no e-mail address to write to."), "warning"
        )
    if invitation.round != seen:
        raise DomainError(lazy_gettext("Nothing changed: they have just been invited again."), "warning")
    about = f"party_invitation:{invitation.id}:"
    mine = OutboxEmail.dedupe_key.startswith(about, autoescape=True)
    if invitation_queries.written_today("party_invitation", invitation.email, mine) >= LETTERS_PER_MAILBOX_AND_DAY:
        message = lazy_gettext("%(email)s was invited several times today. Try again tomorrow.", email=invitation.email)
        raise DomainError(message, "warning")
    supersede("party_invitation", invitation.email, about)
    invitation.round += 1
    invitation.sent_at = invitation.opened_at = invitation.reminded_at = invitation.revoked_at = None
    _let_answer(party, [invitation])
    if status == PartyStatus.PUBLISHED:
        _send(party, invitation)
    db.session.flush()


def revoke(invitation: Invitation) -> None:
    """Take an invitation back: its links open nothing any more. What was answered stays.

    Raises DomainError when that was done already.
    """
    seats.lock(invitation.party_id)
    db.session.refresh(invitation)
    if invitation.revoked_at is not None:
        raise DomainError(lazy_gettext("Nothing changed: this invitation has already been withdrawn."), "warning")
    invitation.revoked_at = clock.now()
    # Whoever mistyped an address has a moment until the letter goes.
    for kind in ("party_invitation", "personal_link"):
        supersede(kind, invitation.email, f"{kind}:{invitation.id}:")
    db.session.flush()


def send_waiting(party: DinnerParty) -> int:
    """Write the invitations of a party that has just been published; return how many. The party is held already."""
    waiting = invitation_queries.unsent(party)
    for invitation in waiting:
        _send(party, invitation)
    db.session.flush()
    return len(waiting)


# -- guests


def record_opened(invitation: Invitation, rsvp: Rsvp | None) -> None:
    """Note that an invitation was seen, and by whom, where they have answered already."""
    if invitation.opened_at is None:
        invitation.opened_at = clock.now()
    is_free = db.session.scalar(select(Rsvp.id).where(Rsvp.invitation_id == invitation.id)) is None
    if rsvp is not None and rsvp.invitation_id is None and is_free:
        rsvp.invitation_id = invitation.id
    db.session.flush()


def ask_for_link(party: DinnerParty, who: ImportEntry, locale: str) -> None:
    """Write a personal link to somebody who came by the share link. Nothing tells whether anybody was written to.

    Whoever is invited already is sent the link they have; whose invitation was taken back, none. Raises DomainError
    when the party takes no answers any more.
    """
    reason = rules.closed_reason(party.status, party.answers_until, clock.now())
    if reason is not None:
        raise closed_error(reason)
    seats.lock(party.id)
    invitation = invitation_queries.by_address(party, who.email)
    if invitation is None and invitation_queries.left_to_ask_today(party):
        asked = _store(party, None, [who._replace(number=party.max_party)], locale)
        invitation = next(iter(asked), None)
    written = invitation_queries.written_today("personal_link", who.email)
    if invitation is None or invitation.revoked_at is not None or written >= LETTERS_PER_MAILBOX_AND_DAY:
        invitation_mail.personal_link_decoy(party)
        return
    invitation.sent_at = invitation.sent_at or clock.now()
    invitation_mail.personal_link(party, invitation)
    db.session.flush()


# -- the share link


def renew_share_link(party: DinnerParty, *, seen: int) -> None:
    """Make a link that opens the party to whoever has it; one that was shared before opens nothing any more.

    Raises DomainError when somebody else has changed it since `seen`, the round on the page.
    """
    _set_share_round(party, seen, abs(seen) + 1)


def stop_share_link(party: DinnerParty, *, seen: int) -> None:
    """Let the share link open nothing any more; raises DomainError like `renew_share_link`."""
    # Counted on below zero: the next one must not be one that was shared before.
    _set_share_round(party, seen, -abs(seen))


def _set_share_round(party: DinnerParty, seen: int, number: int) -> None:
    # Not by the row: its version would count, and the form of a host who edits the party would be out of date.
    statement = (
        update(DinnerParty)
        .where(DinnerParty.id == party.id, DinnerParty.share_round == seen)
        .values(share_round=number)
        .returning(DinnerParty.id)
    )
    if number == seen or db.session.execute(statement).first() is None:
        raise DomainError(lazy_gettext("Nothing changed: the link has just been changed."), "warning")
    db.session.expire(party, ["share_round"])


# -- inside


def _lock_party(party: DinnerParty) -> str:
    """Hold the party until the end of the transaction and return its status, if people can be invited to it."""
    seats.lock(party.id)
    # Letters tell what is so now: a co-host may have changed it just before.
    db.session.refresh(party)
    reason = why_closed(party)
    if reason is not None:
        raise DomainError(reason)
    return party.status


def _store(party: DinnerParty, host: Member | None, entries: Sequence[ImportEntry], locale: str) -> list[Invitation]:
    """Store invitations, but for those that are there already; return the new ones."""
    if not entries:
        return []
    now = clock.now()
    rows = [
        {
            "party_id": party.id,
            "email": entry.email,
            "name": entry.name,
            "locale": locale,
            "max_party": entry.number or party.max_party,
            "round": 1,
            "invited_by_id": host.id if host else None,
            "created_at": now,
        }
        for entry in entries
    ]
    statement = contacts.insert(Invitation).values(rows)
    statement = statement.on_conflict_do_nothing(index_elements=[Invitation.party_id, func.lower(Invitation.email)])
    stored = list(db.session.scalars(statement.returning(Invitation)))
    _let_answer(party, stored)
    return sorted(stored, key=lambda invitation: invitation.id)


def _send(party: DinnerParty, invitation: Invitation) -> None:
    invitation.sent_at = clock.now()
    invitation_mail.party_invitation(party, invitation)


def _let_answer(party: DinnerParty, invitations: Sequence[Invitation]) -> None:
    """Give those who are invited the answers they have given before; who was removed may answer again.

    Somebody else who has answered by a link, because it was forwarded, keeps their answer, and the link is free.
    """
    by_id = {invitation.id: invitation for invitation in invitations}
    by_address = {invitation.email.lower(): invitation for invitation in invitations}
    same = Rsvp.invitation_id.in_(list(by_id)) | func.lower(Rsvp.email).in_(list(by_address))
    found = list(db.session.scalars(select(Rsvp).where(Rsvp.party_id == party.id, same)))
    for rsvp in found:
        by_link = by_id.get(rsvp.invitation_id or 0)
        if by_link is not None and rsvp.member_id is not None and rsvp.email.lower() != by_link.email.lower():
            rsvp.invitation_id = None
    db.session.flush()
    for rsvp in found:
        invitation = by_id.get(rsvp.invitation_id or 0) or by_address.get(rsvp.email.lower())
        if invitation is not None:
            _release_rsvp(rsvp, invitation)
    db.session.flush()


def _release_rsvp(rsvp: Rsvp, invitation: Invitation) -> None:
    rsvp.invitation_id = rsvp.invitation_id or invitation.id
    if rsvp.status == RsvpStatus.REMOVED:
        rsvp.status = RsvpStatus.WITHDRAWN
