"""What programs ask of parties.

administrators  the generated API over all parties
base            who is asking, how refusals are told, and what is documented
guests          look, answer, take what is offered, tell who comes
hosts           lay a table, change it, call it off
guest_list      who comes, who may, and who is here
invitations     who is invited
potluck         what guests are asked to bring, and bring
messages        what hosts write to guests, and when guests are reminded
request_schemas, response_schemas  what is sent, and what is sent back
fields          what is wrong with a value, in words
idempotency     what is sent twice is done once
"""

from app.crud.openapi import OpenApi as StockOpenApi
from app.parties.api.administrators import DinnerPartyApi
from app.parties.api.guest_list import GuestApi
from app.parties.api.guests import AnswerApi, PartyApi
from app.parties.api.hosts import HostApi
from app.parties.api.invitations import InvitationApi
from app.parties.api.messages import MessageApi
from app.parties.api.potluck import PotluckApi

# In the order in which they are described.
MEMBERS = (PartyApi, AnswerApi, HostApi, InvitationApi, GuestApi, PotluckApi, MessageApi)

__all__ = ["MEMBERS", "DinnerPartyApi", "OpenApi"]


class OpenApi(StockOpenApi):
    """Describes the APIs to whoever may look at parties: programs are written by members."""

    class_permission_name = "PartyView"
