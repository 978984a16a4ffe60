"""Hosts lay a table, change it, and clear it."""

from collections.abc import Mapping
from typing import Any

from flask import Response, abort, url_for
from flask_appbuilder.api import expose
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.extensions import db
from app.i18n.selectors import current_timezone
from app.outbox.service import delivers
from app.parties import clashes, models, queries
from app.parties.api import idempotency, request_schemas, response_schemas
from app.parties.api.base import CHANGED_MEANWHILE, NOT_YOURS, SEEN, UNCHANGED, TableApi, verb
from app.parties.api.fields import read_clocks
from app.parties.guests import Guest
from app.parties.models import DinnerParty
from app.parties.service import food, hosting
from app.parties.service.food import Dish
from app.parties.views import flashes
from app.parties.views.access import me
from app.parties.views.food import planned

SAVED, CLASH, COPIED, ADDED, REMOVED = "saved", "clash", "copied", "added", "removed"
MENU = {"type": "array", "items": response_schemas.Dish}
BOTH = (
    "Changed meanwhile: `conflict` has for each field that differs what is stored and what was sent, `result` the party"
)


class HostApi(TableApi):
    """What a host does with a party."""

    @expose("", methods=["POST"])
    @verb(
        "host",
        takes=request_schemas.PartySent,
        gives=response_schemas.Party,
        status=201,
        codes=(models.DRAFT, models.PUBLISHED),
        parameters=(idempotency.PARAMETER,),
        refusals={200: "It was laid before, by the same request", 409: "The key was sent with another party before"},
    )
    def create(self, sent: dict[str, Any]) -> Response:
        """Lay a new table. The host holds the first seat."""
        read_clocks(sent, current_timezone())
        asked = idempotency.asked_for(me())
        before, party = asked.stored(), DinnerParty(**{"timezone": current_timezone(), **sent})
        if before is None:
            try:
                with transaction():
                    hosting.lay(party, me(), mark=asked.mark)
            except IntegrityError:
                # The same request, at the same moment, was a little faster.
                before = asked.stored()
                if before is None:
                    raise
        laid = self.own((before or party).slug)
        answer = self.say(200 if before else 201, laid.status, flashes.saved(laid), result=self._seen(laid))
        answer.headers["Location"] = url_for("PartyApi.show", slug=laid.slug)
        return answer

    @expose("/<slug>", methods=["PATCH"])
    @verb(
        "host",
        takes=request_schemas.PartyChange,
        gives=response_schemas.Party,
        codes=(SAVED, UNCHANGED),
        refusals={**NOT_YOURS, 409: BOTH},
    )
    def change(self, slug: str, sent: dict[str, Any]) -> Response:
        """Change a party. Guests are told of another time or place, and new seats go to those who wait."""
        party = self.own(slug)
        if not party.is_changeable:
            raise DomainError(_("This party can no longer be changed."), "warning")
        read_clocks(sent, party.timezone)
        version = sent.pop("version")
        if version != party.version:
            return self._conflict(party, sent)
        for name, value in sent.items():
            setattr(party, name, value)
        try:
            with transaction():
                count = hosting.amend(party)
        except StaleDataError:
            db.session.rollback()
            return self._conflict(self.own(slug), sent)
        return self.say(200, SAVED, flashes.changed(party, count), result=self._seen(party))

    @expose("/<slug>/publish", methods=["POST"])
    @verb(
        "host",
        gives=response_schemas.Party,
        codes=(models.PUBLISHED, UNCHANGED),
        refusals={**NOT_YOURS, 409: "It is over"},
    )
    def publish(self, slug: str) -> Response:
        """Show a draft to its guests."""
        party = self.own(slug)
        if party.status == models.PUBLISHED:
            return self.say(200, UNCHANGED, flashes.saved(party), result=self._seen(party))
        if party.status != models.DRAFT:
            raise DomainError(_("This party can no longer be changed."), "warning")
        with transaction():
            party.status = models.PUBLISHED
            count = hosting.amend(party)
        said = flashes.published(count, delivers=delivers()) if count else flashes.saved(party)
        return self.say(200, models.PUBLISHED, said, result=self._seen(party))

    @expose("/<slug>/cancel", methods=["POST"])
    @verb(
        "host",
        gives=response_schemas.Party,
        codes=(models.CANCELLED, UNCHANGED),
        refusals={**NOT_YOURS, 409: "It has begun"},
    )
    def cancel(self, slug: str) -> Response:
        """Call a party off. Guests are told; only its owner can."""
        party = self.owned(slug)
        try:
            with transaction():
                count = hosting.cancel(party)
        except DomainError as error:
            if error.category != "info":
                raise
            return self.say(200, UNCHANGED, (str(error), error.category), result=self._seen(party))
        return self.say(200, models.CANCELLED, flashes.cancelled(count), result=self._seen(party))

    @expose("/<slug>/copy", methods=["POST"])
    @verb("host", gives=response_schemas.Party, status=201, codes=(COPIED,), refusals=NOT_YOURS)
    def copy(self, slug: str) -> Response:
        """Lay a draft like this party. It is on the same weekday of a coming week."""
        party = self.own(slug)
        with transaction():
            twin = hosting.copy(party, me())
        said: flashes.Flash = _("Copy created as a draft; pick a date."), "info"
        answer = self.say(201, COPIED, said, result=self._seen(self.own(twin.slug)))
        answer.headers["Location"] = url_for("PartyApi.show", slug=twin.slug)
        return answer

    # -- what is on the table

    @expose("/<slug>/menu")
    @verb("host", gives=MENU, more=SEEN, refusals=NOT_YOURS)
    def show_menu(self, slug: str) -> Response:
        """Show what is on the table. Guests read it with the party."""
        return self.response(200, **self._menu(self.hosted(slug)))

    @expose("/<slug>/menu", methods=["PUT"])
    @verb(
        "host",
        takes=request_schemas.MenuSent,
        gives=MENU,
        more=SEEN,
        codes=(SAVED, CLASH),
        refusals={**NOT_YOURS, 409: "Changed meanwhile"},
    )
    def menu(self, slug: str, sent: dict[str, Any]) -> Response:
        """Say what is on the table. The first main course is the party's main dish."""
        party = self.hosted(slug)
        dishes = [Dish(**dish) for dish in sent["dishes"]]
        with transaction():
            food.change_menu(party, dishes, seen=sent.get("seen") or food.menu_mark(food.menu(party)))
        said = planned(food.menu(party), food.eaters(party))
        return self.say(200, CLASH if said[1] == "warning" else SAVED, said, **self._menu(party))

    @expose("/<slug>/kitchen")
    @verb("host", gives=response_schemas.Kitchen, refusals=NOT_YOURS)
    def kitchen(self, slug: str) -> Response:
        """Show what the kitchen must know. Nobody's name is in it."""
        party = self.hosted(slug)
        menu, eaters = food.menu(party), food.eaters(party)
        shown = {
            "people": len(eaters),
            "dishes": [
                {"name": dish.name, "course": dish.course, "cannot": clashes.count(dish, eaters)} for dish in menu
            ],
            "left_out": clashes.left_out(menu, eaters),
            "diets": _tally(key for eater in eaters for key in eater.diets),
            "allergens": _tally(key for eater in eaters for key in eater.allergens),
            "notes": [eater.note for eater in eaters if eater.note],
        }
        return self.response(200, result=response_schemas.Kitchen().dump(shown))

    # -- who hosts

    @expose("/<slug>/hosts", methods=["POST"])
    @verb(
        "host",
        takes=request_schemas.HostSent,
        gives=response_schemas.Party,
        status=201,
        codes=(ADDED,),
        refusals=NOT_YOURS,
    )
    def add_host(self, slug: str, sent: dict[str, Any]) -> Response:
        """Let somebody host beside the owner. They are written to."""
        party = self.owned(slug)
        member = run_with_retry(lambda: hosting.add_co_host(party, sent["username"]))
        said: flashes.Flash = _("%(name)s hosts with you now.", name=member.display_name), "info"
        return self.say(201, ADDED, said, result=self._seen(party))

    @expose("/<slug>/hosts/<username>", methods=["DELETE"])
    @verb("host", codes=(REMOVED, UNCHANGED), refusals=NOT_YOURS)
    def remove_host(self, slug: str, username: str) -> Response:
        """Let somebody host no more. Co-hosts may leave by themselves."""
        party = self.own(slug) if username == current_user.username else self.owned(slug)
        member = queries.member_by_username(username)
        if member is None:
            abort(404)
        try:
            with transaction():
                hosting.remove_co_host(party, member)
        except DomainError as error:
            return self.say(200, UNCHANGED, (str(error), error.category))
        text = _("%(name)s does not host this party any more.", name=member.display_name)
        return self.say(200, REMOVED, (text, "info"))

    # -- inside

    @staticmethod
    def _menu(party: DinnerParty) -> dict[str, Any]:
        menu = food.menu(party)
        return {"result": response_schemas.Dish(many=True).dump(menu), "seen": food.menu_mark(menu)}

    def _seen(self, party: DinnerParty) -> Any:
        return self.seen(party, queries.answer_of(party, Guest(me())))

    def _conflict(self, party: DinnerParty, sent: Mapping[str, Any]) -> Response:
        """Show both: what somebody else stored meanwhile, and what was sent."""
        stored, typed = response_schemas.Facts().dump(party), response_schemas.Facts().dump(sent)
        differing = {
            name: {"stored": stored[name], "sent": typed[name]} for name in sent if stored[name] != typed[name]
        }
        if not differing:
            # It was this change, sent twice.
            return self.say(200, UNCHANGED, flashes.saved(party), result=self._seen(party))
        text = _("The party was changed meanwhile; both versions are shown. Save again to keep yours.")
        return self.say(409, CHANGED_MEANWHILE, (text, "warning"), conflict=differing, result=self._seen(party))


def _tally(keys: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for key in keys:
        counts[key] = counts.get(key, 0) + 1
    return counts
