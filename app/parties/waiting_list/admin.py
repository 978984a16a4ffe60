"""The generated pages of seat offers."""

from flask_babel import lazy_gettext, lazy_pgettext, ngettext
from sqlalchemy import select

from app import clock
from app.crud.actions import action
from app.crud.datamodel import SQLAInterface
from app.crud.sidebar import Waiting
from app.crud.views import ModelView
from app.errors import DomainError
from app.parties.admin_base import PARTY_KEY, by_party, reoffered_text
from app.parties.enums import OfferState
from app.parties.waiting_list import seats
from app.parties.waiting_list.models import WaitOffer


class WaitOfferModelView(ModelView):
    """Seat offers. Guests decide about them; an administrator can end one."""

    datamodel = SQLAInterface(WaitOffer)
    route_base = "/offers"
    base_permissions = ["can_list", "can_show", "expire"]
    base_order = ("created_at", "desc")
    list_title = lazy_gettext("Seat offers")
    show_title = lazy_gettext("Seat offer")
    empty_message = lazy_gettext("No seats have been offered yet.")
    label_columns = {
        "party": lazy_gettext("Party"),
        "rsvp": lazy_gettext("Guest"),
        "seats": lazy_gettext("Seats"),
        "state": lazy_gettext("Status"),
        "created_at": lazy_pgettext("column of moments", "Offered"),
        "expires_at": lazy_gettext("Open until"),
    }
    list_columns = ["party", "rsvp", "seats", "state", "created_at", "expires_at"]
    show_columns = list_columns
    search_columns = ["party", "state", "seats", "created_at", "expires_at"]
    order_columns = ["seats", "state", "created_at", "expires_at"]
    waiting = Waiting(
        lambda: select(WaitOffer.id).where(WaitOffer.state == OfferState.PENDING, WaitOffer.expires_at > clock.now()),
        lambda count: ngettext(
            "%(num)d offer of seats is not answered yet", "%(num)d offers of seats are not answered yet", count
        ),
        f"_flt_0_state={OfferState.PENDING}",
    )
    choices_columns = {"state": OfferState.labels()}
    state_tones = {"state": {OfferState.PENDING: "warning", OfferState.CLAIMED: "good"}}
    name_column = "rsvp"
    autocomplete_columns = {"party": PARTY_KEY}

    @action(
        "expire",
        lazy_gettext("End the offer now"),
        lazy_gettext("End the selected offers now?"),
        "",
        applies=lambda offer: offer.is_open,
    )
    def expire(self, items: list[WaitOffer]) -> str:
        """End offers early; their seats are offered to the next guests."""
        ended = [state for state in map(seats.expire, sorted(items, key=by_party)) if state is not None]
        if not ended:
            raise DomainError(lazy_gettext("None of the selected offers is still open."), "warning")
        text = ngettext("%(num)d offer ended.", "%(num)d offers ended.", len(ended))
        offered = sum(state.offered for state in ended)
        return f"{text} {reoffered_text(offered)}" if offered else str(text)
