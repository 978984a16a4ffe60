"""The keys of guests in addresses at which the site receives e-mail (app.inbound.addresses).

`r12` is RSVP 12, and `i7` invitation 7, whose reader has not answered yet.
"""

import re

from app.extensions import db
from app.http import parse_int
from app.inbound import addresses
from app.parties.models import Invitation, Rsvp

GUEST = re.compile(r"([ri])(\d{1,10})")


def key_of(guest: Rsvp | Invitation) -> str:
    return f"{'r' if isinstance(guest, Rsvp) else 'i'}{guest.id}"


def guest_of(key: str) -> Rsvp | Invitation | None:
    """Return the RSVP or the invitation with a key; None if it is gone."""
    match = GUEST.fullmatch(key)
    number = parse_int(match[2]) if match else None
    if match is None or number is None:
        return None
    return db.session.get(Rsvp if match[1] == "r" else Invitation, number)


def host_address(guest: Rsvp | Invitation, host_id: int) -> str | None:
    """Return the address at which a host writes to the guest; None while the site receives no e-mail."""
    return addresses.make(addresses.REPLY, f"h{host_id}{key_of(guest)}")


def reply_address(guest: Rsvp | Invitation) -> str | None:
    """Return the address at which the guest writes to the hosts; None while the site receives no e-mail."""
    return addresses.make(addresses.REPLY, key_of(guest))
