"""Guests look at parties, answer, and take what is offered."""

from typing import Any

from flask import Response, abort
from flask_appbuilder.api import expose
from flask_babel import gettext as _

from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.parties import serialization, texts
from app.parties.api_base import FINGERPRINT_FIELD, PARTY_NOT_FOUND, UNCHANGED, PartyApiBase, endpoint
from app.parties.enums import QUEUED, RsvpStatus
from app.parties.menu import schemas as menu_schemas
from app.parties.menu import service as menu_service
from app.parties.menu.service import POSSIBLE, PersonInput
from app.parties.menu.texts import conflict_notice
from app.parties.models import Rsvp
from app.parties.rsvps import offers
from app.parties.rsvps import schemas as rsvp_schemas
from app.parties.rsvps import service as rsvp_service
from app.parties.rsvps import texts as rsvp_texts
from app.parties.rsvps.forms import CLAIM, STAY
from app.parties.rsvps.types import PartialAvailability, RsvpRequest, RsvpResult
from app.parties.schemas import ReaderView
from app.parties.waiting_list import history_texts
from app.parties.waiting_list import queries as waiting_list_queries
from app.parties.waiting_list import schemas as waiting_list_schemas

PARTLY, RELEASED, LAPSED, CLAIMED, SAVED, CLASH = "partly", "released", "lapsed", "claimed", "saved", "clash"
ANSWERED = (
    RsvpStatus.YES,
    RsvpStatus.NO,
    RsvpStatus.MAYBE,
    RsvpStatus.WAITLISTED,
    RsvpStatus.AWAITING_APPROVAL,
    RsvpStatus.OFFERED,
    UNCHANGED,
)
PEOPLE = {"type": "array", "items": menu_schemas.Person}
REASONS_TO_REFUSE = "Refused: the code says why, such as draft, cancelled, late, removed or partly"


