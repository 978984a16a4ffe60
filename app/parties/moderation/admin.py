"""Generated administration of reports, and the action that hides parties."""

from collections.abc import Sequence
from typing import Any, ClassVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from app.crud.actions import action
from app.crud.csv import CsvExport
from app.crud.datamodel import SQLAInterface
from app.crud.flashes import Message
from app.crud.reason_form import ask_for_reason
from app.crud.sidebar import Waiting
from app.crud.views import ModelView
from app.errors import DomainError
from app.outbox import texts as outbox_texts
from app.parties.admin_base import MEMBER_KEY, PARTY_KEY
from app.parties.enums import ReportReason, ReportState
from app.parties.models import DinnerParty
from app.parties.moderation import service as moderation_service
from app.parties.moderation.models import PartyReport

HIDDEN_ALREADY = lazy_gettext("Nothing changed: these parties are already hidden.")


def hide(view: Any, items: Sequence[Any], parties: Sequence[DinnerParty]) -> Message | BaseResponse:
    """Ask for the reason, then hide `parties`. The action must be called "hide"; `items` are the rows selected in `view`."""
    if all(party.hidden_at is not None for party in parties):
        raise DomainError(HIDDEN_ALREADY, "warning")
    reason, page = ask_for_reason(
        view,
        "hide",
        items,
        title=ngettext("Hide this party?", "Hide these parties?", len(set(parties))),
        message=_hiding(),
        button=_("Hide it"),
    )
    if page is not None:
        return page
    count = moderation_service.hide(parties, reason, current_user.id)
    if not count:
        raise DomainError(HIDDEN_ALREADY, "warning")
    text = ngettext(
        "%(num)d party is now hidden; its hosts will be notified.",
        "%(num)d parties are now hidden; their hosts will be notified.",
        count,
    )
    return outbox_texts.queued(text)


def _hiding() -> str:
    """Return what follows when a party is hidden."""
    reason = outbox_texts.not_sent()
    if not reason:
        return _(
            "The public can no longer find or open it; guests keep their seats. The hosts receive an e-mail "
            "with the reason."
        )
    return " ".join([_("The public can no longer find or open it; guests keep their seats."), str(reason)])


class PartyReportModelView(CsvExport, ModelView):
    """Reports of parties. An administrator hides the party or dismisses the report."""

    # The menu leads to the open reports.
    OPEN_ONLY: ClassVar[str] = f"/reports/list/?_flt_0_state={ReportState.OPEN}"

    datamodel = SQLAInterface(PartyReport)
    route_base = "/reports"
    audit_subject = "report"
    base_permissions = ["can_list", "can_show", "can_csv", "hide", "dismiss"]
    base_order = ("created_at", "desc")
    list_title = lazy_gettext("Reports")
    show_title = lazy_gettext("Report")
    empty_message = lazy_gettext("There are no reports.")
    label_columns = {
        "created_at": lazy_gettext("Reported"),
        "party": lazy_gettext("Party"),
        "reason": lazy_gettext("Reason"),
        "note": lazy_gettext("Comment by the reporter"),
        "reporter": lazy_gettext("Reported by"),
        "state": lazy_gettext("Status"),
        "decided_at": lazy_gettext("Decided"),
        "decided_by": lazy_gettext("Decided by"),
    }
    list_columns = ["created_at", "party", "reason", "note", "reporter", "state"]
    show_columns = ["created_at", "party", "reason", "note", "reporter", "state", "decided_at", "decided_by"]
    search_columns = ["state", "reason", "party", "reporter", "created_at", "decided_at"]
    order_columns = ["created_at", "reason", "state"]
    csv_columns = show_columns
    choices_columns = {"reason": ReportReason.labels(), "state": ReportState.labels()}
    state_tones = {"state": {ReportState.OPEN: "warning", ReportState.UPHELD: "danger"}}
    name_column = "party"
    autocomplete_columns = {"party": PARTY_KEY, "reporter": MEMBER_KEY}
    load_columns = ("party",)
    waiting = Waiting(
        lambda: select(PartyReport.id).where(PartyReport.state == ReportState.OPEN),
        lambda count: ngettext("%(num)d report is open", "%(num)d reports are open", count),
        f"_flt_0_state={ReportState.OPEN}",
    )
    primary_actions = ["hide"]

    @action("hide", lazy_gettext("Hide the party"), None, "", applies=lambda report: report.party.hidden_at is None)
    def hide(self, items: list[PartyReport]) -> Message | BaseResponse:
        """Hide the reported parties. All their open reports are upheld."""
        return hide(self, items, [report.party for report in items])

    @action(
        "dismiss",
        lazy_gettext("Dismiss the report"),
        lazy_gettext("Dismiss the selected reports and leave the parties unchanged?"),
        "",
        applies=lambda report: report.state == ReportState.OPEN,
    )
    def dismiss(self, items: list[PartyReport]) -> Message:
        count = moderation_service.dismiss(items, current_user.id)
        if not count:
            raise DomainError(lazy_gettext("None of the selected reports is still open."), "warning")
        return ngettext("%(num)d report dismissed.", "%(num)d reports dismissed.", count), "info"
