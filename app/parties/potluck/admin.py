"""The generated pages of requested dishes and claims."""

from flask_babel import lazy_gettext

from app.crud.datamodel import SQLAInterface
from app.crud.views import ModelView
from app.parties.admin_base import PARTY_KEY
from app.parties.enums import Course
from app.parties.potluck import service as potluck_service
from app.parties.potluck.models import DishClaim, DishSlot


class DishClaimModelView(ModelView):
    """Dishes that guests have claimed. Guests change them; a claim is deleted when its guest withdraws."""

    datamodel = SQLAInterface(DishClaim)
    route_base = "/dishclaims"
    base_permissions = ["can_list", "can_show"]
    base_order = ("id", "desc")
    list_title = lazy_gettext("Dishes guests bring")
    show_title = lazy_gettext("Dish brought by a guest")
    empty_message = lazy_gettext("Nobody is bringing anything yet.")
    label_columns = {
        "slot": lazy_gettext("Requested dish"),
        "rsvp": lazy_gettext("Guest"),
        "quantity": lazy_gettext("How many"),
        "dish": lazy_gettext("Exact dish"),
        "created_at": lazy_gettext("Since"),
    }
    list_columns = ["slot", "rsvp", "quantity", "dish", "created_at"]
    show_columns = list_columns
    search_columns = ["dish", "quantity", "created_at"]
    order_columns = ["quantity", "dish", "created_at"]


class DishSlotModelView(ModelView):
    """Dishes that hosts request. An administrator can change how many; guests decide who brings them."""

    datamodel = SQLAInterface(DishSlot)
    route_base = "/dishslots"
    base_permissions = ["can_list", "can_show", "can_edit"]
    base_order = ("id", "desc")
    list_title = lazy_gettext("Requested dishes")
    show_title = lazy_gettext("Requested dish")
    edit_title = lazy_gettext("Edit requested dish")
    empty_message = lazy_gettext("No dishes have been requested yet.")
    label_columns = {
        "party": lazy_gettext("Party"),
        "course": lazy_gettext("Course"),
        "name": lazy_gettext("Dish"),
        "wanted": lazy_gettext("How many"),
        "claimed": lazy_gettext("Already promised"),
    }
    list_columns = ["party", "course", "name", "wanted", "claimed"]
    show_columns = list_columns
    edit_columns = ["wanted"]
    search_columns = ["party", "course", "name", "wanted", "claimed"]
    order_columns = ["course", "name", "wanted", "claimed"]
    choices_columns = {"course": Course.labels()}
    autocomplete_columns = {"party": PARTY_KEY}
    related_views = [DishClaimModelView]

    def pre_update(self, item: DishSlot) -> None:
        """Refuse a number below what guests have claimed."""
        potluck_service.ensure_covers_claims(item)
