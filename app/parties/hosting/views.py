"""The pages on which hosts lay a table, change it, and call it off."""

import hashlib
from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response as BaseResponse

from app.crud.fields import show_at_field
from app.database import transaction
from app.errors import DomainError
from app.extensions import db
from app.i18n import formats
from app.i18n.selectors import current_timezone
from app.outbox.service import delivers
from app.parties.access import BasePartyView, current_member
from app.parties.enums import PartyStatus
from app.parties.hosting import service as hosting_service
from app.parties.hosting import texts as hosting_texts
from app.parties.hosting.forms import PartyForm
from app.parties.models import DinnerParty


class HostingView(BasePartyView):
    """What PartyView shows to hosts."""

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def new(self) -> BaseResponse:
        """Lay a new table."""
        form = PartyForm(data=None if request.method == "POST" else {"timezone": current_timezone()})
        if form.validate_on_submit():
            party = DinnerParty()
            try:
                with transaction():
                    _fill(party, form)
                    hosting_service.create_party(party, current_member(), mark=_mark_of_form())
            except DomainError as error:
                return self._refused(form, error)
            except IntegrityError:
                return self._sent_twice(party.slug)
            else:
                flash(*hosting_texts.saved(party))
                return redirect(url_for("PartyView.show", slug=party.slug), 303)
        return self._editor(form)

    def _sent_twice(self, slug: str) -> BaseResponse:
        """Lead whoever sent the form of a new party twice to what the first one stored."""
        party = self.get_editable(slug)
        flash(*hosting_texts.saved(party))
        return redirect(url_for("PartyView.show", slug=slug), 303)

    @expose("/<slug>/edit", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def edit(self, slug: str) -> BaseResponse:
        """Change a party of one's own, while there is something to change."""
        party = self.get_editable(slug)
        if not party.is_changeable:
            flash(_("This party can no longer be changed."), "warning")
            return redirect(url_for("PartyView.show", slug=slug), 303)
        form = PartyForm(obj=party)
        if not form.validate_on_submit():
            return self._editor(form, party)
        if form.version.data != str(party.version):
            return self._conflict(form, slug)
        was_draft = party.status == PartyStatus.DRAFT
        try:
            with transaction():
                _fill(party, form)
                told_count = hosting_service.update_party(party)
        except DomainError as error:
            return self._refused(form, error, self.get_editable(slug))
        except StaleDataError:
            return self._conflict(form, slug)
        if was_draft and party.status == PartyStatus.PUBLISHED and told_count:
            flash(*hosting_texts.published(told_count, delivers=delivers()))
        else:
            flash(*hosting_texts.changed(party, told_count))
        return redirect(url_for("PartyView.show", slug=slug), 303)

    @expose("/<slug>/cancel", methods=["POST"])
    @has_access
    @permission_name("host")
    def cancel(self, slug: str) -> BaseResponse:
        """Call a party off."""
        party = self.get_owned(slug)
        try:
            with transaction():
                count = hosting_service.cancel_party(party)
        except DomainError as error:
            flash(str(error), error.category)
        except StaleDataError:
            flash(_("The party has changed in the meantime. Please review it."), "warning")
        else:
            flash(*hosting_texts.cancelled(count))
        return redirect(url_for("PartyView.show", slug=slug), 303)

    def _refused(self, form: PartyForm, error: DomainError, party: DinnerParty | None = None) -> BaseResponse:
        show_at_field(form, error)
        return self._editor(form, party, problem=str(error))

    def _editor(self, form: PartyForm, party: DinnerParty | None = None, **context: Any) -> BaseResponse:
        if form.is_submitted():
            flash(context.pop("problem", _("Please correct the fields that are marked.")), "danger")
        page = self.render_template("parties/edit.html", form=form, party=party, **context)
        return make_response(page, 422 if form.is_submitted() else 200)

    def _conflict(self, form: PartyForm, slug: str) -> BaseResponse:
        """Show both texts: what somebody else stored meanwhile, and what was typed here."""
        db.session.rollback()
        party = self.get_editable(slug)
        db.session.refresh(party)
        theirs = {
            field.name: formats.value(getattr(party, field.name))
            for field in form
            if hasattr(party, field.name)
            and field.name != "version"
            and _differs(getattr(party, field.name), field.data)
        }
        if not theirs and not _publishes(party):
            # It was this form, sent twice.
            flash(*hosting_texts.saved(party))
            return redirect(url_for("PartyView.show", slug=slug), 303)
        form.version.data = form.version.raw_data = None
        form.version.process_data(str(party.version))
        problem = _("The party has changed in the meantime; both versions are shown. Save again to keep yours.")
        return self._editor(form, party, conflict=theirs, problem=problem)


def _fill(party: DinnerParty, form: PartyForm) -> None:
    """Put into `party` what the form may set, and the status its button asked for."""
    for field in form:
        if field.name not in {"version", "csrf_token"}:
            field.populate_obj(party, field.name)
    if party.status in {None, PartyStatus.DRAFT}:
        party.status = PartyStatus.PUBLISHED if _publishes(party) else PartyStatus.DRAFT


def _differs(stored: object, typed: object) -> bool:
    """Whether two values look different to a person: a form has neither seconds nor an empty text that is None."""
    return stored != typed and formats.value(stored) != formats.value(typed)


def _publishes(party: DinnerParty) -> bool:
    """Whether the button that was pressed makes a draft, or a new party, public."""
    return party.status in {None, PartyStatus.DRAFT} and request.form.get("action") == "publish"


def _mark_of_form() -> str:
    """Return what tells this form from all others that are sent: its token is another one each time it is shown."""
    sent = repr(sorted(request.form.items(multi=True)))
    return hashlib.sha256(sent.encode("utf-8", "surrogatepass")).hexdigest()[:12]
