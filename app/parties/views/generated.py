"""The generated UI over parties and answers."""

from typing import Any

from flask_appbuilder.actions import action
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from app.crud import ModelView, SQLAInterface
from app.crud.fields import LocalDateTimeField, ZoneField
from app.errors import DomainError
from app.parties import models
from app.parties.models import DinnerParty, Rsvp, WaitOffer
from app.parties.service import hosting, leaving, seats
from app.parties.views import flashes

PARTY_LABELS = {
    "id": lazy_gettext("Party ID"),
    "title": lazy_gettext("Title"),
    "slug": lazy_gettext("Address on this site"),
    "host": lazy_gettext("Host"),
    "starts_at": lazy_gettext("Starts at"),
    "timezone": lazy_gettext("Time zone"),
    "duration_minutes": lazy_gettext("Duration in minutes"),
    "venue": lazy_gettext("Venue"),
    "address": lazy_gettext("Address"),
    "main_dish": lazy_gettext("Main dish"),
    "description": lazy_gettext("What guests should know"),
    "number_seats": lazy_gettext("Seats"),
    "seats_taken": lazy_gettext("Seats taken"),
    "max_party": lazy_gettext("Largest group"),
    "rsvp_deadline": lazy_gettext("Answers until"),
    "visibility": lazy_gettext("Who may see it"),
    "status": lazy_gettext("Status"),
    "created_at": lazy_gettext("Created"),
}


def _zoned_fields() -> dict[str, Any]:
    return {
        "starts_at": LocalDateTimeField(PARTY_LABELS["starts_at"], zone_field="timezone", required=True),
        "timezone": ZoneField(PARTY_LABELS["timezone"], required=True),
        "rsvp_deadline": LocalDateTimeField(PARTY_LABELS["rsvp_deadline"], zone_field="timezone"),
    }


def _by_party(row: Rsvp | WaitOffer) -> tuple[int, int]:
    return row.party_id, row.id


def _handed_on(offered: int) -> str:
    text = ngettext("%(num)d seat offered to the next in line.", "%(num)d seats offered to the next in line.", offered)
    return str(text)


class WaitOfferModelView(ModelView):
    """Seats that were offered to those who wait. They are decided by their guests; an administrator can end one."""

    datamodel = SQLAInterface(WaitOffer)
    route_base = "/offers"
    base_permissions = ["can_list", "can_show", "expire"]
    base_order = ("created_at", "desc")
    list_title = lazy_gettext("Seat offers")
    show_title = lazy_gettext("Seat offer")
    label_columns = {
        "party": lazy_gettext("Party"),
        "rsvp": lazy_gettext("Guest"),
        "seats": lazy_gettext("Seats"),
        "state": lazy_gettext("Status"),
        "created_at": lazy_gettext("Offered"),
        "expires_at": lazy_gettext("Open until"),
    }
    list_columns = ["party", "rsvp", "seats", "state", "created_at", "expires_at"]
    show_columns = list_columns
    search_columns = ["state", "seats", "created_at", "expires_at"]
    order_columns = ["seats", "state", "created_at", "expires_at"]
    choices_columns = {"state": models.OFFER_STATES}
    remote_columns = {"party": ("slug", ["title", "slug"])}

    @action("expire", lazy_gettext("End the offer now"), lazy_gettext("End the selected offers now?"), "")
    def expire(self, items: list[WaitOffer]) -> str:
        """End offers before their time; the seats go to the next in line."""
        ended = [line for line in map(seats.expire, sorted(items, key=_by_party)) if line is not None]
        if not ended:
            raise DomainError(lazy_gettext("None of the selected offers is open any more."), "warning")
        text = ngettext("%(num)d offer ended.", "%(num)d offers ended.", len(ended))
        offered = sum(line.offered for line in ended)
        return f"{text} {_handed_on(offered)}" if offered else str(text)


