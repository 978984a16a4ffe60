"""The pages on which hosts repeat a party, and leave, change or cancel the dates of a series."""

from datetime import datetime
from typing import Any

from flask import abort, flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response as BaseResponse

from app.crud import flashes
from app.crud.actions import flash_and_redirect
from app.crud.fields import show_at_field
from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.parties import texts
from app.parties.access import current_member
from app.parties.hosting import texts as hosting_texts
from app.parties.hosting.forms import PartyForm
from app.parties.hosting.views import HostingView, fill
from app.parties.models import DinnerParty
from app.parties.series import queries as series_queries
from app.parties.series import service as series_service
from app.parties.series import texts as series_texts
from app.parties.series.forms import SeriesForm
from app.parties.series.rules import MAX_DATES
from app.parties.texts import Flash


class SeriesView(HostingView):
    """The series of a party."""

    default_view = "show"
    include_route_methods = {"show", "change", "leave", "cancel_following"}

    @expose("/<slug>/series", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def show(self, slug: str) -> BaseResponse:
        """Show the dates of the series, or the form of a new one. POST shows its dates, and then creates them."""
        party = self.get_editable(slug)
        if request.method == "POST":
            self.get_owned(slug)
        form = SeriesForm()
        if not form.is_submitted():
            return self._page(party, form, 200)
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._page(party, form, 422)
        try:
            if request.form.get("action") != "create":
                starts = series_service.plan(party, form.rule())
                flash(*series_texts.planned(len(starts)))
                return self._page(party, form, 200, [series_service.moment(each, party.timezone) for each in starts])
            parties = run_with_retry(lambda: series_service.create(party, form.rule()))
        except StaleDataError:
            flash(*texts.changed_meanwhile())
            return self._page(self.get_editable(slug), form, 409)
        except DomainError as error:
            flash(str(error), error.category)
            if error.field:
                show_at_field(form, error)
            return self._page(self.get_editable(slug), form, 422)
        flash(*series_texts.created(parties))
        return redirect(url_for("SeriesView.show", slug=slug), 303)

    def _page(
        self, party: DinnerParty, form: SeriesForm, status: int, starts: list[datetime] | None = None
    ) -> BaseResponse:
        page = self.render_template(
            "parties/series.html",
            party=party,
            form=form,
            starts=starts,
            dates=series_queries.dates(party),
            following=len(series_queries.following(party)) if party.series_id else 0,
            max_dates=MAX_DATES,
            owns=self._owns(party),
        )
        return make_response(page, status)

    @expose("/<slug>/series/change", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def change(self, slug: str) -> BaseResponse:
        """Change a date and the following ones."""
        party = self.get_editable(slug)
        if party.series_id is None:
            abort(404)
        if not party.is_changeable:
            flash(*hosting_texts.no_longer_changeable())
            return redirect(url_for("PartyView.show", slug=slug), 303)
        form = PartyForm(obj=party)
        if not form.validate_on_submit():
            return self._editor(form, party)
        if form.version.data != str(party.version):
            return self._conflict(form, slug)
        try:
            with transaction():
                fill(party, form)
                dates, notified = series_service.change_following(party)
        except DomainError as error:
            return self._show_error(form, error, self.get_editable(slug))
        except StaleDataError:
            return self._conflict(form, slug)
        flash(*series_texts.changed(dates, notified))
        return redirect(url_for("SeriesView.show", slug=slug), 303)

    def _editor(self, form: PartyForm, party: DinnerParty | None = None, **context: Any) -> BaseResponse:
        number = len(series_queries.following(party)) if party is not None else 0
        return super()._editor(form, party, following=number, **context)

    @expose("/<slug>/series/leave", methods=["POST"])
    @has_access
    @permission_name("host")
    @flash_and_redirect("PartyView.show", "slug")
    def leave(self, slug: str) -> Flash:
        """Take one date out of the series."""
        series_service.leave(self.get_owned(slug))
        return series_texts.left()

    @expose("/<slug>/series/cancel", methods=["POST"])
    @has_access
    @permission_name("host")
    @flash_and_redirect("PartyView.show", "slug")
    def cancel_following(self, slug: str) -> Flash:
        """Cancel a date and the following ones."""
        party = self.get_owned(slug)
        try:
            return series_texts.cancelled(*series_service.cancel_following(party))
        except StaleDataError as error:
            raise DomainError(*texts.changed_meanwhile()) from error

    def _owns(self, party: DinnerParty) -> bool:
        return party.host_id == current_member().id or self.is_staff()
