"""What guests are asked to bring, and bring."""

from typing import Any

from flask import Response
from flask_appbuilder.api import expose
from flask_babel import gettext as _

from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.parties.api_base import FINGERPRINT_FIELD, NOT_THE_HOST, PARTY_NOT_FOUND, UNCHANGED, PartyApiBase, endpoint
from app.parties.enums import SEATED
from app.parties.models import DinnerParty, Rsvp
from app.parties.potluck import schemas as potluck_schemas
from app.parties.potluck import service as potluck_service
from app.parties.potluck.service import RequestedDish
from app.parties.schemas import ReaderView
from app.parties.texts import Flash

DISH, PROMISE = "<int(max=2147483647):dish_id>", "<int(max=2147483647):promise_id>"
BRINGING, GIVEN_BACK, SAVED, RELEASED = "bringing", "given_back", "saved", "released"
DISHES = {"type": "array", "items": potluck_schemas.RequestedDish}
FASTER = {**PARTY_NOT_FOUND, 409: "Others were faster, or whoever is asking does not come"}


class PotluckApi(PartyApiBase):
    """What a host asks guests for, and what they promise."""

    @expose("/<slug>/dishes")
    @endpoint(
        "rsvp",
        gives=DISHES,
        more=FINGERPRINT_FIELD,
        refusals={**PARTY_NOT_FOUND, 409: "Only those who come can bring something"},
    )
    def list(self, slug: str) -> Response:
        """List what guests are asked to bring. Hosts see who brings it."""
        party, _guest, rsvp = self.get_answerable(slug)
        if not self.is_host(party):
            self._coming(rsvp)
        return self.response(200, **self._dishes(party, rsvp))

    @expose("/<slug>/dishes", methods=["PUT"])
    @endpoint(
        "host",
        takes=potluck_schemas.RequestedDishesInput,
        gives=DISHES,
        more=FINGERPRINT_FIELD,
        codes=(SAVED,),
        refusals={**NOT_THE_HOST, 409: "Asked for otherwise meanwhile"},
    )
    def ask(self, slug: str, sent: dict[str, Any]) -> Response:
        """Say what guests are asked to bring. What they have promised cannot be left out."""
        party = self.get_hosted(slug)
        asked = [RequestedDish(dish["course"], dish["name"], dish["wanted"], dish.get("id")) for dish in sent["dishes"]]
        with transaction():
            potluck_service.set_requested_dishes(
                party, asked, seen=sent.get("seen") or potluck_service.fingerprint_of(potluck_service.slots(party))
            )
        return self._say(SAVED, (_("Saved. Your guests can now see the requested dishes."), "info"), party, None)

    @expose(f"/<slug>/dishes/{DISH}/promise", methods=["PUT"])
    @endpoint(
        "rsvp",
        takes=potluck_schemas.ClaimInput,
        gives=DISHES,
        more=FINGERPRINT_FIELD,
        codes=(BRINGING,),
        refusals=FASTER,
    )
    def promise(self, slug: str, dish_id: int, sent: dict[str, Any]) -> Response:
        """Promise to bring something. It takes the place of what was promised of it before."""
        party, rsvp = self._at_the_table(slug)
        promised = run_with_retry(lambda: potluck_service.claim(party, rsvp, dish_id, sent["quantity"], sent["dish"]))
        text = _("You are bringing %(dish)s.", dish=str(promised))
        return self._say(BRINGING, (text, "info"), party, rsvp)

    @expose(f"/<slug>/dishes/{DISH}/promise", methods=["DELETE"])
    @endpoint("rsvp", gives=DISHES, more=FINGERPRINT_FIELD, codes=(GIVEN_BACK, UNCHANGED), refusals=FASTER)
    def give_back(self, slug: str, dish_id: int) -> Response:
        """Bring something no more."""
        party, rsvp = self._at_the_table(slug)
        try:
            dropped = run_with_retry(lambda: potluck_service.withdraw_claim(party, rsvp, dish_id))
        except DomainError as error:
            return self._say(UNCHANGED, (str(error), error.category), party, rsvp)
        text = _("You are no longer bringing %(dish)s.", dish=str(dropped))
        return self._say(GIVEN_BACK, (text, "info"), party, rsvp)

    @expose(f"/<slug>/promises/{PROMISE}", methods=["DELETE"])
    @endpoint("host", gives=DISHES, more=FINGERPRINT_FIELD, codes=(RELEASED, UNCHANGED), refusals=NOT_THE_HOST)
    def release(self, slug: str, promise_id: int) -> Response:
        """Free a guest of what they have promised. They are told."""
        party = self.get_hosted(slug)
        try:
            with transaction():
                name = str(potluck_service.delete_slot(party, promise_id).rsvp)
        except DomainError as error:
            return self._say(UNCHANGED, (str(error), error.category), party, None)
        return self._say(
            RELEASED, (_("%(name)s no longer needs to bring it and will be notified.", name=name), "info"), party, None
        )

    # -- inside

    @staticmethod
    def _coming(rsvp: Rsvp | None) -> Rsvp:
        if rsvp is None or rsvp.status not in SEATED:
            raise DomainError(potluck_service.ANSWER_FIRST, "warning")
        return rsvp

    def _at_the_table(self, slug: str) -> tuple[DinnerParty, Rsvp]:
        party, _guest, rsvp = self.get_answerable(slug)
        return party, self._coming(rsvp)

    def _say(self, code: str, said: Flash, party: DinnerParty, rsvp: Rsvp | None) -> Response:
        return self.respond(200, code, said, **self._dishes(party, rsvp))

    def _dishes(self, party: DinnerParty, rsvp: Rsvp | None) -> dict[str, Any]:
        named = self.is_host(party)
        asked = potluck_service.slots(party, with_claims=named)
        mine = {slot.id: claim for slot, claim in potluck_service.slots_and_own_claims(party, rsvp)}
        shown = [
            ReaderView(slot, {"mine": mine.get(slot.id), "promises": slot.claims if named else None}) for slot in asked
        ]
        return {
            "result": potluck_schemas.RequestedDish(many=True).dump(shown),
            "seen": potluck_service.fingerprint_of(asked),
        }
