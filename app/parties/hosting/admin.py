"""Generated administration of parties."""

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.crud.actions import Question, action
from app.crud.csv import CsvExport
from app.crud.datamodel import SQLAInterface
from app.crud.fields import LocalDateTimeField, TimezoneField
from app.crud.flashes import Message
from app.crud.views import ModelView
from app.errors import DomainError
from app.outbox import texts as outbox_texts
from app.parties.admin_base import MEMBER_KEY
from app.parties.enums import PartyStatus, Visibility
from app.parties.hosting import service as hosting_service
from app.parties.hosting import texts as hosting_texts
from app.parties.hosting.forms import validate_web_link
from app.parties.invitations.admin import InvitationModelView
from app.parties.menu.admin import MenuItemModelView
from app.parties.messages.admin import GuestMessageModelView, ReminderModelView
from app.parties.models import DinnerParty
from app.parties.moderation import service as moderation_service
from app.parties.moderation.admin import PartyReportModelView, hide
from app.parties.potluck.admin import DishSlotModelView
from app.parties.rsvps.admin import RsvpModelView
from app.parties.waiting_list.admin import WaitOfferModelView

LINKED_VIEWS = (
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
        "starts_at": LocalDateTimeField(hosting_texts.LABELS["starts_at"], zone_field="timezone", required=True),
        "timezone": TimezoneField(hosting_texts.LABELS["timezone"], required=True),
        "rsvp_deadline": LocalDateTimeField(hosting_texts.LABELS["rsvp_deadline"], zone_field="timezone"),
    }


def _told(parties: list[DinnerParty]) -> list[str]:
    """Return sentences about whom the cancellation of parties concerns."""
    counts = [hosting_service.told_of_cancellation(party) for party in parties]
    seated, others = sum(count[0] for count in counts), sum(count[1] for count in counts)
    sentences = []
    reason = outbox_texts.not_sent()
    if reason and seated:
        sentences.append(ngettext("%(num)d guest holds seats.", "%(num)d guests hold seats.", seated))
    if reason and others:
        sentences.append(
            ngettext("%(num)d other person was invited or waits.", "%(num)d other people were invited or wait.", others)
        )
    if reason and sentences:
        return [*sentences, reason]
    if seated:
        sentences.append(
            ngettext(
                "%(num)d guest holds seats and will be written to.",
                "%(num)d guests hold seats and will be written to.",
                seated,
            )
        )
    if others:
        sentences.append(
            ngettext(
                "%(num)d other person who was invited or waits will be written to.",
                "%(num)d other people who were invited or wait will be written to.",
                others,
            )
        )
    return sentences or [_("Nobody will be written to.")]


def _cancellable(parties: list[DinnerParty]) -> list[DinnerParty]:
    found = [party for party in parties if party.is_cancellable]
    if not found:
        raise DomainError(lazy_gettext("None of the selected parties can still be cancelled."), "warning")
    return found


def _question_of_cancelling(parties: list[DinnerParty]) -> Question:
    return Question(
        title=ngettext("Cancel this party?", "Cancel these parties?", len(parties)),
        consequences=_told(_cancellable(parties)),
        button=_("Cancel the party") if len(parties) == 1 else _("Cancel the parties"),
    )


