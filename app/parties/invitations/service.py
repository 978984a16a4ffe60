"""Hosts invite guests, and visitors with the share link ask for personal links.

Inviting locks the party row first (`seats.lock`). So two hosts cannot invite the same person twice, and a host who
publishes the party at the same moment sends all invitations.
"""

from collections.abc import Sequence
from typing import NamedTuple

from flask_babel import lazy_gettext
from sqlalchemy import Select, select, update

from app import audit, clock
from app.accounts.models import Member
from app.accounts.rules import token_hash
from app.address_key import address_key
from app.database import insert_or_ignore
from app.errors import DomainError
from app.extensions import db
from app.http import public_url
from app.i18n import locales
from app.outbox import unreachable
from app.outbox.models import OutboxEmail
from app.outbox.rules import BLOCKING
from app.outbox.service import supersede
from app.parties import rules, secret_links
from app.parties.calendar import appointments
from app.parties.enums import PartyStatus, RsvpStatus
from app.parties.invitations import contacts
from app.parties.invitations import mail as invitation_mail
from app.parties.invitations import queries as invitation_queries
from app.parties.invitations.import_list import ImportEntry
from app.parties.models import NO_ADDRESS_DOMAIN, DinnerParty, Invitation, Rsvp
from app.parties.rsvps import mail as rsvp_mail
from app.parties.rsvps.service import closed_error
from app.parties.waiting_list import seats

# Limit for each kind of e-mail that other people can trigger to an e-mail address.
MAX_EMAILS_PER_ADDRESS_AND_DAY = 3
PARTY_OVER = lazy_gettext("This party is over. You can no longer invite guests.")
PARTY_CANCELLED = lazy_gettext("This party was cancelled. You can no longer invite guests.")
DEADLINE_PASSED = lazy_gettext("The answer deadline has passed. Set a later one before you invite anyone.")


class InviteResult(NamedTuple):
    """How many guests were invited, were known already, or exceed the daily limit."""

    added: int
    skipped: int
    beyond_limit: int = 0
    # Of those who were invited, how many have an address without a mailbox.
    unreachable: int = 0
    # How many entries repeat the address of an earlier one.
    repeated: int = 0


# -- hosts


def default_locale(host: Member) -> str:
    """Return the language of the host: most hosts invite people who speak it."""
    return (locales.match(host.locale) or locales.default()).key


def why_closed(party: DinnerParty) -> object | None:
    """Return the reason why the party takes no invitations any more, or None. A draft takes them, and sends them later."""
    now = clock.now()
    if party.status == PartyStatus.DRAFT:
        return None
    if party.status == PartyStatus.CANCELLED:
        return PARTY_CANCELLED
    if party.status != PartyStatus.PUBLISHED or party.starts_at <= now:
        return PARTY_OVER
    return DEADLINE_PASSED if party.answers_until <= now else None


def invite(party: DinnerParty, host: Member, entries: Sequence[ImportEntry], locale: str) -> InviteResult:
    """Invite the guests who are not invited yet, up to the host's daily limit. `locale` is for entries without their own.

    The e-mails are sent at once, or when the draft is published. Raises DomainError when the party takes no invitations.
    """
    status = _lock_party(party)
    first_by_key: dict[str, ImportEntry] = {}
    for entry in entries:
        first_by_key.setdefault(address_key(entry.email), entry)
    known = invitation_queries.known_keys(party, first_by_key)
    new = [entry for key, entry in first_by_key.items() if key not in known]
    db.session.execute(
        update(Invitation)
        .where(Invitation.party_id == party.id, Invitation.email_key.in_(first_by_key), Invitation.asked_by_guest)
        .values(asked_by_guest=False)
    )
    allowed = new[: invitation_queries.remaining_today(host)]
    stored = _store(party, host, allowed, locale)
    contacts.remember(host, allowed)
    unreached = 0
    if status == PartyStatus.PUBLISHED:
        # Those who unsubscribed from invitations are not among them: a host must not learn that.
        reached = zip(stored, _send(party, stored), strict=True)
        unreached = sum(not is_reached and _has_problem(invitation) for invitation, is_reached in reached)
    beyond_limit = len(new) - len(allowed)
    skipped = len(first_by_key) - len(stored) - beyond_limit
    return InviteResult(len(stored), skipped, beyond_limit, unreached, len(entries) - len(first_by_key))