class RsvpModelView(ModelView):
    """Answers. They change by their guests and hosts; an administrator sees them and can take one back."""

    datamodel = SQLAInterface(Rsvp)
    route_base = "/rsvps"
    base_permissions = ["can_list", "can_show", "withdraw"]
    base_order = ("answered_at", "desc")
    list_title = lazy_gettext("Answers")
    show_title = lazy_gettext("Answer")
    label_columns = {
        "party": lazy_gettext("Party"),
        "member": lazy_gettext("Member"),
        "name": lazy_gettext("Name"),
        "email": lazy_gettext("E-mail address"),
        "status": lazy_gettext("Answer"),
        "party_size": lazy_gettext("Seats"),
        "min_party": lazy_gettext("Would come with"),
        "note": lazy_gettext("Note"),
        "answered_at": lazy_gettext("Answered"),
        "waitlisted_at": lazy_gettext("Waiting since"),
    }
    list_columns = ["party", "name", "email", "status", "party_size", "min_party", "answered_at"]
    show_columns = [
        "party", "member", "name", "email", "status", "party_size", "min_party", "note", "answered_at", "waitlisted_at",
    ]  # fmt: skip
    search_columns = ["name", "email", "status", "party_size", "answered_at"]
    order_columns = ["name", "email", "status", "party_size", "answered_at"]
    related_views = [WaitOfferModelView]
    choices_columns = {"status": models.ANSWERS}
    remote_columns = {"party": ("slug", ["title", "slug"]), "member": ("username", ["username", "email"])}

    @action("withdraw", lazy_gettext("Take the seats back"), lazy_gettext("Release the seats of the selected?"), "")
    def withdraw(self, items: list[Rsvp]) -> str:
        """Remove answers; the seats go to the next in line."""
        # In the order of their parties: of two who do so at once, neither then waits for the other.
        offered = sum(leaving.remove(answer) for answer in sorted(items, key=_by_party))
        removed = ngettext("%(num)d answer removed.", "%(num)d answers removed.", len(items))
        return f"{removed} {_handed_on(offered)}" if offered else str(removed)


class DinnerPartyModelView(ModelView):
    """Dinner parties."""

    datamodel = SQLAInterface(DinnerParty)
    route_base = "/dinnerparties"
    base_order = ("starts_at", "desc")
    list_title = lazy_gettext("Dinner parties")
    show_title = lazy_gettext("Dinner party")
    add_title = lazy_gettext("Add a dinner party")
    edit_title = lazy_gettext("Edit dinner party")
    empty_message = lazy_gettext("There are no dinner parties planned yet. Add one!")
    label_columns = PARTY_LABELS
    list_columns = ["id", "title", "host", "starts_at", "seats_taken", "number_seats", "status", "visibility"]
    show_fieldsets = [
        (lazy_gettext("Party"), {"fields": ["id", "title", "host", "status", "visibility", "slug"]}),
        (lazy_gettext("When"), {"fields": ["starts_at", "timezone", "duration_minutes", "rsvp_deadline"]}),
        (lazy_gettext("Table"), {"fields": ["venue", "address", "main_dish", "description"]}),
        (lazy_gettext("Seats"), {"fields": ["number_seats", "seats_taken", "max_party", "created_at"]}),
    ]
    edit_columns = [
        "title", "host", "starts_at", "timezone", "duration_minutes", "rsvp_deadline", "venue", "address",
        "main_dish", "description", "number_seats", "max_party", "visibility", "status",
    ]  # fmt: skip
    add_columns = edit_columns
    search_columns = ["title", "slug", "venue", "main_dish", "starts_at", "number_seats", "status", "visibility"]
    order_columns = ["id", "title", "starts_at", "seats_taken", "number_seats", "status", "visibility"]
    choices_columns = {"status": models.PARTY_STATUSES, "visibility": models.VISIBILITIES}
    remote_columns = {"host": ("username", ["username", "first_name", "last_name", "email"])}
    add_form_extra_fields = _zoned_fields()
    edit_form_extra_fields = _zoned_fields()
    related_views = [RsvpModelView, WaitOfferModelView]

    def pre_add(self, item: DinnerParty) -> None:
        """Give the host the first seat."""
        hosting.lay(item, item.host)

    def added_message(self, item: DinnerParty) -> tuple[str, str]:
        """Warn of a date that lies behind us: it may be on purpose."""
        return _saved(item)

    def pre_update(self, item: DinnerParty) -> None:
        """Tell the guests what changed, and hand on new seats."""
        item.told_count = hosting.amend(item)

    def updated_message(self, item: DinnerParty) -> tuple[str, str]:
        """Say how many are told."""
        if not getattr(item, "told_count", 0):
            return _saved(item)
        return ngettext(
            "Saved. %(num)d guest will be told.", "Saved. %(num)d guests will be told.", item.told_count
        ), "info"

    def pre_delete(self, item: DinnerParty) -> None:
        """Tell the guests of a coming party before it vanishes."""
        if item.is_cancellable:
            hosting.cancel(item)

    @action(
        "cancel",
        lazy_gettext("Cancel the party"),
        lazy_gettext("Cancel the selected parties and tell their guests?"),
        "",
    )
    def cancel(self, items: list[DinnerParty]) -> tuple[str, str]:
        """Call off those parties that still can be."""
        coming = [party for party in items if party.is_cancellable]
        if not coming:
            raise DomainError(lazy_gettext("None of the selected parties can be cancelled any more."), "warning")
        count = sum(hosting.cancel(party) for party in coming)
        return flashes.cancelled(count)


def _saved(party: DinnerParty) -> tuple[str, str]:
    if party.is_past:
        return _("Saved, but the date of “%(title)s” is in the past.", title=party.title), "warning"
    return _("Party “%(title)s” saved.", title=party.title), "info"
