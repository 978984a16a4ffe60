"""The API of the potluck."""

from typing import Any

from flask import Response
from flask_appbuilder.api import expose
from flask_babel import gettext as _

from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.parties.api_base import FINGERPRINT_FIELD, NOT_THE_HOST, PARTY_NOT_FOUND, UNCHANGED, PartyApiBase, endpoint
from app.parties.models import DinnerParty, Rsvp
from app.parties.potluck import schemas as potluck_schemas
from app.parties.potluck import service as potluck_service
from app.parties.potluck import texts as potluck_texts
from app.parties.potluck.service import RequestedDish
from app.parties.schemas import ReaderView
from app.parties.texts import Flash

DISH, PROMISE = "<int(max=2147483647):dish_id>", "<int(max=2147483647):promise_id>"
BRINGING, CLAIM_WITHDRAWN, SAVED, RELEASED = "bringing", "claim_withdrawn", "saved", "released"
DISHES = {"type": "array", "items": potluck_schemas.RequestedDish}
REFUSALS = {**PARTY_NOT_FOUND, 409: "Other guests were faster, or the member does not come"}


class PotluckApi(PartyApiBase):
    """Dishes that hosts request and guests claim."""

    @expose("/<slug>/dishes")
    @endpoint(
        "rsvp",
        gives=DISHES,
        more=FINGERPRINT_FIELD,
        refusals={**PARTY_NOT_FOUND, 409: "Only those who come can bring something"},
    )
    def list(self, slug: str) -> Response:
        """List the requested dishes. Hosts see who brings them."""
        party, _guest, rsvp = self.get_answerable(slug)
        if not self.is_host(party):
            self._ensure_coming(rsvp)
        return self.response(200, **self._dishes(party, rsvp))

    @expose("/<slug>/dishes", methods=["PUT"])
    @endpoint(
        "host",
        takes=potluck_schemas.RequestedDishesInput,
        gives=DISHES,
        more=FINGERPRINT_FIELD,
        codes=(SAVED,),
        refusals={**NOT_THE_HOST, 409: "Changed in the meantime"},
    )
    def ask(self, slug: str, sent: dict[str, Any]) -> Response:
        """Replace the requested dishes. Dishes that guests have claimed cannot be removed."""
        party = self.get_hosted(slug)
        dishes = [
            RequestedDish(dish["course"], dish["name"], dish["wanted"], dish.get("id")) for dish in sent["dishes"]
        ]
        with transaction():
            potluck_service.set_requested_dishes(
                party, dishes, expected=sent.get("seen") or potluck_service.fingerprint_of(potluck_service.slots(party))
            )
        return self._respond_with_dishes(
            SAVED, (_("Saved. Your guests can now see the requested dishes."), "info"), party, None
        )

    @expose(f"/<slug>/dishes/{DISH}/promise", methods=["PUT"])
    @endpoint(
        "rsvp",
        takes=potluck_schemas.ClaimInput,
        gives=DISHES,
        more=FINGERPRINT_FIELD,
        codes=(BRINGING,),
        refusals=REFUSALS,
    )
    def promise(self, slug: str, dish_id: int, sent: dict[str, Any]) -> Response:
        """Claim a dish. It replaces one's earlier claim."""
        party, rsvp = self._get_coming(slug)
        claim = run_with_retry(lambda: potluck_service.claim(party, rsvp, dish_id, sent["quantity"], sent["dish"]))
        text = _("You are bringing %(dish)s.", dish=str(claim))
        return self._respond_with_dishes(BRINGING, (text, "info"), party, rsvp)

    @expose(f"/<slug>/dishes/{DISH}/promise", methods=["DELETE"])
    @endpoint("rsvp", gives=DISHES, more=FINGERPRINT_FIELD, codes=(CLAIM_WITHDRAWN, UNCHANGED), refusals=REFUSALS)
    def give_back(self, slug: str, dish_id: int) -> Response:
        """Withdraw one's claim."""
        party, rsvp = self._get_coming(slug)
        try:
            withdrawn = run_with_retry(lambda: potluck_service.withdraw_claim(party, rsvp, dish_id))
        except DomainError as error:
            return self._respond_with_dishes(UNCHANGED, (str(error), error.category), party, rsvp)
        text = _("You are no longer bringing %(dish)s.", dish=str(withdrawn))
        return self._respond_with_dishes(CLAIM_WITHDRAWN, (text, "info"), party, rsvp)

    @expose(f"/<slug>/promises/{PROMISE}", methods=["DELETE"])
    @endpoint("host", gives=DISHES, more=FINGERPRINT_FIELD, codes=(RELEASED, UNCHANGED), refusals=NOT_THE_HOST)
    def release(self, slug: str, promise_id: int) -> Response:
        """Release a guest from a dish. They get an e-mail."""
        party = self.get_hosted(slug)
        try:
            with transaction():
                released = potluck_service.release_claim(party, promise_id)
        except DomainError as error:
            return self._respond_with_dishes(UNCHANGED, (str(error), error.category), party, None)
        return self._respond_with_dishes(RELEASED, potluck_texts.released(released), party, None)

    # -- inside

    @staticmethod
    def _ensure_coming(rsvp: Rsvp | None) -> Rsvp:
        if rsvp is None or not rsvp.is_seated:
            raise DomainError(potluck_service.ANSWER_FIRST, "warning")
        return rsvp

    def _get_coming(self, slug: str) -> tuple[DinnerParty, Rsvp]:
        party, _guest, rsvp = self.get_answerable(slug)
        return party, self._ensure_coming(rsvp)

    def _respond_with_dishes(self, code: str, flash: Flash, party: DinnerParty, rsvp: Rsvp | None) -> Response:
        return self.respond(200, code, flash, **self._dishes(party, rsvp))

    def _dishes(self, party: DinnerParty, rsvp: Rsvp | None) -> dict[str, Any]:
        with_names = self.is_host(party)
        slots = potluck_service.slots(party, with_claims=with_names)
        own = {slot.id: claim for slot, claim in potluck_service.slots_and_own_claims(party, rsvp)}
        shown = [
            ReaderView(slot, {"mine": own.get(slot.id), "promises": slot.claims if with_names else None})
            for slot in slots
        ]
        return {
            "result": potluck_schemas.RequestedDish(many=True).dump(shown),
            "seen": potluck_service.fingerprint_of(slots),
        }
