"""The generated UI over the audit log: list, search, download. Nobody can change it."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup

from app.audit.actions import COLUMNS, AuditAction, AuditSubject
from app.audit.models import AuditEvent
from app.crud.csv import CsvExport
from app.crud.datamodel import SQLAInterface
from app.crud.views import ModelView, ReauthenticationRequired
from app.i18n import formats

TABLE = Markup(
    '<table class="numbers"><thead><tr><th scope="col">{}</th><th scope="col">{}</th><th scope="col">{}</th></tr></thead>'
    "<tbody>{}</tbody></table>"
)
ROW = Markup('<tr><th scope="row">{}</th><td><bdi>{}</bdi></td><td><bdi>{}</bdi></td></tr>')


def _changes(changes: tuple[Mapping[str, Any], Mapping[str, Any]]) -> Markup | str:
    """Return the changed columns of an entry as a table of old and new values."""
    before, after = changes
    names = dict.fromkeys([*before, *after])
    if not names:
        return formats.NOTHING
    head = _("What"), _("Before"), _("After")
    rows = [ROW.format(COLUMNS.get(name, name), _value(before, name), _value(after, name)) for name in names]
    return TABLE.format(*head, Markup("").join(rows))


def _value(values: Mapping[str, Any], name: str) -> str:
    return formats.value(values.get(name))


class AuditEventModelView(ReauthenticationRequired, CsvExport, ModelView):
    """The entries, newest first. The file needs a fresh login. Names are searched by equality, because only that can use the indexes."""

    fresh = frozenset({"csv"})
    datamodel = SQLAInterface(AuditEvent)
    route_base = "/audit"
    include_route_methods = {"list", "show", "csv"}
    base_permissions = ["can_list", "can_show", "can_csv"]
    base_order = ("at", "desc")
    list_title = lazy_gettext("Audit log")
    show_title = lazy_gettext("Audit log entry")
    empty_message = lazy_gettext("There are no entries yet.")
    label_columns = {
        "at": lazy_gettext("When"),
        "actor": lazy_gettext("Who"),
        "action": lazy_gettext("Action"),
        "subject_type": lazy_gettext("Target type"),
        "subject": lazy_gettext("Target"),
        "address": lazy_gettext("IP address"),
        "changes": lazy_gettext("What changed"),
        "before": lazy_gettext("Before"),
        "after": lazy_gettext("After"),
    }
    list_columns = ["at", "actor", "action", "subject_type", "subject", "address"]
    show_columns = ["at", "actor", "action", "subject_type", "subject", "address", "changes"]
    search_columns = ["at", "actor", "action", "subject_type", "subject", "address"]
    order_columns = ["at"]
    csv_columns = ["at", "actor", "action", "subject_type", "subject", "address", "before", "after"]
    name_column = "action"
    choices_columns = {"action": AuditAction.labels(), "subject_type": AuditSubject.labels()}
    formatters_columns = {"changes": _changes}

    def _init_properties(self) -> None:
        """Limit the filters of names to equality: no index finds a part of a name."""
        super()._init_properties()
        self._filters.limit_to_equality(("actor", "subject", "address"))
