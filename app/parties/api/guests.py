"""Guests look at parties, answer, and take what is offered."""

from collections.abc import Iterable
from typing import Any

from flask import Response, abort, request
from flask_appbuilder.api import expose
from flask_babel import gettext as _

from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.http import public_url
from app.parties import models, queries, rules
from app.parties.api import request_schemas, response_schemas
from app.parties.api.base import NO_PARTY, SEEN, UNCHANGED, TableApi, verb
from app.parties.forms.answering import CLAIM, STAY
from app.parties.models import DinnerParty, Rsvp
from app.parties.queries import invited
from app.parties.service import answers, food, moderation, offers
from app.parties.service.food import POSSIBLE, Person
from app.parties.service.wishes import Outcome, Partly, Wish
from app.parties.views import explained, flashes, tickets
from app.parties.views.access import me
from app.parties.views.food import warned

PARTLY, RELEASED, LAPSED, CLAIMED, SAVED, CLASH = "partly", "released", "lapsed", "claimed", "saved", "clash"
REPORTED = "reported"
ANSWERED = (models.YES, models.NO, models.MAYBE, models.WAITLISTED, models.AWAITING, models.OFFERED, UNCHANGED)
PAGE = {
    "in": "query",
    "name": "page",
    "description": "Which page, counted from 1",
    "schema": {"type": "integer", "minimum": 1, "default": 1},
}
PAGED = {"page": {"type": "integer"}, "has_next": {"type": "boolean"}}
MANY = {"type": "array", "items": response_schemas.PartyInShort}
PEOPLE = {"type": "array", "items": response_schemas.Person}
REASONS_TO_REFUSE = "Refused: the code says why, such as draft, cancelled, late, removed or partly"


class PartyApi(TableApi):
    """Parties, as whoever is asking sees them."""

    @expose("")
    @verb(
        "read",
        gives=MANY,
        parameters=(PAGE,),
        more=PAGED,
    )
    def list(self) -> Response:
        """List the public parties that are to come. The next is the first; a page has 24 of them."""
        page = queries.public_page(page_number())
        return self.response(200, result=in_short(page.items), page=page.number, has_next=page.has_next)

    @expose("/mine")
    @verb("read", gives=response_schemas.Mine)
    def mine(self) -> Response:
        """List one's own parties. Of each kind, the latest hundred."""
        theirs = queries.answers_by(me())
        open_offers = queries.open_offers(answer for answer in theirs if answer.status == models.OFFERED)
        groups: dict[str, list[DinnerParty]] = {
            "hosted": queries.hosted_by(me(), public_only=False),
            "attended": [answer.party for answer in theirs if answer.status in models.SEATED],
            "offered": [answer.party for answer in theirs if answer.id in open_offers],
            "waiting": [
                answer.party for answer in theirs if answer.status in rules.IN_LINE and answer.id not in open_offers
            ],
            "asked": [answer.party for answer in theirs if answer.status == models.AWAITING],
            "invited": invited.to_member(me()),
        }
        return self.response(200, result=response_schemas.Mine().dump(groups))

    @expose("/<slug>")
    @verb("read", gives=response_schemas.Party, refusals=NO_PARTY)
    def show(self, slug: str) -> Response:
        """Show a party, and how one stands with it."""
        party, _guest, answer = self.visible(slug)
        return self.response(200, result=self.seen(party, answer))


