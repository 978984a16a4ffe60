"""Say that something is wrong with a public party: everybody can, with an account or without."""

from flask import flash, make_response, redirect, session, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.models import Member
from app.accounts.rate_limits import per_address
from app.crud import flashes
from app.database import transaction
from app.errors import DomainError
from app.parties.access import BasePartyView, current_member
from app.parties.models import DinnerParty
from app.parties.moderation import service as moderation_service
from app.parties.moderation.forms import ReportForm
from app.parties.moderation.models import PartyReport

REPORTED = "reported"
# The session is a cookie, and browsers drop one that is too long.
MAX_REMEMBERED = 20


class ReportView(BasePartyView):
    """The form behind "Report this party"."""

    route_base = "/parties"
    default_view = "report"
    limits = [per_address("ReportView.report", "5 per hour")]

    @expose("/<slug>/report", methods=["GET", "POST"])
    @has_access
    @permission_name("read")
    def report(self, slug: str) -> BaseResponse:
        """Ask what is wrong with a party; POST tells the administrators."""
        party = self.get_visible(slug).party
        form = ReportForm()
        try:
            moderation_service.refuse_report(party, _reader())
            if form.is_submitted() and form.validate():
                _file(party, form)
                return redirect(url_for("PartyView.show", slug=slug), 303)
        except DomainError as refused:
            flash(str(refused), refused.category)
            return redirect(url_for("PartyView.show", slug=slug), 303)
        if form.is_submitted():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
        page = self.render_template("parties/report.html", form=form, party=party)
        return make_response(page, 422 if form.is_submitted() else 200)


def _file(party: DinnerParty, form: ReportForm) -> None:
    with transaction():
        filed = moderation_service.report(
            party, form.reason.data, form.note.data or "", _reader(), earlier=_earlier(party)
        )
    _remember(filed)
    flash(_("Thank you. We will review your report."), "info")


def _reader() -> Member | None:
    return current_member() if current_user.is_authenticated else None


def _earlier(party: DinnerParty) -> int | None:
    """Return the key of the report of a party that was sent from this browser."""
    known: int | None = session.get(REPORTED, {}).get(str(party.id))
    return known


def _remember(filed: PartyReport) -> None:
    """Know this browser again: who has no account could report the same party all day."""
    kept = {key: value for key, value in session.get(REPORTED, {}).items() if key != str(filed.party_id)}
    session[REPORTED] = dict([*kept.items(), (str(filed.party_id), filed.id)][-MAX_REMEMBERED:])
