"""Guests and hosts reply to e-mails. Each is passed on from an address of the conversation, which hides both mailboxes.

`r12` is the key of an address at which guest 12 writes to the hosts, and `h5r12` of one at which host 5 writes to that guest.
"""

import re
from datetime import timedelta

from flask import current_app

from app import clock
from app.accounts.models import Member
from app.extensions import db
from app.inbound.reading import Received
from app.parties import guest_addresses
from app.parties.enums import PartyStatus, RsvpStatus
from app.parties.messages import conversation
from app.parties.messages import mail as message_mail
from app.parties.models import ANONYMISED_DOMAIN, DinnerParty, Invitation, Rsvp

# After the end of a party.
OPEN_FOR = timedelta(days=30)
FROM_HOST = re.compile(r"h(\d{1,10})([ri]\d{1,10})")


def handle(message: Received, key: str) -> bool:
    """Pass a reply on; return False if the conversation is over."""
    match = FROM_HOST.fullmatch(key)
    guest = guest_addresses.guest_of(match[2] if match else key)
    if guest is None or not is_open(guest):
        return False
    if match is None:
        return _pass_to_hosts(message, guest)
    host = db.session.get(Member, int(match[1]))
    return host is not None and _pass_to_guest(message, guest, host)


def is_open(guest: Rsvp | Invitation) -> bool:
    """Whether guest and hosts can write to each other through the site."""
    party = guest.party
    is_gone = guest.status == RsvpStatus.REMOVED if isinstance(guest, Rsvp) else guest.revoked_at is not None
    is_over = party.status == PartyStatus.DRAFT or party.ends_at + OPEN_FOR < clock.now()
    return not (is_gone or is_over or not guest.shown_email or guest.email.endswith(ANONYMISED_DOMAIN))


def _pass_to_hosts(message: Received, guest: Rsvp | Invitation) -> bool:
    """Send a guest's words to all hosts."""
    hosts = hosts_of(guest.party)
    hidden = (_address_of(guest), *(host.email for host in hosts))
    words, left_out = _words(message, hidden), _names(message, hidden)
    for host in hosts:
        message_mail.guest_reply(guest, host, words, message.digest, left_out=left_out)
    return bool(hosts)


def _pass_to_guest(message: Received, guest: Rsvp | Invitation, host: Member) -> bool:
    """Send a host's words to the guest. Who hosts the party no more has no say."""
    if not (guest.party.is_hosted_by(host.id) and host.is_active):
        return False
    hidden = _address_of(guest), host.email
    left_out = _names(message, hidden)
    message_mail.host_reply(guest, host, _words(message, hidden), message.digest, left_out=left_out)
    return True


def _words(message: Received, hidden: tuple[str, ...]) -> str:
    settings = current_app.config
    return conversation.own_words(
        message.text, site_address=settings["INBOUND_ADDRESS"], site_url=settings["PUBLIC_URL"], hidden=hidden
    )


def _names(message: Received, hidden: tuple[str, ...]) -> list[str]:
    """Return the names of the attachments, which are not passed on."""
    return [conversation.hide(name, hidden) for name in message.attachments]


def hosts_of(party: DinnerParty) -> list[Member]:
    """Return the hosts who can read e-mail."""
    return [host for host in (party.host, *party.co_hosts) if host.erased_at is None and host.is_active]


def _address_of(guest: Rsvp | Invitation) -> str:
    return guest.member.email if isinstance(guest, Rsvp) and guest.member is not None else guest.email