def invite_again(invitation: Invitation, *, expected_round: int) -> None:
    """Send the guest a new personal link. Earlier links stop working, and a removed guest can answer again.

    Raises DomainError when the party takes no invitations, when the invitation is not in `expected_round` any more
    because it was just sent again, and when the guest got too many of these e-mails today.
    """
    party = invitation.party
    status = _lock_party(party)
    db.session.refresh(invitation)
    if invitation.is_anonymised:
        raise DomainError(
            lazy_gettext("The data of this person has been deleted. There is no e-mail address to write to."), "warning"
        )
    if invitation.round != expected_round:
        raise DomainError(lazy_gettext("Nothing changed: they have just been invited again."), "warning")
    prefix = f"party_invitation:{invitation.id}:"
    of_invitation = OutboxEmail.dedupe_key.startswith(prefix, autoescape=True)
    sent = invitation_queries.sent_today("party_invitation", invitation.email, of_invitation)
    if sent >= MAX_EMAILS_PER_ADDRESS_AND_DAY:
        message = lazy_gettext("%(email)s was invited several times today. Try again tomorrow.", email=invitation.email)
        raise DomainError(message, "warning")
    if _has_problem(invitation):
        raise DomainError(
            lazy_gettext(
                "E-mails do not reach %(email)s. Correct the address, or confirm that it is right.",
                email=invitation.email,
            ),
            "warning",
        )
    supersede("party_invitation", invitation.email, prefix)
    _begin_new_round(party, invitation, status)


def correct_address(invitation: Invitation, email: str) -> None:
    """Give an invitation that cannot be delivered another address, or try the same one once more, and send it.

    Raises DomainError when e-mails reach the address, when the new one is invited already or has answered, and when the
    party takes no invitations.
    """
    party = invitation.party
    status = _lock_party(party)
    db.session.refresh(invitation)
    if invitation_queries.problem_of(invitation) is None:
        raise DomainError(lazy_gettext("Nothing changed: e-mails reach this address."), "warning")
    old = invitation.email
    if address_key(email) != address_key(old):
        if invitation_queries.known_keys(party, [address_key(email)]):
            raise DomainError(lazy_gettext("This person is already invited, or has answered."), field="email")
        # Its server may have accepted an e-mail before.
        rsvp_mail.appointment_removed(party, invitation, is_withdrawn=True)
        appointments.forget(appointments.is_of(party, old))
        invitation.email = email
        for rsvp in db.session.scalars(_rsvps_without_account(party, old)):
            rsvp.email = email
    unreachable.forget(email)
    _begin_new_round(party, invitation, status)


def _rsvps_without_account(party: DinnerParty, email: str) -> Select[Rsvp]:
    return select(Rsvp).where(Rsvp.party_id == party.id, Rsvp.member_id.is_(None), Rsvp.email_key == address_key(email))


def _has_problem(invitation: Invitation) -> bool:
    return invitation_queries.problem_of(invitation) in BLOCKING


def _begin_new_round(party: DinnerParty, invitation: Invitation, status: str) -> None:
    """Send a new personal link. Earlier ones stop working, and a removed guest can answer again."""
    invitation.round += 1
    invitation.sent_at = invitation.opened_at = invitation.reminded_at = invitation.revoked_at = None
    _link_rsvps(party, [invitation])
    if status == PartyStatus.PUBLISHED:
        _send(party, [invitation])
    db.session.flush()


def revoke(invitation: Invitation) -> None:
    """Withdraw an invitation: its links stop working, the RSVP stays. Raises DomainError if it is withdrawn already.

    Who has not answered loses the party in their calendar, too.
    """
    seats.lock(invitation.party_id)
    db.session.refresh(invitation)
    if invitation.revoked_at is not None:
        raise DomainError(lazy_gettext("Nothing changed: this invitation has already been withdrawn."), "warning")
    invitation.revoked_at = clock.now()
    # An e-mail that still waits in the outbox is not sent: the host may have mistyped the address.
    for kind in ("party_invitation", "personal_link", "invitation_changed"):
        supersede(kind, invitation.email, f"{kind}:{invitation.id}:")
    if not invitation_queries.was_sent(invitation):
        appointments.forget(appointments.is_of(invitation.party, invitation.email))
    elif not invitation_queries.rsvps_by_invitation(invitation.party, [invitation]):
        rsvp_mail.appointment_removed(invitation.party, invitation, is_withdrawn=True)
    db.session.flush()


