"""The page of one party: what it shows depends on who reads it and on their RSVP."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from flask import request
from flask_babel import ngettext
from flask_login import current_user
from sqlalchemy import bindparam, exists, func, select

from app import clock
from app.extensions import db
from app.http import parse_int, public_url
from app.i18n import spoken_dates
from app.outbox.service import delivers
from app.parties import location, models, queries, rules, secret_links
from app.parties.access import AnswerableParty, BasePartyView, PartyVisit, is_open_to_strangers
from app.parties.calendar import links
from app.parties.calendar.links import CalendarLink
from app.parties.check_in import tickets
from app.parties.check_in.tickets import Ticket
from app.parties.enums import RsvpStatus
from app.parties.invitations.forms import JoinForm
from app.parties.invitations.link_views import join_form
from app.parties.location import Location
from app.parties.menu import service as menu_service
from app.parties.menu.models import MenuItem
from app.parties.menu.service import POSSIBLE
from app.parties.models import DinnerParty, Rsvp
from app.parties.pages import cover
from app.parties.potluck import service as potluck_service
from app.parties.potluck.models import DishClaim, DishSlot
from app.parties.respondent import Respondent
from app.parties.rsvps.forms import LinkRsvpForm, RsvpForm
from app.parties.rsvps.types import PartialAvailability
from app.parties.schemas import picture_url
from app.parties.series import queries as series_queries
from app.parties.waiting_list import queries as waiting_list_queries
from app.parties.waiting_list.models import WaitOffer
from app.parties.waiting_list.queries import Standing

# What most parties do not have, asked for at once.
PRESENT = select(
    exists().where(MenuItem.party_id == bindparam("party")).label("menu"),
    exists().where(DishSlot.party_id == bindparam("party")).label("dishes"),
    select(func.count())
    .where(Rsvp.party_id == bindparam("party"), Rsvp.status == RsvpStatus.WAITLISTED)
    .scalar_subquery()
    .label("waiting"),
)
# Of the description, in the card that other programs show.
MAX_CARD_WORDS = 160


class CardPicture(NamedTuple):
    """A picture that other programs show: its public URL, and width and height if they are known."""

    url: str
    size: tuple[int, int] | None
    is_drawn: bool


@dataclass(frozen=True)
class PartyPage:
    """What the page of a party shows to one reader. `guest` is None for visitors without an account or a link."""

    party: DinnerParty
    guest: Respondent | None
    standing: Standing
    location: Location
    ticket: Ticket | None
    menu: list[MenuItem]
    potluck: list[tuple[DishSlot, DishClaim | None]]
    waiting_count: int
    form: RsvpForm
    # Only some of the seats that were asked for are free: the form asks what the guest prefers.
    partial: PartialAvailability | None
    join_form: JoinForm | LinkRsvpForm | None
    # The personal link of a guest without an account who has no e-mail with it.
    own_link: str | None
    # The other guests who come and agree to be named; for hosts and guests who come, if the hosts allow it.
    others: list[str]
    calendar_links: list[CalendarLink]
    # The other dates of its series, and whether each is linked.
    dates: list[tuple[DinnerParty, bool]]
    is_owner: bool
    # The owner or a co-host.
    is_host: bool
    is_staff: bool
    # A host looks at what others see.
    is_preview: bool = False

    # -- the reader

    @property
    def may_edit(self) -> bool:
        """Whether the reader has the tools of hosts."""
        return self.is_host or self.is_staff

    @property
    def may_ask(self) -> bool:
        """Whether the page links to the form for questions. Visitors are asked to log in there."""
        return not self.party.is_draft and not self.is_host

    @property
    def may_report(self) -> bool:
        """Whether the page links to the report form."""
        return self.party.is_listed and not self.party.is_draft and not self.is_host

    # -- the card that other programs show beside a link to the page

    @property
    def is_open_to_strangers(self) -> bool:
        """Whether everybody who knows the URL can see the party."""
        return is_open_to_strangers(self.party)

    @property
    def url(self) -> str:
        """The public URL of the page."""
        return public_url("PartyView.show", slug=self.party.slug)

    @property
    def card_picture(self) -> CardPicture | None:
        """The picture in that card: the party's, or a drawn one where the machine can draw."""
        if self.party.picture and (own := picture_url(self.party)):
            return CardPicture(own, cover.size_of(self.party.picture), is_drawn=False)
        drawn = cover.url(self.party)
        return CardPicture(drawn, (cover.WIDTH, cover.HEIGHT), is_drawn=True) if drawn else None

    @cached_property
    def description(self) -> str:
        """What that card says of the party: when it is, and the beginning of what its hosts tell guests."""
        when = spoken_dates.spoken_span(self.party.starts_at, self.party.ends_at, self.party.timezone)
        words = " ".join(self.party.description.split())
        told = words if len(words) <= MAX_CARD_WORDS else words[:MAX_CARD_WORDS].rpartition(" ")[0] + "…"
        return " · ".join(filter(None, (when, self.party.venue, told)))

    # -- their RSVP

    @property
    def rsvp(self) -> Rsvp | None:
        """The reader's RSVP."""
        return self.standing.rsvp

    @property
    def status(self) -> RsvpStatus | None:
        """The status of the reader's RSVP."""
        return self.rsvp.status if self.rsvp else None

    @property
    def offer(self) -> WaitOffer | None:
        """The reader's open seat offer."""
        return self.standing.offer

    @property
    def position(self) -> int:
        """The reader's position on the waiting list, if they are on it."""
        return self.standing.position or 1

    @property
    def is_seated(self) -> bool:
        """Whether the reader has seats."""
        return self.rsvp is not None and self.rsvp.is_seated

    @property
    def is_checked_in(self) -> bool:
        """Whether a host has checked the reader in."""
        return self.status == RsvpStatus.CHECKED_IN

    @property
    def has_expired_offer(self) -> bool:
        """Whether the reader did not decide about an offer in time. The stored status may not say so yet."""
        return self.status == RsvpStatus.OFFERED and self.offer is None

    @property
    def is_waiting(self) -> bool:
        """Whether the reader is on the waiting list."""
        return self.status == RsvpStatus.WAITLISTED or self.has_expired_offer

    @property
    def is_awaiting_approval(self) -> bool:
        """Whether a host has to approve the reader's request."""
        return self.status == RsvpStatus.AWAITING_APPROVAL

    @property
    def has_request(self) -> bool:
        """Whether the reader has seats, waits for some, or requested some; an open offer is decided elsewhere."""
        return self.is_seated or self.is_waiting or self.is_awaiting_approval

    @property
    def is_no(self) -> bool:
        """Whether the reader answered no."""
        return self.status == RsvpStatus.NO

    @property
    def is_maybe(self) -> bool:
        """Whether the reader answered maybe."""
        return self.status == RsvpStatus.MAYBE

    @property
    def may_come(self) -> bool:
        """Whether the kitchen wants to know what the reader does not eat."""
        return self.status in POSSIBLE

    # -- the form

    @property
    def is_late(self) -> bool:
        """Whether the RSVP deadline has passed."""
        reason = rules.closed_reason(self.party.status, self.party.answers_until, clock.now())
        return reason is rules.ClosedReason.LATE

    @property
    def answers_at_once(self) -> bool:
        """Whether a visitor with the share link answers on this page: no personal link can be sent to them."""
        return isinstance(self.join_form, LinkRsvpForm)

    @property
    def own_qr_code(self) -> str:
        """The QR code of the guest's personal link."""
        return secret_links.qr_code(self.own_link) if self.own_link else ""

    @property
    def is_form_shown(self) -> bool:
        """Whether the reader can answer, or change their answer."""
        return not (self.is_late or self.offer or self.is_checked_in)

    @property
    def can_withdraw(self) -> bool:
        """Whether the page has a button that withdraws the reader's RSVP."""
        return self.has_request and not self.is_checked_in and not (self.is_late and self.is_awaiting_approval)

    @property
    def offers_maybe(self) -> bool:
        """Whether the form has a button for maybe."""
        return not (self.is_maybe or self.has_request)

    @property
    def offers_no(self) -> bool:
        """Whether the form has a button for no."""
        return not (self.is_no or self.has_request)

    @property
    def max_party(self) -> int:
        """How many people the reader's RSVP may cover."""
        return self.guest.max_party(self.party, self.rsvp) if self.guest else self.party.max_party

    @property
    def shows_profile_diet(self) -> bool:
        """Whether a seat would show hosts the dietary information of the reader's profile."""
        member = self.guest.member if self.guest else None
        return member is not None and bool(member.diets or member.allergens) and not self.is_seated


