"""The members' API for hosting: create, change, publish, cancel and copy parties, and choose co-hosts."""

from collections.abc import Mapping
from typing import Any

from flask import Response, abort, url_for
from flask_appbuilder.api import expose
from flask_login import current_user
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.extensions import db
from app.i18n.selectors import current_timezone
from app.parties import idempotency, queries, serialization
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
from app.parties.texts import Flash

SAVED, COPIED, ADDED, REMOVED = "saved", "copied", "added", "removed"
CONFLICT = (
    "The party was changed in the meantime. `conflict` has the stored and the sent value of each field that differs, "
    "`result` has the party"
)


class HostApi(PartyApiBase):
    """Parties of a host."""

    @expose("", methods=["POST"])
    @endpoint(
        "host",
        takes=hosting_schemas.PartyInput,
        gives=serialization.Party,
        status=201,
        codes=(PartyStatus.DRAFT, PartyStatus.PUBLISHED),
        parameters=(idempotency.PARAMETER,),
        refusals={200: "An equal request created the party before", 409: "The key was used for another party before"},
    )
    def create(self, sent: dict[str, Any]) -> Response:
        """Create a party. The host has the first seat."""
        read_clocks(sent, current_timezone())
        identity = idempotency.identify_request(current_member())
        existing, party = identity.find_party(), DinnerParty(**{"timezone": current_timezone(), **sent})
        if existing is None:
            try:
                with transaction():
                    hosting_service.create_party(party, current_member(), slug_suffix=identity.slug_suffix)
            except IntegrityError:
                # An equal request was faster.
                existing = identity.find_party()
                if existing is None:
                    raise
        status = 200 if existing else 201
        party = self.get_editable((existing or party).slug)
        response = self.respond(status, party.status, hosting_texts.saved(party), result=self._serialize(party))
        response.headers["Location"] = url_for("PartyApi.show", slug=party.slug)
        return response

    @expose("/<slug>", methods=["PATCH"])
    @endpoint(
        "host",
        takes=hosting_schemas.PartyChangeInput,
        gives=serialization.Party,
        codes=(SAVED, UNCHANGED),
        refusals={**NOT_THE_HOST, 409: CONFLICT},
    )
    def change(self, slug: str, sent: dict[str, Any]) -> Response:
        """Change a party. Guests are notified of a new time or location, and new seats are offered to the waiting list."""
        party = self.get_editable(slug)
        if not party.is_changeable:
            raise DomainError(*hosting_texts.no_longer_changeable())
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
        return self.respond(200, SAVED, hosting_texts.changed(party, count), result=self._serialize(party))

    @expose("/<slug>/publish", methods=["POST"])
    @endpoint(
        "host",
        gives=serialization.Party,
        codes=(PartyStatus.PUBLISHED, UNCHANGED),
        refusals={**NOT_THE_HOST, 409: "The party is cancelled or done"},
    )
    def publish(self, slug: str) -> Response:
        """Publish a draft."""
        party = self.get_editable(slug)
        if party.status == PartyStatus.PUBLISHED:
            return self._unchanged(party, hosting_texts.saved(party))
        with transaction():
            count = hosting_service.publish_party(party)
        flash = hosting_texts.published(count) if count else hosting_texts.saved(party)
        return self.respond(200, PartyStatus.PUBLISHED, flash, result=self._serialize(party))

    @expose("/<slug>/cancel", methods=["POST"])
    @endpoint(
        "host",
        gives=serialization.Party,
        codes=(PartyStatus.CANCELLED, UNCHANGED),
        refusals={**NOT_THE_HOST, 409: "The party has started"},
    )
    def cancel(self, slug: str) -> Response:
        """Cancel a party. Only its owner can do that; guests are notified."""
        party = self.get_owned(slug)
        try:
            with transaction():
                count = hosting_service.cancel_party(party)
        except DomainError as error:
            if error.category != "info":
                raise
            return self._unchanged(party, (str(error), error.category))
        return self.respond(200, PartyStatus.CANCELLED, hosting_texts.cancelled(count), result=self._serialize(party))

    @expose("/<slug>/copy", methods=["POST"])
    @endpoint("host", gives=serialization.Party, status=201, codes=(COPIED,), refusals=NOT_THE_HOST)
    def copy(self, slug: str) -> Response:
        """Create a draft like this party, on the same weekday of a coming week."""
        party = self.get_editable(slug)
        with transaction():
            draft = hosting_service.copy_party(party, current_member())
        response = self.respond(
            201, COPIED, hosting_texts.copied(), result=self._serialize(self.get_editable(draft.slug))
        )
        response.headers["Location"] = url_for("PartyApi.show", slug=draft.slug)
        return response

    # -- co-hosts

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
        """Add a co-host. They get an e-mail."""
        party = self.get_owned(slug)
        member = run_with_retry(lambda: hosting_service.add_co_host(party, sent["username"]))
        return self.respond(201, ADDED, hosting_texts.co_host_added(member), result=self._serialize(party))

    @expose("/<slug>/hosts/<username>", methods=["DELETE"])
    @endpoint("host", codes=(REMOVED, UNCHANGED), refusals=NOT_THE_HOST)
    def remove_host(self, slug: str, username: str) -> Response:
        """Remove a co-host. Co-hosts can also leave by themselves."""
        party = self.get_editable(slug) if username == current_user.username else self.get_owned(slug)
        member = queries.member_by_username(username)
        if member is None:
            abort(404)
        try:
            with transaction():
                hosting_service.remove_co_host(party, member)
        except DomainError as error:
            return self.respond(200, UNCHANGED, (str(error), error.category))
        return self.respond(200, REMOVED, hosting_texts.co_host_removed(member))

    def _unchanged(self, party: DinnerParty, flash: Flash) -> Response:
        return self.respond(200, UNCHANGED, flash, result=self._serialize(party))

    def _serialize(self, party: DinnerParty) -> Any:
        return serialize_party(self, party, queries.rsvp_of(party, Respondent(current_member())))

    def _conflict(self, party: DinnerParty, sent: Mapping[str, Any]) -> Response:
        """Return the fields whose stored and sent values differ."""
        stored, submitted = hosting_schemas.StoredParty().dump(party), hosting_schemas.StoredParty().dump(sent)
        differing = {
            name: {"stored": stored[name], "sent": submitted[name]} for name in sent if stored[name] != submitted[name]
        }
        if not differing:
            # The same change was sent twice.
            return self._unchanged(party, hosting_texts.saved(party))
        return self.respond(
            409, CHANGED_MEANWHILE, hosting_texts.edit_conflict(), conflict=differing, result=self._serialize(party)
        )