def show_link(invitation: Invitation) -> str:
    """Return the personal link of a guest, for a host who gives it to them. Raises DomainError if it does not work.

    Whoever has the link can answer as the guest: so the audit log says who looked at it.
    """
    if invitation.revoked_at is not None or invitation.is_anonymised:
        raise DomainError(lazy_gettext("This invitation was withdrawn: its link does not work."), "warning")
    token = secret_links.personal_token(invitation)
    audit.record(
        "personal_link_shown", "invitation", invitation, name=invitation.party.title, after={"name": str(invitation)}
    )
    db.session.flush()
    return public_url("InvitationView.open", token=token)


def send_waiting(party: DinnerParty) -> int:
    """Send the invitations of a party that was just published; return their number. The caller has locked the party."""
    waiting = invitation_queries.unsent(party)
    _send(party, waiting)
    db.session.flush()
    return len(waiting)


# -- guests


def record_opened(invitation: Invitation, rsvp: Rsvp | None) -> None:
    """Store that the guest opened the invitation. Link it to the RSVP that they gave before, if it has none."""
    if invitation.opened_at is None:
        invitation.opened_at = clock.now()
    is_unused = db.session.scalar(select(Rsvp.id).where(Rsvp.invitation_id == invitation.id)) is None
    if rsvp is not None and rsvp.invitation_id is None and is_unused:
        rsvp.invitation_id = invitation.id
    db.session.flush()


def request_personal_link(party: DinnerParty, entry: ImportEntry, locale: str, seats_wanted: int | None = None) -> None:
    """Send a personal link to a visitor with the share link. The caller cannot tell whether an e-mail is sent.

    A stranger who answers a public party by e-mail alone says the `seats_wanted`, for the page behind the link. An invited guest gets the link they already have, a guest with a revoked invitation gets none. Raises DomainError
    when the party takes no RSVPs any more.
    """
    reason = rules.closed_reason(party.status, party.answers_until, clock.now())
    if reason is not None:
        raise closed_error(reason)
    seats.lock(party.id)
    by_stranger = seats_wanted is not None
    invitation = invitation_queries.by_email(party, entry.email)
    if invitation is not None and not by_stranger:
        invitation.asked_by_guest = False
    if invitation is None and invitation_queries.remaining_requests_today(party):
        wanted = [entry._replace(number=party.max_party)]
        stored = _store(party, None, wanted, locale, asked_by_guest=by_stranger)
        invitation = next(iter(stored), None)
    sent = invitation_queries.sent_today("personal_link", entry.email)
    if invitation is None or invitation.revoked_at is not None or sent >= MAX_EMAILS_PER_ADDRESS_AND_DAY:
        invitation_mail.personal_link_decoy(party, seats_wanted)
        return
    invitation.sent_at = invitation.sent_at or clock.now()
    invitation_mail.personal_link(party, invitation, seats_wanted)
    db.session.flush()


def admit(party: DinnerParty, name: str, once: str, locale: str) -> Invitation:
    """Give a visitor with the share link a personal link at once, on a site that cannot send it.

    `once` is the secret of their form: who sends it twice is one guest. They are known by their name alone: nobody checks an e-mail address that they would type, and with that of another
    guest they would get the link of that guest. Raises DomainError when the party takes no RSVPs any more, and when too
    many have come by the link today.
    """
    reason = rules.closed_reason(party.status, party.answers_until, clock.now())
    if reason is not None:
        raise closed_error(reason)
    seats.lock(party.id)
    address = f"{token_hash(once)[:32]}{NO_ADDRESS_DOMAIN}"
    known = invitation_queries.by_email(party, address)
    if known is not None:
        return known
    if not invitation_queries.remaining_requests_today(party):
        raise DomainError(lazy_gettext("Too many people have answered by this link today. Ask the host to invite you."))
    (invitation,) = _store(party, None, [ImportEntry(address, name, party.max_party)], locale)
    secret_links.personal_token(invitation)
    invitation.sent_at = clock.now()
    db.session.flush()
    return invitation