class RsvpApi(PartyApiBase):
    """What a guest does about a party."""

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
                    f"{REASONS_TO_REFUSE}. Partly: only `free` of `size` seats are free, and nothing was stored; "
                    "ask again for fewer, with `wait`, or with a `min_party`"
                ),
                {"free": {"type": "integer"}, "size": {"type": "integer"}},
            ),
        },
    )
    def answer(self, slug: str, sent: dict[str, Any]) -> Response:
        """Answer an invitation. To answer the same again changes nothing."""
        party, guest, _answer = self.get_answerable(slug)
        wish = RsvpRequest(
            sent["answer"],
            sent.get("party_size"),
            sent.get("min_party"),
            sent.get("note"),
            wait=sent.get("wait", False),
        )
        outcome = run_with_retry(lambda: rsvp_service.rsvp(party, guest, wish))
        if isinstance(outcome, PartialAvailability):
            return self.respond(
                409, PARTLY, rsvp_texts.partially_available(outcome), free=outcome.free, size=outcome.size
            )
        return self._stands(200, _code(outcome), rsvp_texts.answered(party, outcome), outcome.rsvp)

    @expose("/<slug>/answer", methods=["DELETE"])
    @endpoint(
        "rsvp",
        gives=serialization.Standing,
        codes=(RELEASED, UNCHANGED),
        refusals={**PARTY_NOT_FOUND, 409: REASONS_TO_REFUSE},
    )
    def withdraw(self, slug: str) -> Response:
        """Give up one's seats, or a place in line. What is free goes to the next in line."""
        party, guest, before = self.get_answerable(slug)
        try:
            with transaction():
                outcome = rsvp_service.withdraw(party, guest)
        except DomainError as error:
            if error.category != "warning":
                raise
            # There was nothing to give up, as when it is sent once more.
            return self._stands(200, UNCHANGED, (str(error), error.category), before)
        return self._stands(200, RELEASED, (_("Your seats have been released."), "info"), outcome.rsvp)

    @expose("/<slug>/offer", methods=["POST"])
    @endpoint(
        "rsvp",
        takes=rsvp_schemas.OfferDecisionInput,
        gives=serialization.Standing,
        codes=(CLAIMED, RELEASED, RsvpStatus.WAITLISTED, RsvpStatus.OFFERED, LAPSED),
        refusals={**PARTY_NOT_FOUND, 409: "Nothing is offered"},
    )
    def offer(self, slug: str, sent: dict[str, Any]) -> Response:
        """Take the seats that are offered, or give them back. Whoever gives them back may wait on."""
        party, guest, _answer = self.get_answerable(slug)
        decision = sent["decision"]
        with transaction():
            claims = decision == CLAIM
            outcome = offers.claim(party, guest) if claims else offers.decline(party, guest, stay=decision == STAY)
        said = rsvp_texts.claimed(outcome) if claims else rsvp_texts.declined(outcome)
        return self._stands(200, _decided(outcome, claims=claims), said, outcome.rsvp)

    @expose("/<slug>/people")
    @endpoint("rsvp", gives=PEOPLE, more=FINGERPRINT_FIELD, refusals={**PARTY_NOT_FOUND, 409: "Not answered yet"})
    def people(self, slug: str) -> Response:
        """List who comes with one's answer, as far as it was told."""
        return self.response(200, **self._people(self._expected(slug)))

    @expose("/<slug>/people", methods=["PUT"])
    @endpoint(
        "rsvp",
        takes=menu_schemas.PeopleInput,
        gives=PEOPLE,
        more=FINGERPRINT_FIELD,
        codes=(SAVED, CLASH),
        refusals={**PARTY_NOT_FOUND, 409: "Not answered yet, or told otherwise meanwhile"},
    )
    def tell_people(self, slug: str, sent: dict[str, Any]) -> Response:
        """Tell who comes, and what they do not eat. The hosts of the party read it, and nobody else."""
        rsvp = self._expected(slug)
        told = [PersonInput(**{"name": "", **person}) for person in sent["people"]]
        with transaction():
            seen = sent.get("seen") or menu_service.people_fingerprint(menu_service.people(rsvp))
            found = menu_service.change_people(rsvp, told, seen=seen)
        return self.respond(200, CLASH if found else SAVED, conflict_notice(found), **self._people(rsvp))

    @expose("/<slug>/waiting-list")
    @endpoint("rsvp", gives=waiting_list_schemas.WaitingList, refusals=PARTY_NOT_FOUND)
    def waiting_list(self, slug: str) -> Response:
        """Show one's place in line and the reasons for it. Hosts see who waits."""
        party, _guest, rsvp = self.get_answerable(slug)
        named = self.is_host(party) or self.is_staff()
        if not (named or (rsvp is not None and rsvp.status in QUEUED)):
            abort(403)
        pending = waiting_list_queries.pending_offers(party)
        # Offers that ran out hold nothing any more, though the next change of the party will say so.
        free = party.seats_free + sum(offer.seats for offer in pending if not offer.is_open)
        line = history_texts.queue_texts(party, free)
        place, why = line.get(rsvp.id, (None, None)) if rsvp else (None, None)
        own = next((offer for offer in pending if offer.is_open and rsvp and offer.rsvp_id == rsvp.id), None)
        shown = {
            "place": place,
            "why": why,
            "offer": own,
            "steps": history_texts.history(waiting_list_queries.events(party), own=rsvp, named=named),
            "line": _in_line(waiting_list_queries.waiting_rsvps(party.id), line) if named else None,
        }
        return self.response(200, result=waiting_list_schemas.WaitingList().dump(shown))

    def _stands(self, status: int, code: str, said: texts.Flash, rsvp: Rsvp | None) -> Response:
        return self.respond(status, code, said, result=serialization.Standing().dump(serialization.standing(rsvp)))

    def _expected(self, slug: str) -> Rsvp:
        """Return the answer of somebody who comes, or may."""
        rsvp = self.get_answerable(slug).rsvp
        if rsvp is None or rsvp.status not in POSSIBLE:
            raise DomainError(menu_service.ANSWER_FIRST, "warning")
        return rsvp

    @staticmethod
    def _people(rsvp: Rsvp) -> dict[str, Any]:
        people = menu_service.people(rsvp)
        return {"result": menu_schemas.Person(many=True).dump(people), "seen": menu_service.people_fingerprint(people)}


def _code(outcome: RsvpResult) -> str:
    status = outcome.rsvp.status
    return status if outcome.changed or status in QUEUED else UNCHANGED


def _decided(outcome: RsvpResult, *, claims: bool) -> str:
    if outcome.lapsed:
        return LAPSED
    if claims:
        return CLAIMED
    if outcome.offered:
        return RsvpStatus.OFFERED
    return RsvpStatus.WAITLISTED if outcome.place is not None else RELEASED


def _in_line(guests: list[Rsvp], line: dict[int, tuple[int, str]]) -> list[ReaderView]:
    return [
        ReaderView(guest, {"name": str(guest), "place": line[guest.id][0], "why": line[guest.id][1]})
        for guest in guests
    ]
