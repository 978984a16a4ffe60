"""The generated pages of RSVPs."""

from flask import url_for
from flask_babel import lazy_gettext, ngettext

from app.crud.actions import action
from app.crud.csv import CsvExport
from app.crud.datamodel import SQLAInterface
from app.crud.flashes import Message
from app.crud.views import ModelView
from app.errors import DomainError
from app.parties.admin_base import MEMBER_KEY, PARTY_KEY, by_party, reoffered_text
from app.parties.enums import RsvpStatus
from app.parties.models import Rsvp, shown_email
from app.parties.rsvps import approval, guest_list_texts, leaving
from app.parties.waiting_list.admin import WaitOfferModelView


class RsvpModelView(CsvExport, ModelView):
    """RSVPs. Guests and hosts change them; an administrator can approve requests and release seats."""

    datamodel = SQLAInterface(Rsvp)
    route_base = "/rsvps"
    audit_subject = "answer"
    base_permissions = ["can_list", "can_show", "can_csv", "approve", "withdraw"]
    base_order = ("answered_at", "desc")
    list_title = lazy_gettext("Answers")
    show_title = lazy_gettext("Answer")
    empty_message = lazy_gettext("Nobody has answered yet.")
    label_columns = {
        "party": lazy_gettext("Party"),
        "member": lazy_gettext("Member"),
        "invitation": lazy_gettext("Name on the invitation"),
        "name": lazy_gettext("Name"),
        "email": lazy_gettext("E-mail address"),
        "status": lazy_gettext("Answer"),
        "party_size": lazy_gettext("Seats"),
        "min_party": lazy_gettext("Minimum party size"),
        "note": lazy_gettext("Note"),
        "answered_at": lazy_gettext("Answered"),
        "waitlisted_at": lazy_gettext("Waiting since"),
        "approved_at": lazy_gettext("Approved"),
        "checked_in_at": lazy_gettext("Arrived"),
    }
    list_columns = ["party", "name", "email", "status", "party_size", "min_party", "answered_at"]
    show_columns = [
        *("party", "member", "invitation", "name", "email", "status", "party_size", "min_party", "note"),
        *("answered_at", "waitlisted_at", "approved_at", "checked_in_at"),
    ]
    search_columns = ["party", "member", "name", "email", "status", "party_size", "answered_at"]
    order_columns = ["name", "email", "status", "party_size", "answered_at"]
    csv_columns = [
        *("party", "name", "email", "status", "party_size", "min_party", "answered_at", "waitlisted_at"),
        *("approved_at", "checked_in_at"),
    ]
    related_views = [WaitOfferModelView]
    primary_actions = ["approve"]

    def public_url(self, item: Rsvp) -> str:
        return url_for("PartyView.show", slug=item.party.slug)

    choices_columns = {"status": RsvpStatus.labels()}
    formatters_columns = {"email": shown_email}
    state_tones = {
        "status": {
            **dict.fromkeys((RsvpStatus.YES, RsvpStatus.CHECKED_IN), "good"),
            **dict.fromkeys((RsvpStatus.AWAITING_APPROVAL, RsvpStatus.WAITLISTED, RsvpStatus.OFFERED), "warning"),
            **dict.fromkeys((RsvpStatus.REMOVED, RsvpStatus.NO_SHOW), "danger"),
        }
    }
    autocomplete_columns = {"party": PARTY_KEY, "member": MEMBER_KEY}

    @action(
        "approve",
        lazy_gettext("Approve"),
        lazy_gettext("Give the selected guests the seats they requested?"),
        "",
        applies=lambda rsvp: rsvp.is_awaiting_approval and rsvp.party.is_open,
    )
    def approve(self, items: list[Rsvp]) -> Message:
        """Approve the selected requests, as a host would."""
        requests = [rsvp for rsvp in sorted(items, key=by_party) if rsvp.is_awaiting_approval and rsvp.party.is_open]
        if not requests:
            raise DomainError(lazy_gettext("None of the selected requests can get a seat."), "warning")
        for rsvp in requests:
            approval.approve(rsvp)
        seated = sum(rsvp.status == RsvpStatus.YES for rsvp in requests)
        return guest_list_texts.requests_approved(seated, len(requests) - seated)

    @action(
        "withdraw", lazy_gettext("Release the seats"), lazy_gettext("Release the seats of the selected guests?"), ""
    )
    def withdraw(self, items: list[Rsvp]) -> str:
        """Remove the selected RSVPs. Their seats are offered to the waiting lists."""
        # Ordered by party, so that two administrators cannot wait for each other's locks.
        offered = sum(leaving.remove(rsvp) for rsvp in sorted(items, key=by_party))
        removed = ngettext("%(num)d answer removed.", "%(num)d answers removed.", len(items))
        return f"{removed} {reoffered_text(offered)}" if offered else str(removed)
