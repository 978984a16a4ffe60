"""What guests are asked to bring, and bring."""

from typing import Any

from flask import Response
from flask_appbuilder.api import expose
from flask_babel import gettext as _

from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.parties.api import request_schemas, response_schemas
from app.parties.api.base import NO_PARTY, NOT_YOURS, SEEN, UNCHANGED, TableApi, verb
from app.parties.models import SEATED, DinnerParty, Rsvp
from app.parties.service import potluck
from app.parties.service.potluck import Asked
from app.parties.views.flashes import Flash

DISH, PROMISE = "<int(max=2147483647):dish_id>", "<int(max=2147483647):promise_id>"
BRINGING, GIVEN_BACK, SAVED, RELEASED = "bringing", "given_back", "saved", "released"
DISHES = {"type": "array", "items": response_schemas.AskedFor}
FASTER = {**NO_PARTY, 409: "Others were faster, or whoever is asking does not come"}


class PotluckApi(TableApi):
    """What a host asks guests for, and what they promise."""

    @expose("/<slug>/dishes")
    @verb("answer", gives=DISHES, more=SEEN, refusals={**NO_PARTY, 409: "Only those who come can bring something"})
    def list(self, slug: str) -> Response:
        """List what guests are asked to bring. Hosts see who brings it."""
        party, _guest, answer = self.answering(slug)
        if not self.hosts(party):
            self._coming(answer)
        return self.response(200, **self._dishes(party, answer))

    @expose("/<slug>/dishes", methods=["PUT"])
    @verb(
        "host",
        takes=request_schemas.AskedForSent,
        gives=DISHES,
        more=SEEN,
        codes=(SAVED,),
        refusals={**NOT_YOURS, 409: "Asked for otherwise meanwhile"},
    )
    def ask(self, slug: str, sent: dict[str, Any]) -> Response:
        """Say what guests are asked to bring. What they have promised cannot be left out."""
        party = self.hosted(slug)
        asked = [Asked(dish["course"], dish["name"], dish["wanted"], dish.get("id")) for dish in sent["dishes"]]
        with transaction():
            potluck.ask(party, asked, seen=sent.get("seen") or potluck.mark_of(potluck.dishes(party)))
        return self._say(SAVED, (_("Saved. Your guests see what you ask for."), "info"), party, None)

    @expose(f"/<slug>/dishes/{DISH}/promise", methods=["PUT"])
    @verb("answer", takes=request_schemas.PromiseSent, gives=DISHES, more=SEEN, codes=(BRINGING,), refusals=FASTER)
    def promise(self, slug: str, dish_id: int, sent: dict[str, Any]) -> Response:
        """Promise to bring something. It takes the place of what was promised of it before."""
        party, answer = self._at_the_table(slug)
        promised = run_with_retry(lambda: potluck.claim(party, answer, dish_id, sent["quantity"], sent["dish"]))
        text = _("You are bringing %(dish)s.", dish=str(promised))
        return self._say(BRINGING, (text, "info"), party, answer)

    @expose(f"/<slug>/dishes/{DISH}/promise", methods=["DELETE"])
    @verb("answer", gives=DISHES, more=SEEN, codes=(GIVEN_BACK, UNCHANGED), refusals=FASTER)
    def give_back(self, slug: str, dish_id: int) -> Response:
        """Bring something no more."""
        party, answer = self._at_the_table(slug)
        try:
            dropped = run_with_retry(lambda: potluck.give_back(party, answer, dish_id))
        except DomainError as error:
            return self._say(UNCHANGED, (str(error), error.category), party, answer)
        text = _("You are not bringing %(dish)s any more.", dish=str(dropped))
        return self._say(GIVEN_BACK, (text, "info"), party, answer)

    @expose(f"/<slug>/promises/{PROMISE}", methods=["DELETE"])
    @verb("host", gives=DISHES, more=SEEN, codes=(RELEASED, UNCHANGED), refusals=NOT_YOURS)
    def release(self, slug: str, promise_id: int) -> Response:
        """Free a guest of what they have promised. They are told."""
        party = self.hosted(slug)
        try:
            with transaction():
                name = str(potluck.do_without(party, promise_id).answer)
        except DomainError as error:
            return self._say(UNCHANGED, (str(error), error.category), party, None)
        return self._say(RELEASED, (_("%(name)s need not bring it, and will be told.", name=name), "info"), party, None)

    # -- inside

    @staticmethod
    def _coming(answer: Rsvp | None) -> Rsvp:
        if answer is None or answer.status not in SEATED:
            raise DomainError(potluck.ANSWER_FIRST, "warning")
        return answer

    def _at_the_table(self, slug: str) -> tuple[DinnerParty, Rsvp]:
        party, _guest, answer = self.answering(slug)
        return party, self._coming(answer)

    def _say(self, code: str, said: Flash, party: DinnerParty, answer: Rsvp | None) -> Response:
        return self.say(200, code, said, **self._dishes(party, answer))

    def _dishes(self, party: DinnerParty, answer: Rsvp | None) -> dict[str, Any]:
        named = self.hosts(party)
        asked = potluck.dishes(party, with_claims=named)
        mine = {slot.id: claim for slot, claim in potluck.dishes_and_own(party, answer)}
        shown = [
            response_schemas.Seen(slot, {"mine": mine.get(slot.id), "promises": slot.claims if named else None})
            for slot in asked
        ]
        return {"result": response_schemas.AskedFor(many=True).dump(shown), "seen": potluck.mark_of(asked)}
