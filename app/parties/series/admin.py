"""Generated administration of series."""

from flask_babel import lazy_gettext, lazy_pgettext

from app.crud.datamodel import SQLAInterface
from app.crud.views import ModelView
from app.parties.admin_base import MEMBER_KEY
from app.parties.enums import SeriesFrequency
from app.parties.hosting.admin import DinnerPartyModelView
from app.parties.models import PartySeries


class PartySeriesModelView(ModelView):
    """Series. Hosts make them; deleting one leaves its parties as they are."""

    datamodel = SQLAInterface(PartySeries)
    route_base = "/series"
    base_permissions = ["can_list", "can_show", "can_delete"]
    base_order = ("created_at", "desc")
    list_title = lazy_gettext("Series")
    show_title = lazy_gettext("Series of parties")
    empty_message = lazy_gettext("No party is repeated yet.")
    label_columns = {
        "title": lazy_gettext("Title"),
        "host": lazy_gettext("Host"),
        "frequency": lazy_gettext("How often"),
        "every": lazy_gettext("Every how many weeks or months"),
        "created_at": lazy_pgettext("column of moments", "Created"),
    }
    list_columns = ["title", "host", "frequency", "every", "created_at"]
    show_columns = list_columns
    search_columns = ["title", "host", "frequency", "created_at"]
    order_columns = ["title", "created_at"]
    choices_columns = {"frequency": SeriesFrequency.labels()}
    autocomplete_columns = {"host": MEMBER_KEY}
    related_views = [DinnerPartyModelView]