class DinnerPartyModelView(CsvExport, ModelView):
    datamodel = SQLAInterface(DinnerParty)
    route_base = "/dinnerparties"
    audit_subject = "party"
    base_order = ("starts_at", "desc")
    list_title = lazy_gettext("Dinner parties")
    show_title = lazy_gettext("Dinner party")
    add_title = lazy_gettext("Add a dinner party")
    edit_title = lazy_gettext("Edit dinner party")
    empty_message = lazy_gettext("There are no dinner parties planned yet. Add one!")
    label_columns = hosting_texts.LABELS
    list_columns = [
        "title",
        "host",
        "starts_at",
        "seats_taken",
        "number_seats",
        "status",
        "visibility",
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
            {
                "fields": [
                    "venue",
                    "area",
                    "address",
                    "address_for_guests",
                    "map_url",
                    "main_dish",
                    "picture",
                    "description",
                ]
            },
        ),
        (
            lazy_gettext("Seats"),
            {
                "fields": [
                    "number_seats",
                    "seats_taken",
                    "max_party",
                    "approval",
                    "answers_by_email",
                    "shows_guests",
                    "created_at",
                ]
            },
        ),
    ]
    # In the order of the form of hosts.
    edit_fieldsets = [
        (lazy_gettext("What"), {"fields": ["title", "host", "main_dish", "description", "picture", "status"]}),
        (lazy_gettext("When"), {"fields": ["starts_at", "timezone", "duration_minutes", "rsvp_deadline"]}),
        (lazy_gettext("Where"), {"fields": ["venue", "area", "address", "address_for_guests", "map_url"]}),
        (
            lazy_gettext("Who"),
            {"fields": ["number_seats", "max_party", "approval", "answers_by_email", "shows_guests", "visibility"]},
        ),
    ]
    add_fieldsets = edit_fieldsets
    search_columns = [
        *("title", "slug", "host", "co_hosts", "venue", "area", "main_dish", "starts_at", "number_seats", "status"),
        *("visibility", "approval", "is_hidden"),
    ]
    order_columns = ["id", "title", "starts_at", "seats_taken", "number_seats", "status", "visibility"]
    csv_columns = [
        *("id", "title", "slug", "host", "starts_at", "timezone", "duration_minutes", "venue", "area"),
        *("main_dish", "number_seats", "seats_taken", "status", "visibility", "is_hidden", "created_at"),
    ]
    validators_columns = {"map_url": [validate_web_link]}
    choices_columns = {"status": PartyStatus.labels(), "visibility": Visibility.labels()}
    state_columns = ["status", "is_hidden", "visibility"]
    load_columns = ("is_hidden",)
    state_tones = {
        "status": {PartyStatus.DRAFT: "warning", PartyStatus.PUBLISHED: "good", PartyStatus.CANCELLED: "danger"},
        "is_hidden": {True: "danger"},
    }
    autocomplete_columns = {"host": MEMBER_KEY, "co_hosts": MEMBER_KEY}
    is_found_by_name = True
    bulk_columns = ["visibility", "approval"]
    inline_columns = ["number_seats", "visibility"]
    add_form_extra_fields = _zoned_fields()
    edit_form_extra_fields = _zoned_fields()
    related_views = [RsvpModelView]
    linked_lists = {view.__name__: "party" for view in LINKED_VIEWS}
    linked_title = lazy_gettext("More about this party")

    def public_url(self, item: DinnerParty) -> str:
        return url_for("PartyView.show", slug=item.slug)

    # -- add, edit, delete

    def pre_add(self, item: DinnerParty) -> None:
        hosting_service.create_party(item, item.host)

    def added_message(self, item: DinnerParty) -> tuple[str, str]:
        return _saved(item)

    def pre_update(self, item: DinnerParty) -> None:
        item.notified_count = hosting_service.update_party(item)

    def updated_message(self, item: DinnerParty) -> tuple[str, str]:
        if not getattr(item, "notified_count", 0):
            return _saved(item)
        return hosting_texts.changed(item, item.notified_count)

    def pre_delete(self, item: DinnerParty) -> None:
        # Guests are notified of the cancellation.
        if item.is_cancellable:
            hosting_service.cancel_party(item)
        moderation_service.record_deletion(item)

    def is_restorable(self, item: DinnerParty) -> bool:
        # What was written to guests cannot be taken back.
        return not (item.is_cancellable and any(hosting_service.told_of_cancellation(item)))

    def consequences(self, item: DinnerParty) -> list[str]:
        return _told([item]) if item.is_cancellable else []

    # -- actions

    @action(
        "cancel",
        lazy_gettext("Cancel the party"),
        None,
        "",
        asks=_question_of_cancelling,
        applies=lambda party: party.is_cancellable,
    )
    def cancel(self, items: list[DinnerParty]) -> tuple[str, str]:
        count = sum(hosting_service.cancel_party(party) for party in _cancellable(items))
        return hosting_texts.cancelled(count)

    @action("hide", lazy_gettext("Hide from the public"), None, "", applies=lambda party: party.hidden_at is None)
    def hide(self, items: list[DinnerParty]) -> Message | BaseResponse:
        return hide(self, items, items)

    @action(
        "unhide",
        lazy_gettext("Show again"),
        lazy_gettext("Show the selected parties to the public again?"),
        "",
        applies=lambda party: party.hidden_at is not None,
    )
    def unhide(self, items: list[DinnerParty]) -> Message:
        count = moderation_service.unhide(items)
        if not count:
            raise DomainError(lazy_gettext("Nothing changed: none of the selected parties is hidden."), "warning")
        text = ngettext(
            "%(num)d party is visible again; its hosts will be notified.",
            "%(num)d parties are visible again; their hosts will be notified.",
            count,
        )
        return outbox_texts.queued(text)


def _saved(party: DinnerParty) -> tuple[str, str]:
    """Return the message after saving, with a warning about a past date: it may be on purpose."""
    if party.is_past:
        return _("Saved, but the date of “%(title)s” is in the past.", title=party.title), "warning"
    return _("Party “%(title)s” saved.", title=party.title), "info"
