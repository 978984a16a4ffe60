"""The generated UI over parties."""

from typing import Any

from flask import url_for
from flask_appbuilder.actions import action
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.crud.csv import CsvExport
from app.crud.datamodel import SQLAInterface
from app.crud.fields import LocalDateTimeField, TimezoneField
from app.crud.flashes import Message
from app.crud.views import ModelView
from app.errors import DomainError
from app.parties.admin_base import MEMBER_KEY
from app.parties.enums import PartyStatus, Visibility
from app.parties.hosting import service as hosting_service
from app.parties.hosting import texts as hosting_texts
from app.parties.hosting.forms import refuse_other_links
from app.parties.invitations.admin import InvitationModelView
from app.parties.menu.admin import MenuItemModelView
from app.parties.messages.admin import GuestMessageModelView, ReminderModelView
from app.parties.models import DinnerParty
from app.parties.moderation import service as moderation_service
from app.parties.moderation.admin import PartyReportModelView, hide
from app.parties.potluck.admin import DishSlotModelView
from app.parties.rsvps.admin import RsvpModelView
from app.parties.waiting_list.admin import WaitOfferModelView

LABELS = {
    "id": lazy_gettext("Party ID"),
    "title": lazy_gettext("Title"),
    "slug": lazy_gettext("Web address on this site"),
    "host": lazy_gettext("Host"),
    "co_hosts": lazy_gettext("Co-hosts"),
    "starts_at": lazy_gettext("Starts at"),
    "timezone": lazy_gettext("Time zone"),
    "duration_minutes": lazy_gettext("Duration in minutes"),
    "venue": lazy_gettext("Venue"),
    "address": lazy_gettext("Address"),
    "address_for_guests": lazy_gettext("Show the address only to guests who are coming"),
    "map_url": lazy_gettext("Link to a map"),
    "main_dish": lazy_gettext("Main dish"),
    "description": lazy_gettext("Information for guests"),
    "number_seats": lazy_gettext("Seats"),
    "seats_taken": lazy_gettext("Seats taken"),
    "max_party": lazy_gettext("Maximum party size"),
    "rsvp_deadline": lazy_gettext("Answer deadline"),
    "approval": lazy_gettext("The host approves each guest"),
    "visibility": lazy_gettext("Visibility"),
    "status": lazy_gettext("Status"),
    "is_hidden": lazy_gettext("Hidden"),
    "hidden_at": lazy_gettext("Hidden since"),
    "hidden_reason": lazy_gettext("Reason for hiding"),
    "created_at": lazy_gettext("Created"),
}
# What belongs to a party, and is too much for its page: each is a list of its own.
ELSEWHERE = (
    WaitOfferModelView,
    InvitationModelView,
    MenuItemModelView,
    DishSlotModelView,
    ReminderModelView,
    GuestMessageModelView,
    PartyReportModelView,
)


def _zoned_fields() -> dict[str, Any]:
    return {
        "starts_at": LocalDateTimeField(LABELS["starts_at"], zone_field="timezone", required=True),
        "timezone": TimezoneField(LABELS["timezone"], required=True),
        "rsvp_deadline": LocalDateTimeField(LABELS["rsvp_deadline"], zone_field="timezone"),
    }


