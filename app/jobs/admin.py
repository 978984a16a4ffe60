"""Administration of the jobs: when each ran, which ones failed and why, and running one at once."""

from flask import flash, redirect
from flask_babel import lazy_gettext, ngettext
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from app.crud.actions import action
from app.crud.datamodel import SQLAInterface
from app.crud.sidebar import Waiting
from app.crud.view_config import Labels
from app.crud.views import ModelView
from app.database import transaction
from app.jobs import service
from app.jobs.models import Job, JobState

# The jobs of app/scheduler.py. One that is not here is shown by its name.
NAMES = {
    "backup": lazy_gettext("Write a backup if one is due"),
    "beat": lazy_gettext("Celery's beat"),
    "cleanup": lazy_gettext("Delete what is kept no longer"),
    "directory": lazy_gettext("Ask the directory who has left"),
    "dashboard-data": lazy_gettext("Ask other hosts for data of dashboards"),
    "digests": lazy_gettext("Tell hosts of answers"),
    "figures": lazy_gettext("Count what dashboards show"),
    "mailbox": lazy_gettext("Read the mailbox"),
    "party-times": lazy_gettext("Follow changes of time zones"),
    "reminders": lazy_gettext("Send reminders"),
    "seat-offers": lazy_gettext("End expired seat offers"),
    "zone-rules": lazy_gettext("Compare time zone rules"),
}


class JobModelView(ModelView):
    """The jobs of the background worker. Nobody can add or change one."""

    datamodel = SQLAInterface(Job)
    route_base = "/jobs"
    base_permissions = ["can_list", "can_show", "run_now"]
    base_order = ("name", "asc")
    list_title = lazy_gettext("Scheduled jobs")
    show_title = lazy_gettext("Scheduled job")
    empty_message = lazy_gettext("No job has run yet.")
    label_columns = {
        "name": lazy_gettext("Name"),
        "state": lazy_gettext("State"),
        "due_at": lazy_gettext("Due"),
        "started_at": lazy_gettext("Last started"),
        "finished_at": lazy_gettext("Last done"),
        "failures": lazy_gettext("Failures in a row"),
        "last_error": lazy_gettext("Last error"),
        "lease_owner": lazy_gettext("Runs in"),
    }
    list_columns = ["name", "state", "due_at", "finished_at", "failures", "last_error"]
    show_columns = ["name", "state", "due_at", "started_at", "finished_at", "failures", "last_error", "lease_owner"]
    search_columns = ["name", "state", "last_error", "failures"]
    order_columns = ["name", "state", "due_at", "finished_at", "failures"]
    choices_columns = {"name": NAMES, "state": JobState.labels()}
    formatters_columns = {"name": Labels(NAMES)}
    name_column = "name"
    state_tones = {"state": {JobState.RUNNING: "good", JobState.FAILED: "danger"}}
    waiting = Waiting(
        lambda: select(Job.id).where(Job.state == JobState.FAILED),
        lambda count: ngettext("%(num)d scheduled job fails", "%(num)d scheduled jobs fail", count),
        f"_flt_0_state={JobState.FAILED}",
    )

    primary_actions = ["run_now"]

    def item_name(self, item: Job) -> str:
        """Return what the job does."""
        return str(NAMES.get(item.name, item.name))

    @action("run_now", lazy_gettext("Run now"), lazy_gettext("Run the selected jobs now?"), "")
    def run_now(self, items: list[Job]) -> BaseResponse:
        """Make jobs due, also those that have failed."""
        with transaction():
            count = service.run_now(items)
        if count:
            flash(ngettext("%(num)d job is due now.", "%(num)d jobs are due now.", count), "info")
        else:
            flash(lazy_gettext("Nothing changed: the job is running."), "warning")
        return redirect(self.get_redirect(), 303)