class AnswerApi(TableApi):
    """What a guest does about a party."""

    @expose("/<slug>/answer", methods=["PUT"])
    @verb(
        "answer",
        takes=request_schemas.AnswerSent,
        gives=response_schemas.Standing,
        codes=ANSWERED,
        refusals={
            **NO_PARTY,
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
        party, guest, _answer = self.answering(slug)
        wish = Wish(
            sent["answer"],
            sent.get("party_size"),
            sent.get("min_party"),
            sent.get("note"),
            wait=sent.get("wait", False),
        )
        outcome = run_with_retry(lambda: answers.rsvp(party, guest, wish))
        if isinstance(outcome, Partly):
            return self.say(409, PARTLY, flashes.partly(outcome), free=outcome.free, size=outcome.size)
        return self._stands(200, _code(outcome), flashes.answered(party, outcome), outcome.answer)

    @expose("/<slug>/answer", methods=["DELETE"])
    @verb(
        "answer",
        gives=response_schemas.Standing,
        codes=(RELEASED, UNCHANGED),
        refusals={**NO_PARTY, 409: REASONS_TO_REFUSE},
    )
    def withdraw(self, slug: str) -> Response:
        """Give up one's seats, or a place in line. What is free goes to the next in line."""
        party, guest, before = self.answering(slug)
        try:
            with transaction():
                outcome = answers.withdraw(party, guest)
        except DomainError as error:
            if error.category != "warning":
                raise
            # There was nothing to give up, as when it is sent once more.
            return self._stands(200, UNCHANGED, (str(error), error.category), before)
        return self._stands(200, RELEASED, (_("Your seats have been released."), "info"), outcome.answer)

    @expose("/<slug>/offer", methods=["POST"])
    @verb(
        "answer",
        takes=request_schemas.OfferSent,
        gives=response_schemas.Standing,
        codes=(CLAIMED, RELEASED, models.WAITLISTED, models.OFFERED, LAPSED),
        refusals={**NO_PARTY, 409: "Nothing is offered"},
    )
    def offer(self, slug: str, sent: dict[str, Any]) -> Response:
        """Take the seats that are offered, or give them back. Whoever gives them back may wait on."""
        party, guest, _answer = self.answering(slug)
        decision = sent["decision"]
        with transaction():
            claims = decision == CLAIM
            outcome = offers.claim(party, guest) if claims else offers.decline(party, guest, stay=decision == STAY)
        said = flashes.claimed(outcome) if claims else flashes.declined(outcome)
        return self._stands(200, _decided(outcome, claims=claims), said, outcome.answer)

    @expose("/<slug>/ticket")
    @verb(
        "answer",
        gives=response_schemas.Ticket,
        refusals={**NO_PARTY, 409: "There is a ticket as soon as one has a seat"},
    )
    def ticket(self, slug: str) -> Response:
        """Show what one's ticket says. Hosts scan its address at the door, or send the code."""
        party, _guest, answer = self.answering(slug)
        shown = tickets.shown(party, answer)
        if shown is None:
            raise DomainError(_("There is a ticket as soon as you have a seat."), "warning")
        address = public_url("DoorView.scanned", slug=slug, code=shown.code)
        return self.response(200, result={"code": shown.code, "url": address})

    @expose("/<slug>/people")
    @verb("answer", gives=PEOPLE, more=SEEN, refusals={**NO_PARTY, 409: "Not answered yet"})
    def people(self, slug: str) -> Response:
        """List who comes with one's answer, as far as it was told."""
        return self.response(200, **self._people(self._expected(slug)))

    @expose("/<slug>/people", methods=["PUT"])
    @verb(
        "answer",
        takes=request_schemas.PeopleSent,
        gives=PEOPLE,
        more=SEEN,
        codes=(SAVED, CLASH),
        refusals={**NO_PARTY, 409: "Not answered yet, or told otherwise meanwhile"},
    )
    def tell_people(self, slug: str, sent: dict[str, Any]) -> Response:
        """Tell who comes, and what they do not eat. The hosts of the party read it, and nobody else."""
        answer = self._expected(slug)
        told = [Person(**{"name": "", **person}) for person in sent["people"]]
        with transaction():
            seen = sent.get("seen") or food.people_mark(food.people(answer))
            found = food.change_people(answer, told, seen=seen)
        return self.say(200, CLASH if found else SAVED, warned(found), **self._people(answer))

    @expose("/<slug>/waiting-list")
    @verb("answer", gives=response_schemas.WaitingList, refusals=NO_PARTY)
    def waiting_list(self, slug: str) -> Response:
        """Show one's place in line and the reasons for it. Hosts see who waits."""
        party, _guest, answer = self.answering(slug)
        named = self.hosts(party) or self.is_staff()
        if not (named or (answer is not None and answer.status in rules.IN_LINE)):
            abort(403)
        pending = queries.offers_of(party)
        # Offers that ran out hold nothing any more, though the next change of the party will say so.
        free = party.seats_free + sum(offer.seats for offer in pending if not offer.is_open)
        line = explained.line(party, free)
        place, why = line.get(answer.id, (None, None)) if answer else (None, None)
        own = next((offer for offer in pending if offer.is_open and answer and offer.rsvp_id == answer.id), None)
        shown = {
            "place": place,
            "why": why,
            "offer": own,
            "steps": explained.steps(queries.steps_in_line(party), own=answer, named=named),
            "line": _in_line(queries.line_with_guests(party.id), line) if named else None,
        }
        return self.response(200, result=response_schemas.WaitingList().dump(shown))

    @expose("/<slug>/report", methods=["POST"])
    @verb(
        "read",
        takes=request_schemas.ReportSent,
        codes=(REPORTED,),
        refusals={**NO_PARTY, 409: "It is not public, one's own, or was reported before"},
    )
    def report(self, slug: str, sent: dict[str, Any]) -> Response:
        """Tell the administrators that something is wrong with a public party."""
        party = self.visible(slug).party
        run_with_retry(lambda: moderation.report(party, sent["reason"], sent["note"], me()))
        return self.say(200, REPORTED, (_("Thank you. Somebody will look at it."), "info"))

    def _stands(self, status: int, code: str, said: flashes.Flash, answer: Rsvp | None) -> Response:
        return self.say(status, code, said, result=response_schemas.Standing().dump(response_schemas.standing(answer)))

    def _expected(self, slug: str) -> Rsvp:
        """Return the answer of somebody who comes, or may."""
        answer = self.answering(slug).answer
        if answer is None or answer.status not in POSSIBLE:
            raise DomainError(food.ANSWER_FIRST, "warning")
        return answer

    @staticmethod
    def _people(answer: Rsvp) -> dict[str, Any]:
        people = food.people(answer)
        return {"result": response_schemas.Person(many=True).dump(people), "seen": food.people_mark(people)}


def in_short(parties: Iterable[DinnerParty]) -> Any:
    """Return parties as they stand in lists."""
    return response_schemas.PartyInShort(many=True).dump(parties)


def page_number() -> int:
    """Return the page that is asked for, counted from 1."""
    text = request.args.get("page", "1")[:6]
    return max(int(text), 1) if text.isascii() and text.isdigit() else 1


def _code(outcome: Outcome) -> str:
    status = outcome.answer.status
    return status if outcome.changed or status in rules.IN_LINE else UNCHANGED


def _decided(outcome: Outcome, *, claims: bool) -> str:
    if outcome.lapsed:
        return LAPSED
    if claims:
        return CLAIMED
    if outcome.offered:
        return models.OFFERED
    return models.WAITLISTED if outcome.place is not None else RELEASED


def _in_line(guests: list[Rsvp], line: dict[int, tuple[int, str]]) -> list[response_schemas.Seen]:
    return [
        response_schemas.Seen(guest, {"name": str(guest), "place": line[guest.id][0], "why": line[guest.id][1]})
        for guest in guests
    ]
