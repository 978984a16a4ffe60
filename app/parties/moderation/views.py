"""The page on which visitors and members report a public party."""

from flask import flash, make_response, redirect, session, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.rate_limits import HOUSEHOLD, per_address
from app.crud import flashes
from app.database import transaction
from app.errors import DomainError
from app.parties.access import BasePartyView, current_member
from app.parties.moderation import service as moderation_service
from app.parties.moderation import texts as moderation_texts
from app.parties.moderation.forms import ReportForm
from app.parties.moderation.models import PartyReport

# Session key: the reports that were sent from this browser, by party.
REPORTED = "reported"
# The session is a cookie, and browsers drop a cookie that is too long.
MAX_REMEMBERED = 20


class ReportView(BasePartyView):
    """The form behind "Report this party"."""

    route_base = "/parties"
    default_view = "report"
    limits = [per_address("ReportView.report", HOUSEHOLD)]

    @expose("/<slug>/report", methods=["GET", "POST"])
    @has_access
    @permission_name("read")
    def report(self, slug: str) -> BaseResponse:
        """Show the form. POST reports the party."""
        party = self.get_visible(slug).party
        reporter = current_member() if current_user.is_authenticated else None
        form = ReportForm()
        try:
            moderation_service.refuse_report(party, reporter)
            if form.is_submitted() and form.validate():
                earlier_id = _reports_of_browser().get(str(party.id))
                with transaction():
                    report = moderation_service.report(
                        party, form.reason.data, form.note.data or "", reporter, earlier_id=earlier_id
                    )
                _remember(report)
                flash(*moderation_texts.reported())
                return redirect(url_for("PartyView.show", slug=slug), 303)
        except DomainError as error:
            flash(str(error), error.category)
            return redirect(url_for("PartyView.show", slug=slug), 303)
        if form.is_submitted():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
        page = self.render_template("parties/report.html", form=form, party=party)
        return make_response(page, 422 if form.is_submitted() else 200)


def _reports_of_browser() -> dict[str, int]:
    """Return the keys of the reports that were sent from this browser, by the key of the party."""
    reports: dict[str, int] = session.get(REPORTED, {})
    return reports


def _remember(report: PartyReport) -> None:
    """Note the report in the session, so that a visitor without an account does not report the same party again."""
    others = {key: value for key, value in _reports_of_browser().items() if key != str(report.party_id)}
    session[REPORTED] = dict([*others.items(), (str(report.party_id), report.id)][-MAX_REMEMBERED:])
