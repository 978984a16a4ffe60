"""The overview of a party: where its hosts start. It says how things are, and what to do until the evening."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from flask import render_template, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from sqlalchemy import func, or_, select
from werkzeug.wrappers import Response as BaseResponse

from app.extensions import db
from app.http import public_url
from app.i18n import formats
from app.parties import live, queries, secret_links
from app.parties.access import BasePartyView
from app.parties.enums import SEATED, Visibility
from app.parties.menu import service as menu_service
from app.parties.models import DinnerParty, Rsvp
from app.parties.pages import workspace
from app.parties.pages.workspace import Counts

# More seats are drawn as a bar, and names fill no page.
MAX_NAMES, MAX_NEWS = 24, 8


class Step(NamedTuple):
    """A line of the checklist. `is_done` is None for what has no end."""

    label: str
    state: str
    url: str
    is_done: bool | None


class News(NamedTuple):
    """What a guest did last."""

    at: datetime
    name: str
    what: str


@dataclass(frozen=True)
class Overview:
    """What changes while the page is open. Administrators who are no hosts see neither names nor the checklist."""

    party: DinnerParty
    counts: Counts
    version: str
    is_host: bool
    # For each taken seat, in the order of the drawing.
    names: list[str]
    steps: list[Step]
    news: list[News]

    @property
    def next_step(self) -> Step | None:
        """The first step that is not done."""
        return next((step for step in self.steps if step.is_done is False), None)


class OverviewView(BasePartyView):
    """The overview of a party, for whoever may manage it."""

    route_base = "/parties"
    default_view = "show"

    @expose("/<slug>/overview")
    @has_access
    @permission_name("host")
    def show(self, slug: str) -> str:
        """Show how many come, what is still to do, and what guests did last."""
        party = self.get_editable(slug)
        return str(
            self.render_template(
                "parties/overview.html",
                party=party,
                overview=self._overview(party),
                link=_link(party),
                may_cancel=party.host_id == current_user.id or self.is_staff(),
            )
        )

    @expose("/<slug>/overview/live")
    @has_access
    @permission_name("host")
    def live(self, slug: str) -> BaseResponse:
        """Return the part of the overview that changes, if it has."""
        party = self.get_editable(slug)
        version = _version(party)
        return live.respond(
            version,
            lambda: render_template("parties/_overview.html", party=party, overview=self._overview(party, version)),
        )

    def _overview(self, party: DinnerParty, version: str | None = None) -> Overview:
        counts, is_host = workspace.counts(party), self.is_host(party)
        return Overview(
            party=party,
            counts=counts,
            version=version or _version(party),
            is_host=is_host,
            names=_names(party) if is_host else [],
            steps=_steps(party, counts) if is_host and not party.is_cancelled else [],
            news=_news(party) if is_host else [],
        )


def _version(party: DinnerParty) -> str:
    return live.version_of(workspace.counts(party), queries.guest_state(party), party.is_past)


def _link(party: DinnerParty) -> str | None:
    """Return what a host can send to people; None if only invited ones may see the party and there is no share link."""
    shared = secret_links.share_url(party)
    if shared is not None or party.visibility == Visibility.PRIVATE:
        return shared
    return public_url("PartyView.show", slug=party.slug)


def _names(party: DinnerParty) -> list[str]:
    """Return a name for each taken seat, the owner first."""
    is_owner = func.coalesce(Rsvp.member_id, 0) == party.host_id
    statement = select(Rsvp).where(Rsvp.party_id == party.id, Rsvp.status.in_(SEATED))
    seated = db.session.scalars(statement.order_by(~is_owner, Rsvp.answered_at, Rsvp.id).limit(MAX_NAMES))
    return [str(rsvp) for rsvp in seated for _seat in range(rsvp.party_size)][:MAX_NAMES]


def _news(party: DinnerParty) -> list[News]:
    """Return what guests did last, the latest first."""
    when = func.coalesce(Rsvp.checked_in_at, Rsvp.answered_at)
    is_guest = or_(Rsvp.member_id.is_(None), Rsvp.member_id != party.host_id)
    statement = select(Rsvp).where(Rsvp.party_id == party.id, is_guest).order_by(when.desc(), Rsvp.id.desc())
    return [
        News(rsvp.checked_in_at or rsvp.answered_at, str(rsvp), _what(rsvp))
        for rsvp in db.session.scalars(statement.limit(MAX_NEWS))
    ]


def _what(rsvp: Rsvp) -> str:
    """Return the status of an RSVP, with the number of people where they come or want to."""
    if not rsvp.is_active:
        return str(rsvp.status.label)
    return ngettext(
        "%(status)s, %(num)d person", "%(status)s, %(num)d people", rsvp.party_size, status=rsvp.status.label
    )


# -- the checklist


def _steps(party: DinnerParty, counts: Counts) -> list[Step]:
    """Return what leads from a draft to the evening."""
    steps = [_publishing(party), _inviting(party, counts), _cooking(party), _reminding(party, counts)]
    if counts.asking:
        state = ngettext("%(num)d person has requested a seat", "%(num)d people have requested seats", counts.asking)
        steps.insert(
            2, Step(_("Answer requests"), state, url_for("GuestListView.show", slug=party.slug), is_done=False)
        )
    printing = url_for("KitchenView.show", slug=party.slug)
    steps.append(Step(_("Print"), _("The kitchen sheet, to hang on a wall."), printing, is_done=None))
    if party.is_held:
        steps.append(_welcoming(party, counts))
    return steps


def _publishing(party: DinnerParty) -> Step:
    if party.is_draft:
        state = _("This is a draft. Guests cannot see it until you publish it.")
        return Step(_("Publish"), state, url_for("HostingView.edit", slug=party.slug), is_done=False)
    return Step(_("Publish"), str(party.status.label), url_for("PartyView.show", slug=party.slug), is_done=True)


def _inviting(party: DinnerParty, counts: Counts) -> Step:
    if counts.invited:
        state = ngettext(
            "%(silent)d of %(num)d person invited has not answered",
            "%(silent)d of %(num)d people invited have not answered",
            counts.invited,
            silent=counts.silent,
        )
    elif counts.coming > 1:
        state = ngettext("%(num)d person is coming", "%(num)d people are coming", counts.coming)
    else:
        state = _("Nobody is invited yet.")
    is_done = counts.invited > 0 or counts.coming > 1
    return Step(_("Invite"), state, url_for("InvitationsView.show", slug=party.slug), is_done)


def _cooking(party: DinnerParty) -> Step:
    dishes = menu_service.menu(party)
    unclear = sum(not (dish.allergens or dish.diets) for dish in dishes)
    if not dishes:
        state = _("There is only the main dish so far.") if party.main_dish else _("There is no menu yet.")
    else:
        state = ngettext("%(num)d dish is on the menu", "%(num)d dishes are on the menu", len(dishes))
    if unclear:
        question = ngettext(
            "%(num)d says nothing about allergens and diets",
            "%(num)d say nothing about allergens and diets",
            unclear,
        )
        state = formats.value([state, question])
    is_done = bool(dishes) and not unclear
    return Step(_("Menu"), state, url_for("MenuView.menu", slug=party.slug), is_done)


def _reminding(party: DinnerParty, counts: Counts) -> Step:
    state = _("No reminders are sent for this party.")
    if counts.reminders:
        state = ngettext("%(num)d reminder is planned", "%(num)d reminders are planned", counts.reminders)
    return Step(_("Reminders"), state, url_for("MessageView.reminders", slug=party.slug), counts.reminders > 0)


def _welcoming(party: DinnerParty, counts: Counts) -> Step:
    state = _("No guests are expected.")
    if counts.expected:
        state = ngettext(
            "%(here)d of %(num)d is here.", "%(here)d of %(num)d are here.", counts.expected, here=counts.here
        )
    is_done = True if counts.expected and counts.here == counts.expected else None
    return Step(_("Check-in"), state, url_for("CheckInView.show", slug=party.slug), is_done)
