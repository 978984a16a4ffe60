"""The administrators' API for parties."""

from flask_babel import gettext, lazy_gettext
from marshmallow import ValidationError

from app.crud.api import ModelRestApi
from app.crud.datamodel import SQLAInterface
from app.i18n.selectors import is_timezone
from app.parties.hosting import service as hosting_service
from app.parties.hosting.texts import LABELS
from app.parties.models import DinnerParty

READ = [
    "id", "title", "slug", "host.username", "starts_at", "timezone", "duration_minutes", "venue", "area", "address", "address_for_guests", "main_dish",
    "description", "number_seats", "seats_taken", "max_party", "rsvp_deadline", "visibility", "status", "created_at",
]  # fmt: skip
WRITE = [
    "title", "host", "starts_at", "timezone", "duration_minutes", "venue", "area", "address", "address_for_guests", "main_dish", "description",
    "number_seats", "max_party", "rsvp_deadline", "visibility", "status",
]  # fmt: skip


def _validate_timezone(name: str) -> None:
    if not is_timezone(name):
        raise ValidationError(gettext("There is no time zone with this name. Enter a city, for example Europe/Madrid."))


class DinnerPartyApi(ModelRestApi):
    """List, show, add, edit and delete parties, by the same rules as hosts."""

    datamodel = SQLAInterface(DinnerParty)
    resource_name = "dinnerparties"
    class_permission_name = "DinnerPartyApi"
    list_title = lazy_gettext("Dinner parties (API)")
    label_columns = {**LABELS, "host.username": LABELS["host"]}
    description_columns = {"host": lazy_gettext("The ID of a user.")}
    list_columns = READ
    show_columns = READ
    add_columns = WRITE
    edit_columns = WRITE
    search_columns = ["title", "slug", "starts_at", "number_seats", "status", "visibility"]
    order_columns = ["id", "title", "starts_at", "seats_taken", "number_seats"]
    base_order = ("starts_at", "desc")
    validators_columns = {"timezone": _validate_timezone}

    def pre_add(self, item: DinnerParty) -> None:
        hosting_service.create_party(item, item.host)

    def pre_update(self, item: DinnerParty) -> None:
        hosting_service.update_party(item)

    def pre_delete(self, item: DinnerParty) -> None:
        # Guests are notified of the cancellation.
        if item.is_cancellable:
            hosting_service.cancel_party(item)
