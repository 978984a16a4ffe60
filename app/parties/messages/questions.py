"""Guests write to the hosts. Hosts reply by e-mail: through the site if it receives e-mail, else to the guest's mailbox."""

import hashlib
from enum import StrEnum

from flask_babel import lazy_gettext

from app import clock
from app.errors import DomainError
from app.parties import guest_addresses
from app.parties.messages import mail as message_mail
from app.parties.messages.replies import OPEN_FOR, hosts_of, is_open
from app.parties.models import DinnerParty, Rsvp
from app.parties.respondent import Respondent


class ReplyWay(StrEnum):
    """How the hosts' reply reaches who asked."""

    HIDDEN = "hidden"
    OWN_ADDRESS = "own_address"
    NONE = "none"


def reply_way(guest: Respondent, rsvp: Rsvp | None) -> ReplyWay:
    """Return how a reply would reach the guest, who is told before they write."""
    row = rsvp or guest.invitation
    if not guest.shown_email:
        return ReplyWay.NONE
    is_passed_on = row is not None and is_open(row) and guest_addresses.reply_address(row) is not None
    return ReplyWay.HIDDEN if is_passed_on else ReplyWay.OWN_ADDRESS


def refuse(party: DinnerParty, *, is_host: bool) -> None:
    """Raise DomainError for hosts, and long after the party."""
    if is_host:
        raise DomainError(lazy_gettext("You are a host of this party."), "info")
    if party.ends_at + OPEN_FOR < clock.now():
        raise DomainError(lazy_gettext("This party was long ago. Its hosts get no more questions."), "warning")


def ask(party: DinnerParty, guest: Respondent, rsvp: Rsvp | None, text: str, key: str) -> int:
    """Send a question to all hosts, and return their number. The same text with the same `key` is sent once."""
    way, row = reply_way(guest, rsvp), rsvp or guest.invitation
    digest = hashlib.sha256(f"{guest.email}\0{key}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()
    hosts = hosts_of(party)
    for host in hosts:
        reply_to = guest.shown_email or None
        if way == ReplyWay.HIDDEN and row is not None:
            reply_to = guest_addresses.host_address(row, host.id)
        message_mail.guest_question(party, host, guest, text, digest, reply_way=way, reply_to=reply_to)
    return len(hosts)
