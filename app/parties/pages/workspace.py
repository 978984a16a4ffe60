"""The tabs on all pages of a party for its hosts, with what each of them counts."""

from dataclasses import dataclass
from typing import NamedTuple

from flask import g, request, url_for
from flask_babel import lazy_gettext, ngettext
from flask_login import current_user
from sqlalchemy import func, select

from app.extensions import db
from app.parties.access import PartyAccess, may_edit_all
from app.parties.enums import QUEUED, SEATED, RsvpStatus
from app.parties.menu.models import MenuItem
from app.parties.messages.models import GuestMessage, Reminder
from app.parties.models import DinnerParty, Rsvp
from app.parties.rsvps.guest_list import count_invited


@dataclass(frozen=True)
class Counts:
    """How many people a party has in each state, and how much was prepared for it."""

    coming: int
    waiting: int
    asking: int
    here: int
    # Without the owner, who is not checked in.
    expected: int
    invited: int
    silent: int
    dishes: int
    reminders: int
    messages: int


class Page(NamedTuple):
    """A page of a tab."""

    endpoint: str
    label: object
    # Other pages that belong to it.
    parts: tuple[str, ...] = ()

    @property
    def is_current(self) -> bool:
        return request.endpoint in {self.endpoint, *self.parts}


class Tab(NamedTuple):
    """A tab: its first page is where it leads."""

    name: str
    label: object
    pages: tuple[Page, ...]
    # Administrators who are no hosts see these only.
    for_staff: bool = False


class ShownTab(NamedTuple):
    """A tab of one party, as the template shows it. `told` says what `number` counts."""

    label: object
    url: str
    is_current: bool
    number: int | None
    told: str


class Workspace(NamedTuple):
    """The tabs, and the pages of the tab that is open, each with its label, its URL and whether it is this one."""

    tabs: list[ShownTab]
    pages: list[tuple[object, str, bool]]


OVERVIEW = Tab("overview", lazy_gettext("Overview"), (Page("OverviewView.show", ""),), for_staff=True)
DOOR = Tab(
    "door",
    lazy_gettext("Check-in"),
    (Page("CheckInView.show", "", ("CheckInView.scanned",)),),
)
SETTINGS = Tab(
    "settings",
    lazy_gettext("Settings"),
    (
        Page("HostingView.edit", lazy_gettext("Details")),
        Page("CoHostView.show", lazy_gettext("Hosts")),
        Page("SeriesView.show", lazy_gettext("Series"), ("SeriesView.change",)),
    ),
    for_staff=True,
)
TABS = (
    OVERVIEW,
    Tab(
        "guests",
        lazy_gettext("Guests"),
        (
            Page(
                "GuestListView.show",
                lazy_gettext("Guest list"),
                ("GuestListView.remove", "GuestListView.chosen", "GuestListView.all_missed"),
            ),
            Page("WaitingListView.show", lazy_gettext("The waiting list")),
            Page("PlaceCardsView.show", lazy_gettext("Place cards")),
        ),
    ),
    Tab(
        "invite",
        lazy_gettext("Invite"),
        (
            Page(
                "InvitationsView.show",
                "",
                ("InvitationsView.many", "InvitationsView.contacts", "InvitationsView.correct"),
            ),
        ),
    ),
    Tab(
        "menu",
        lazy_gettext("Menu and kitchen"),
        (
            Page("MenuView.menu", lazy_gettext("Menu")),
            Page("PotluckView.dishes", lazy_gettext("What guests bring"), ("PotluckView.release",)),
            Page("KitchenView.show", lazy_gettext("Kitchen sheet")),
        ),
    ),
    Tab(
        "messages",
        lazy_gettext("Messages"),
        (
            Page("MessageView.write", lazy_gettext("Write to guests")),
            Page("MessageView.reminders", lazy_gettext("Reminders")),
        ),
    ),
    DOOR,
    SETTINGS,
)


def counts(party: DinnerParty) -> Counts:
    """Return the counts of a party, asked for once in a request."""
    known: dict[int, Counts] = g.setdefault("workspace_counts", {})
    if party.id not in known:
        known[party.id] = _count(party)
    return known[party.id]


def of(party: DinnerParty) -> Workspace | None:
    """Return the tabs of a party for its hosts and for administrators; None for everybody else."""
    if not current_user.is_authenticated:
        return None
    is_host = PartyAccess.is_host(party)
    if not (is_host or may_edit_all()):
        return None
    tabs = [tab for tab in TABS if (is_host or tab.for_staff) and (tab is not DOOR or party.is_held)]
    told = _told(counts(party)) if is_host else {}
    shown, opened = [], []
    for tab in tabs:
        pages = [page for page in tab.pages if page.endpoint != "HostingView.edit" or party.is_changeable]
        is_current = any(page.is_current for page in pages)
        number, words = told.get(tab.name, (None, ""))
        shown.append(ShownTab(tab.label, url_for(pages[0].endpoint, slug=party.slug), is_current, number, words))
        if is_current and len(pages) > 1:
            opened = [(page.label, url_for(page.endpoint, slug=party.slug), page.is_current) for page in pages]
    return Workspace(shown, opened)


def _told(found: Counts) -> dict[str, tuple[int, str]]:
    """Return the number on each tab, and the words that say what it counts; a tab without anything has none."""
    told = {
        "guests": (
            found.coming,
            ngettext("%(num)d person is coming", "%(num)d people are coming", found.coming),
        ),
        "invite": (
            found.silent,
            ngettext("%(num)d person has not answered", "%(num)d people have not answered", found.silent),
        ),
        "menu": (
            found.dishes,
            ngettext("%(num)d dish is on the menu", "%(num)d dishes are on the menu", found.dishes),
        ),
        "messages": (
            found.messages,
            ngettext("%(num)d message was written", "%(num)d messages were written", found.messages),
        ),
        "door": (
            found.here,
            ngettext("%(num)d guest is here", "%(num)d guests are here", found.here),
        ),
    }
    return {name: (number, words) for name, (number, words) in told.items() if number}


def _count(party: DinnerParty) -> Counts:
    is_owner = func.coalesce(Rsvp.member_id, 0) == party.host_id
    prepared = (
        select(func.count()).where(table.party_id == party.id).scalar_subquery()
        for table in (MenuItem, Reminder, GuestMessage)
    )
    states = (
        (Rsvp.status.in_(SEATED),),
        (Rsvp.status.in_(QUEUED),),
        (Rsvp.status == RsvpStatus.AWAITING_APPROVAL,),
        (Rsvp.status == RsvpStatus.CHECKED_IN,),
        (Rsvp.status.in_(SEATED), ~is_owner),
    )
    statement = select(
        *(func.coalesce(func.sum(Rsvp.party_size).filter(*state), 0) for state in states),
        *count_invited(party),
        *prepared,
    ).where(Rsvp.party_id == party.id)
    found: tuple[int, ...] = tuple(db.session.execute(statement).one())
    return Counts(*found)
