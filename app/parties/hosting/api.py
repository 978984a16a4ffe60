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
from app.parties import idempotency, queries, serialization, texts
from app.parties.access import current_member
from app.parties.api_base import CHANGED_MEANWHILE, NOT_THE_HOST, UNCHANGED, PartyApiBase, endpoint
from app.parties.api_fields import read_clocks
from app.parties.enums import PartyStatus
from app.parties.hosting import schemas as hosting_schemas
from app.parties.hosting import service as hosting_service
from app.parties.hosting import texts as hosting_texts
from app.parties.models import DinnerParty
from app.parties.respondent import Respondent
from app.parties.serialization import serialize_party

SAVED, CLASH, COPIED, ADDED, REMOVED = "saved", "clash", "copied", "added", "removed"
BOTH = (
    "Changed meanwhile: `conflict` has for each field that differs what is stored and what was sent, `result` the party"
)


class HostApi(PartyApiBase):
    """What a host does with a party."""

    @expose("", methods=["POST"])
    @endpoint(
        "host",
        takes=hosting_schemas.PartyInput,
        gives=serialization.Party,
        status=201,
        codes=(PartyStatus.DRAFT, PartyStatus.PUBLISHED),
        parameters=(idempotency.PARAMETER,),
        refusals={200: "It was laid before, by the same request", 409: "The key was sent with another party before"},
    )
    def create(self, sent: dict[str, Any]) -> Response:
        """Lay a new table. The host holds the first seat."""
        read_clocks(sent, current_timezone())
        asked = idempotency.asked_for(current_member())
        before, party = asked.stored(), DinnerParty(**{"timezone": current_timezone(), **sent})
        if before is None:
            try:
                with transaction():
                    hosting_service.create_party(party, current_member(), mark=asked.mark)
            except IntegrityError:
                # The same request, at the same moment, was a little faster.
                before = asked.stored()
                if before is None:
                    raise
        laid = self.get_editable((before or party).slug)
        response = self.respond(200 if before else 201, laid.status, hosting_texts.saved(laid), result=self._seen(laid))
        response.headers["Location"] = url_for("PartyApi.show", slug=laid.slug)
        return response

    @expose("/<slug>", methods=["PATCH"])
    @endpoint(
        "host",
        takes=hosting_schemas.PartyChangeInput,
        gives=serialization.Party,
        codes=(SAVED, UNCHANGED),
        refusals={**NOT_THE_HOST, 409: BOTH},
    )
    def change(self, slug: str, sent: dict[str, Any]) -> Response:
        """Change a party. Guests are told of another time or place, and new seats go to those who wait."""
        party = self.get_editable(slug)
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
                count = hosting_service.update_party(party)
        except StaleDataError:
            db.session.rollback()
            return self._conflict(self.get_editable(slug), sent)
        return self.respond(200, SAVED, hosting_texts.changed(party, count), result=self._seen(party))

    @expose("/<slug>/publish", methods=["POST"])
    @endpoint(
        "host",
        gives=serialization.Party,
        codes=(PartyStatus.PUBLISHED, UNCHANGED),
        refusals={**NOT_THE_HOST, 409: "It is over"},
    )
    def publish(self, slug: str) -> Response:
        """Show a draft to its guests."""
        party = self.get_editable(slug)
        if party.status == PartyStatus.PUBLISHED:
            return self.respond(200, UNCHANGED, hosting_texts.saved(party), result=self._seen(party))
        if party.status != PartyStatus.DRAFT:
            raise DomainError(_("This party can no longer be changed."), "warning")
        with transaction():
            party.status = PartyStatus.PUBLISHED
            count = hosting_service.update_party(party)
        said = hosting_texts.published(count, delivers=delivers()) if count else hosting_texts.saved(party)
        return self.respond(200, PartyStatus.PUBLISHED, said, result=self._seen(party))

    @expose("/<slug>/cancel", methods=["POST"])
    @endpoint(
        "host",
        gives=serialization.Party,
        codes=(PartyStatus.CANCELLED, UNCHANGED),
        refusals={**NOT_THE_HOST, 409: "It has begun"},
    )
    def cancel(self, slug: str) -> Response:
        """Call a party off. Guests are told; only its owner can."""
        party = self.get_owned(slug)
        try:
            with transaction():
                count = hosting_service.cancel_party(party)
        except DomainError as error:
            if error.category != "info":
                raise
            return self.respond(200, UNCHANGED, (str(error), error.category), result=self._seen(party))
        return self.respond(200, PartyStatus.CANCELLED, hosting_texts.cancelled(count), result=self._seen(party))

    @expose("/<slug>/copy", methods=["POST"])
    @endpoint("host", gives=serialization.Party, status=201, codes=(COPIED,), refusals=NOT_THE_HOST)
    def copy(self, slug: str) -> Response:
        """Lay a draft like this party. It is on the same weekday of a coming week."""
        party = self.get_editable(slug)
        with transaction():
            twin = hosting_service.copy_party(party, current_member())
        said: texts.Flash = _("Copy created as a draft; pick a date."), "info"
        response = self.respond(201, COPIED, said, result=self._seen(self.get_editable(twin.slug)))
        response.headers["Location"] = url_for("PartyApi.show", slug=twin.slug)
        return response

    # -- who hosts

    @expose("/<slug>/hosts", methods=["POST"])
    @endpoint(
        "host",
        takes=hosting_schemas.CoHostInput,
        gives=serialization.Party,
        status=201,
        codes=(ADDED,),
        refusals=NOT_THE_HOST,
    )
    def add_host(self, slug: str, sent: dict[str, Any]) -> Response:
        """Let somebody host beside the owner. They are written to."""
        party = self.get_owned(slug)
        member = run_with_retry(lambda: hosting_service.add_co_host(party, sent["username"]))
        said: texts.Flash = _("%(name)s is now a co-host.", name=member.display_name), "info"
        return self.respond(201, ADDED, said, result=self._seen(party))

    @expose("/<slug>/hosts/<username>", methods=["DELETE"])
    @endpoint("host", codes=(REMOVED, UNCHANGED), refusals=NOT_THE_HOST)
    def remove_host(self, slug: str, username: str) -> Response:
        """Let somebody host no more. Co-hosts may leave by themselves."""
        party = self.get_editable(slug) if username == current_user.username else self.get_owned(slug)
        member = queries.member_by_username(username)
        if member is None:
            abort(404)
        try:
            with transaction():
                hosting_service.remove_co_host(party, member)
        except DomainError as error:
            return self.respond(200, UNCHANGED, (str(error), error.category))
        text = _("%(name)s is no longer a host of this party.", name=member.display_name)
        return self.respond(200, REMOVED, (text, "info"))

    # -- inside

    def _seen(self, party: DinnerParty) -> Any:
        return serialize_party(self, party, queries.rsvp_of(party, Respondent(current_member())))

    def _conflict(self, party: DinnerParty, sent: Mapping[str, Any]) -> Response:
        """Show both: what somebody else stored meanwhile, and what was sent."""
        stored, typed = hosting_schemas.StoredParty().dump(party), hosting_schemas.StoredParty().dump(sent)
        differing = {
            name: {"stored": stored[name], "sent": typed[name]} for name in sent if stored[name] != typed[name]
        }
        if not differing:
            # It was this change, sent twice.
            return self.respond(200, UNCHANGED, hosting_texts.saved(party), result=self._seen(party))
        text = _("The party has changed in the meantime; both versions are shown. Save again to keep yours.")
        return self.respond(409, CHANGED_MEANWHILE, (text, "warning"), conflict=differing, result=self._seen(party))
