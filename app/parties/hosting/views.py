"""The pages on which hosts create, edit and cancel a party."""

import hashlib
from datetime import datetime
from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response as BaseResponse

from app import clock
from app.crud import flashes
from app.crud.fields import show_at_field
from app.crud.files import StoredFile
from app.database import transaction
from app.errors import DomainError
from app.extensions import db
from app.i18n import formats
from app.i18n.selectors import current_timezone
from app.parties import texts, wall_clock
from app.parties.access import POST_LIMIT, BasePartyView, current_member
from app.parties.enums import PartyStatus
from app.parties.hosting import rules
from app.parties.hosting import service as hosting_service
from app.parties.hosting import texts as hosting_texts
from app.parties.hosting.forms import PartyForm
from app.parties.models import DinnerParty


class HostingView(BasePartyView):
    """Pages on which hosts create, change and cancel their parties."""

    route_base = "/parties"
    default_view = "new"
    upload_methods = frozenset({"new", "edit"})
    limits = [POST_LIMIT]

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def new(self) -> BaseResponse:
        """Create a party."""
        form = PartyForm(data=None if request.method == "POST" else _proposal())
        if form.validate_on_submit():
            party = DinnerParty()
            try:
                with transaction():
                    fill(party, form)
                    hosting_service.create_party(party, current_member(), slug_suffix=_slug_suffix())
            except DomainError as error:
                return self._show_error(form, error)
            except IntegrityError:
                # The first submission of the same form has created it.
                party = self.get_editable(party.slug)
            flash(*hosting_texts.saved(party))
            return redirect(url_for("OverviewView.show", slug=party.slug), 303)
        return self._editor(form)

    @expose("/<slug>/edit", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def edit(self, slug: str) -> BaseResponse:
        """Edit a party."""
        party = self.get_editable(slug)
        if not party.is_changeable:
            flash(*hosting_texts.no_longer_changeable())
            return redirect(url_for("OverviewView.show", slug=slug), 303)
        form = PartyForm(obj=party)
        if not form.validate_on_submit():
            return self._editor(form, party)
        if form.version.data != str(party.version):
            return self._conflict(form, slug)
        was_draft = party.status == PartyStatus.DRAFT
        try:
            with transaction():
                fill(party, form)
                notified = hosting_service.update_party(party)
        except DomainError as error:
            return self._show_error(form, error, self.get_editable(slug))
        except StaleDataError:
            return self._conflict(form, slug)
        if was_draft and party.status == PartyStatus.PUBLISHED and notified:
            flash(*hosting_texts.published(notified))
        elif was_draft:
            flash(*hosting_texts.saved(party))
        else:
            flash(*hosting_texts.changed(party, notified))
        return redirect(url_for("OverviewView.show", slug=slug), 303)

    @expose("/<slug>/publish", methods=["POST"])
    @has_access
    @permission_name("host")
    def publish(self, slug: str) -> BaseResponse:
        """Publish a draft as it is stored."""
        party = self.get_editable(slug)
        try:
            with transaction():
                count = hosting_service.publish_party(party)
        except DomainError as error:
            flash(str(error), error.category)
        except StaleDataError:
            flash(*texts.changed_meanwhile())
        else:
            flash(*(hosting_texts.published(count) if count else hosting_texts.saved(party)))
        return redirect(url_for("OverviewView.show", slug=slug), 303)

    @expose("/<slug>/cancel", methods=["POST"])
    @has_access
    @permission_name("host")
    def cancel(self, slug: str) -> BaseResponse:
        """Cancel a party."""
        party = self.get_owned(slug)
        try:
            with transaction():
                count = hosting_service.cancel_party(party)
        except DomainError as error:
            flash(str(error), error.category)
        except StaleDataError:
            flash(*texts.changed_meanwhile())
        else:
            flash(*hosting_texts.cancelled(count))
        return redirect(url_for("OverviewView.show", slug=slug), 303)

    def _show_error(self, form: PartyForm, error: DomainError, party: DinnerParty | None = None) -> BaseResponse:
        show_at_field(form, error)
        return self._editor(form, party, message=str(error))

    def _editor(self, form: PartyForm, party: DinnerParty | None = None, **context: Any) -> BaseResponse:
        if form.is_submitted():
            flash(context.pop("message", str(flashes.CORRECT_THE_FIELDS)), "danger")
        if party is not None:
            form.picture.preview = lambda value: url_for("PartyView.picture", slug=party.slug, thumbnail=1, v=value[:8])
        page = self.render_template("parties/party_form.html", form=form, party=party, **context)
        return make_response(page, 422 if form.is_submitted() else 200)

    def _conflict(self, form: PartyForm, slug: str) -> BaseResponse:
        """Show both versions: the one stored in the meantime, and the input of this form."""
        db.session.rollback()
        party = self.get_editable(slug)
        db.session.refresh(party)
        stored = {
            field.name: _shown(getattr(party, field.name), party)
            for field in form
            if hasattr(party, field.name)
            and field.name != "version"
            and _differs(getattr(party, field.name), field.data)
        }
        if not stored and not _publishes(party):
            # The same form was submitted twice.
            flash(*hosting_texts.saved(party))
            return redirect(url_for("OverviewView.show", slug=slug), 303)
        form.version.data = form.version.raw_data = None
        form.version.process_data(str(party.version))
        message, _category = hosting_texts.edit_conflict()
        return self._editor(form, party, conflict=stored, message=message)


def _proposal() -> dict[str, object]:
    """Return what the form of a new party starts with."""
    zone = current_timezone()
    start = wall_clock.moment_of(rules.proposed_start(clock.now().astimezone(wall_clock.zone(zone))), 0, zone)
    return {"timezone": zone, "starts_at": start}


def fill(party: DinnerParty, form: PartyForm) -> None:
    """Copy the input to `party`. The button decides on the status of a draft."""
    for field in form:
        if field.name not in {"version", "csrf_token"}:
            field.populate_obj(party, field.name)
    if party.status in {None, PartyStatus.DRAFT}:
        party.status = PartyStatus.PUBLISHED if _publishes(party) else PartyStatus.DRAFT


def _shown(stored: object, party: DinnerParty) -> str:
    """Return a stored value as the form shows it: times in the zone of the party, of a picture the name of its file."""
    if isinstance(stored, datetime):
        return formats.date_time(stored, party.timezone)
    file = StoredFile.parse(stored, is_image=True) if isinstance(stored, str) else None
    return file.title if file else formats.value(stored)


def _differs(stored: object, submitted: object) -> bool:
    """Whether the values look different. A form has no seconds, and an empty string instead of None."""
    return stored != submitted and formats.value(stored) != formats.value(submitted)


def _publishes(party: DinnerParty) -> bool:
    """Whether the button publishes a draft or a new party."""
    return party.status in {None, PartyStatus.DRAFT} and request.form.get("action") == "publish"


def _slug_suffix() -> str:
    """Return a digest of the form, the same if it is submitted twice. Its CSRF token differs each time it is shown."""
    values = repr(sorted(request.form.items(multi=True)))
    return hashlib.sha256(values.encode("utf-8", "surrogatepass")).hexdigest()[:12]