class DinnerPartyModelView(CsvExport, ModelView):
    """Dinner parties."""

    datamodel = SQLAInterface(DinnerParty)
    route_base = "/dinnerparties"
    base_order = ("starts_at", "desc")
    list_title = lazy_gettext("Dinner parties")
    show_title = lazy_gettext("Dinner party")
    add_title = lazy_gettext("Add a dinner party")
    edit_title = lazy_gettext("Edit dinner party")
    empty_message = lazy_gettext("There are no dinner parties planned yet. Add one!")
    show_template = "parties/generated_party.html"
    label_columns = LABELS
    list_columns = [
        "id",
        "title",
        "host",
        "starts_at",
        "seats_taken",
        "number_seats",
        "status",
        "visibility",
        "is_hidden",
    ]
    show_fieldsets = [
        (
            lazy_gettext("Party"),
            {
                "fields": [
                    "id",
                    "title",
                    "host",
                    "co_hosts",
                    "status",
                    "visibility",
                    "slug",
                    "hidden_at",
                    "hidden_reason",
                ]
            },
        ),
        (lazy_gettext("When"), {"fields": ["starts_at", "timezone", "duration_minutes", "rsvp_deadline"]}),
        (
            lazy_gettext("Venue and menu"),
            {"fields": ["venue", "address", "address_for_guests", "map_url", "main_dish", "description"]},
        ),
        (lazy_gettext("Seats"), {"fields": ["number_seats", "seats_taken", "max_party", "approval", "created_at"]}),
    ]
    edit_columns = [
        *("title", "host", "starts_at", "timezone", "duration_minutes", "rsvp_deadline", "venue", "address"),
        *("address_for_guests", "map_url", "main_dish", "description", "number_seats", "max_party", "approval"),
        *("visibility", "status"),
    ]
    add_columns = edit_columns
    search_columns = [
        *("title", "slug", "host", "co_hosts", "venue", "main_dish", "starts_at", "number_seats", "status"),
        *("visibility", "approval", "is_hidden"),
    ]
    order_columns = ["id", "title", "starts_at", "seats_taken", "number_seats", "status", "visibility"]
    csv_columns = [
        *("id", "title", "slug", "host", "starts_at", "timezone", "duration_minutes", "venue", "main_dish"),
        *("number_seats", "seats_taken", "status", "visibility", "is_hidden", "created_at"),
    ]
    validators_columns = {"map_url": [refuse_other_links]}
    choices_columns = {"status": PartyStatus.labels(), "visibility": Visibility.labels()}
    autocomplete_columns = {"host": MEMBER_KEY, "co_hosts": MEMBER_KEY}
    add_form_extra_fields = _zoned_fields()
    edit_form_extra_fields = _zoned_fields()
    related_views = [RsvpModelView]

    def _with_related(self, item: DinnerParty, widgets: dict[str, Any]) -> dict[str, Any]:
        """Add where what belongs to a party is listed, as far as the reader may see it."""
        found: dict[str, Any] = super()._with_related(item, widgets)
        may = self.appbuilder.sm.has_access
        found["elsewhere"] = [
            (view.list_title, url_for(f"{view.__name__}.list", _flt_0_party=item.slug))
            for view in ELSEWHERE
            if may("can_list", view.__name__)
        ]
        return found

    # -- add, edit, delete

    def pre_add(self, item: DinnerParty) -> None:
        """Give the host the first seat."""
        hosting_service.create_party(item, item.host)

    def added_message(self, item: DinnerParty) -> tuple[str, str]:
        """Warn of a date that lies behind us: it may be on purpose."""
        return _saved(item)

    def pre_update(self, item: DinnerParty) -> None:
        """Tell the guests what changed, and hand on new seats."""
        item.told_count = hosting_service.update_party(item)

    def updated_message(self, item: DinnerParty) -> tuple[str, str]:
        """Say how many are told."""
        if not getattr(item, "told_count", 0):
            return _saved(item)
        return hosting_texts.changed(item, item.told_count)

    def pre_delete(self, item: DinnerParty) -> None:
        """Tell the guests of a coming party before it vanishes."""
        if item.is_cancellable:
            hosting_service.cancel_party(item)
        moderation_service.note_deletion(item)

    # -- actions

    @action(
        "cancel",
        lazy_gettext("Cancel the party"),
        lazy_gettext("Cancel the selected parties and notify their guests?"),
        "",
    )
    def cancel(self, items: list[DinnerParty]) -> tuple[str, str]:
        """Call off those parties that still can be."""
        coming = [party for party in items if party.is_cancellable]
        if not coming:
            raise DomainError(lazy_gettext("None of the selected parties can still be cancelled."), "warning")
        count = sum(hosting_service.cancel_party(party) for party in coming)
        return hosting_texts.cancelled(count)

    @action("hide", lazy_gettext("Hide from the public"), None, "")
    def hide(self, items: list[DinnerParty]) -> Message | BaseResponse:
        """Take parties off the public pages, and tell their hosts why."""
        return hide(self, items, items)

    @action("unhide", lazy_gettext("Show again"), lazy_gettext("Show the selected parties to the public again?"), "")
    def unhide(self, items: list[DinnerParty]) -> Message:
        """Let strangers see parties again, as far as they are public."""
        count = moderation_service.unhide(items)
        if not count:
            raise DomainError(lazy_gettext("Nothing changed: none of the selected parties is hidden."), "warning")
        text = ngettext(
            "%(num)d party is visible again; its hosts will be notified.",
            "%(num)d parties are visible again; their hosts will be notified.",
            count,
        )
        return text, "info"


def _saved(party: DinnerParty) -> tuple[str, str]:
    if party.is_past:
        return _("Saved, but the date of “%(title)s” is in the past.", title=party.title), "warning"
    return _("Party “%(title)s” saved.", title=party.title), "info"