def render(
    view: BasePartyView,
    visit: PartyVisit | AnswerableParty,
    form: RsvpForm | None = None,
    partial: PartialAvailability | None = None,
    *,
    is_preview: bool = False,
) -> str:
    """Return the page of a party as HTML, with a rejected `form` as the guest filled it in."""
    party, guest, rsvp = visit
    is_host, is_staff = view.is_host(party) and not is_preview, view.is_staff() and not is_preview
    with_address = location.shows_address(party, rsvp, is_host=is_host or is_staff)
    joining = join_form(party) if guest is None and not is_preview else None
    dates = series_queries.visible_dates(party, is_host=is_host or is_staff)
    where = location.visible_location(party, with_address=with_address)
    present = db.session.execute(PRESENT, {"party": party.id}).one()
    page = PartyPage(
        party=party,
        guest=guest,
        standing=waiting_list_queries.standing(rsvp),
        location=where,
        ticket=tickets.ticket_of(party, rsvp),
        menu=menu_service.menu(party) if present.menu else [],
        potluck=potluck_service.slots_and_own_claims(party, rsvp) if present.dishes else [],
        waiting_count=present.waiting,
        form=form or (joining if isinstance(joining, LinkRsvpForm) else _form_of(guest, rsvp)),
        partial=partial,
        join_form=joining,
        own_link=_own_link(guest, rsvp),
        others=queries.named_guests(party, rsvp) if is_host or (rsvp and rsvp.is_seated) else [],
        calendar_links=links.links(party, where) if party.is_open else [],
        dates=[(date, linked) for date, linked in dates if date.id != party.id],
        is_preview=is_preview,
        is_owner=not is_preview and current_user.is_authenticated and party.host_id == current_user.id,
        is_host=is_host,
        is_staff=is_staff,
    )
    page.form.party_size.description = ngettext(
        "Including you. One answer can cover at most %(num)d person.",
        "Including you. One answer can cover at most %(num)d people.",
        page.max_party,
    )
    return str(view.render_template("parties/party_page.html", view=page, party=party))


def _own_link(guest: Respondent | None, rsvp: Rsvp | None) -> str | None:
    """Return the personal link of a guest who could not come back without it, because no e-mail has it."""
    if guest is None or guest.member or guest.invitation is None or rsvp is None:
        return None
    if delivers() and guest.invitation.shown_email:
        return None
    return secret_links.personal_url_of(guest.invitation)


def _form_of(guest: Respondent | None, rsvp: Rsvp | None) -> RsvpForm:
    """Return the form with the guest's RSVP, or with the name on their invitation."""
    name = guest.name if guest else ""
    if rsvp is None:
        # As a visitor asked for before they logged in, or a guest who answers by e-mail alone.
        asked = parse_int(request.args.get("seats", "")) or 1
        size = min(max(asked, 1), models.MAX_SEATS)
        # Visitors read its labels only. The token of a form would give every stranger a cookie.
        return RsvpForm(formdata=None, party_size=size, name=name, meta={"csrf": guest is not None})
    minimum = rsvp.min_party if rsvp.min_party != rsvp.party_size else None
    return RsvpForm(
        formdata=None,
        party_size=rsvp.party_size,
        min_party=minimum,
        note=rsvp.note,
        name=rsvp.name or name,
        shows_name=rsvp.shows_name,
    )