# -- the share link


def renew_share_link(party: DinnerParty, *, expected_round: int) -> None:
    """Create a new share link; earlier ones stop working.

    Raises DomainError when the share link is not in `expected_round` any more: another host has just changed it.
    """
    _set_share_round(party, expected_round, abs(expected_round) + 1)


def stop_share_link(party: DinnerParty, *, expected_round: int) -> None:
    """Switch the share link off. Raises DomainError like `renew_share_link`."""
    # The round becomes negative instead of 0, so that the next link is not one that was shared before.
    _set_share_round(party, expected_round, -abs(expected_round))


def _set_share_round(party: DinnerParty, expected_round: int, number: int) -> None:
    # An UPDATE does not count up the party's version, which would invalidate the edit form of another host.
    statement = (
        update(DinnerParty)
        .where(DinnerParty.id == party.id, DinnerParty.share_round == expected_round)
        .values(share_round=number)
        .returning(DinnerParty.id)
    )
    if number == expected_round or db.session.execute(statement).first() is None:
        raise DomainError(lazy_gettext("Nothing changed: the link has just been changed."), "warning")
    db.session.expire(party, ["share_round"])


# -- steps


def _lock_party(party: DinnerParty) -> str:
    """Lock the party until the end of the transaction; return its status. Raises DomainError if it takes no invitations."""
    seats.lock(party.id)
    # The e-mails must have the details that another host may have stored just before.
    db.session.refresh(party)
    reason = why_closed(party)
    if reason is not None:
        raise DomainError(reason)
    return party.status


def _store(
    party: DinnerParty,
    host: Member | None,
    entries: Sequence[ImportEntry],
    locale: str,
    *,
    asked_by_guest: bool = False,
) -> list[Invitation]:
    """Store invitations, except for guests who are invited already; return the new ones."""
    if not entries:
        return []
    now = clock.now()
    rows = [
        {
            "party_id": party.id,
            "email": entry.email,
            "name": entry.name,
            "locale": entry.locale or locale,
            "max_party": entry.number or party.max_party,
            "round": 1,
            "invited_by_id": host.id if host else None,
            "created_at": now,
            "asked_by_guest": asked_by_guest,
        }
        for entry in entries
    ]
    statement = insert_or_ignore(Invitation, Invitation.party_id, Invitation.email_key, Invitation.duplicate).values(
        rows
    )
    stored = list(db.session.scalars(statement.returning(Invitation)))
    _link_rsvps(party, stored)
    return sorted(stored, key=lambda invitation: invitation.id)


def _send(party: DinnerParty, invitations: Sequence[Invitation]) -> list[bool]:
    """Send invitations; return of each whether it is sent: its reader may have unsubscribed, or have no mailbox."""
    for invitation in invitations:
        invitation.sent_at = clock.now()
    return invitation_mail.party_invitations(party, invitations)


def _link_rsvps(party: DinnerParty, invitations: Sequence[Invitation]) -> None:
    """Link the invitations to RSVPs that the guests gave before; a removed guest can answer again.

    If another member answered with a forwarded link, they keep their RSVP, and the invitation loses its link to it.
    """
    by_id = {invitation.id: invitation for invitation in invitations}
    by_email = {address_key(invitation.email): invitation for invitation in invitations}
    belongs = Rsvp.invitation_id.in_(list(by_id)) | Rsvp.email_key.in_(list(by_email))
    found = list(db.session.scalars(select(Rsvp).where(Rsvp.party_id == party.id, belongs)))
    for rsvp in found:
        linked = by_id.get(rsvp.invitation_id or 0)
        if linked is not None and rsvp.member_id is not None and address_key(rsvp.email) != address_key(linked.email):
            rsvp.invitation_id = None
    db.session.flush()
    for rsvp in found:
        invitation = by_id.get(rsvp.invitation_id or 0) or by_email.get(address_key(rsvp.email))
        if invitation is not None:
            rsvp.invitation_id = rsvp.invitation_id or invitation.id
            if rsvp.status == RsvpStatus.REMOVED:
                rsvp.status = RsvpStatus.WITHDRAWN
    db.session.flush()
