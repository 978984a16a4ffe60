"""The API of RSVPs and seat offers."""

from typing import Any

from flask import Response
from flask_appbuilder.api import expose

from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.parties import serialization, texts
from app.parties.api_base import PARTY_NOT_FOUND, UNCHANGED, PartyApiBase, endpoint
from app.parties.enums import RsvpStatus
from app.parties.models import Rsvp
from app.parties.rsvps import offers
from app.parties.rsvps import schemas as rsvp_schemas
from app.parties.rsvps import service as rsvp_service
from app.parties.rsvps import texts as rsvp_texts
from app.parties.rsvps.forms import CLAIM, STAY
from app.parties.rsvps.types import PartialAvailability, RsvpRequest, RsvpResult
from app.parties.serialization import serialize_standing

PARTIALLY_AVAILABLE, RELEASED, OFFER_EXPIRED, CLAIMED = "partially_available", "released", "offer_expired", "claimed"
ANSWERED = (
    RsvpStatus.YES,
    RsvpStatus.NO,
    RsvpStatus.MAYBE,
    RsvpStatus.WAITLISTED,
    RsvpStatus.AWAITING_APPROVAL,
    RsvpStatus.OFFERED,
    UNCHANGED,
)
REFUSAL = "Refused: the code says why, such as draft, cancelled, late, removed or partly"


class RsvpApi(PartyApiBase):
    """A guest's RSVP to a party."""

    @expose("/<slug>/answer", methods=["PUT"])
    @endpoint(
        "rsvp",
        takes=rsvp_schemas.RsvpInput,
        gives=serialization.Standing,
        codes=ANSWERED,
        refusals={
            **PARTY_NOT_FOUND,
            409: (
                (
                    f"{REFUSAL}. Partly: only `free` of `size` seats are free, and nothing was stored; "
                    "ask again for fewer, with `wait`, or with a `min_party`"
                ),
                {"free": {"type": "integer"}, "size": {"type": "integer"}},
            ),
        },
    )
    def answer(self, slug: str, sent: dict[str, Any]) -> Response:
        """Answer an invitation. Sending the same answer again changes nothing."""
        party, guest, rsvp = self.get_answerable(slug)
        request = RsvpRequest(
            sent["answer"],
            sent.get("party_size"),
            sent.get("min_party"),
            sent.get("note"),
            wait=sent.get("wait", False),
        )
        result = run_with_retry(
            lambda: rsvp_service.record(party, guest, rsvp, request),
            again=lambda: rsvp_service.rsvp(party, guest, request),
        )
        if isinstance(result, PartialAvailability):
            return self.respond(
                409, PARTIALLY_AVAILABLE, rsvp_texts.partially_available(result), free=result.free, size=result.size
            )
        code = result.rsvp.status if result.changed or result.rsvp.is_queued else UNCHANGED
        return self._respond_with_standing(code, rsvp_texts.answered(party, result), result.rsvp)

    @expose("/<slug>/answer", methods=["DELETE"])
    @endpoint(
        "rsvp",
        gives=serialization.Standing,
        codes=(RELEASED, UNCHANGED),
        refusals={**PARTY_NOT_FOUND, 409: REFUSAL},
    )
    def withdraw(self, slug: str) -> Response:
        """Withdraw one's RSVP. Its seats are offered to the next on the waiting list."""
        party, guest, before = self.get_answerable(slug)
        try:
            with transaction():
                result = rsvp_service.withdraw(party, guest)
        except DomainError as error:
            if error.category != "warning":
                raise
            # There is nothing to withdraw, for example because the request was sent twice.
            return self._respond_with_standing(UNCHANGED, (str(error), error.category), before)
        return self._respond_with_standing(RELEASED, rsvp_texts.withdrawn(result), result.rsvp)

    @expose("/<slug>/offer", methods=["POST"])
    @endpoint(
        "rsvp",
        takes=rsvp_schemas.OfferDecisionInput,
        gives=serialization.Standing,
        codes=(CLAIMED, RELEASED, RsvpStatus.WAITLISTED, RsvpStatus.OFFERED, OFFER_EXPIRED),
        refusals={**PARTY_NOT_FOUND, 409: "Nothing is offered"},
    )
    def offer(self, slug: str, sent: dict[str, Any]) -> Response:
        """Accept or decline a seat offer. A guest who declines may stay on the waiting list."""
        party, guest, _rsvp = self.get_answerable(slug)
        decision = sent["decision"]
        with transaction():
            claims = decision == CLAIM
            result = offers.claim(party, guest) if claims else offers.decline(party, guest, stay=decision == STAY)
        flash = rsvp_texts.claimed(result) if claims else rsvp_texts.declined(result)
        return self._respond_with_standing(_decision_code(result, claims=claims), flash, result.rsvp)

    def _respond_with_standing(self, code: str, flash: texts.Flash, rsvp: Rsvp | None) -> Response:
        return self.respond(200, code, flash, result=serialize_standing(rsvp))


def _decision_code(result: RsvpResult, *, claims: bool) -> str:
    if result.offer_expired:
        return OFFER_EXPIRED
    if claims:
        return CLAIMED
    if result.offered:
        return RsvpStatus.OFFERED
    return RsvpStatus.WAITLISTED if result.position is not None else RELEASED
