"""Pages that show parties: the landing page, the list, one party, and the parties of a member."""

from flask import Response, abort, make_response, request, session
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import lazy_gettext
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.crud import calendar_layout, files
from app.crud.views import BaseView
from app.food import DIETS
from app.http import page_number
from app.kept_pages import keep
from app.parties import queries
from app.parties.access import BasePartyView, PartyVisit, is_open_to_strangers
from app.parties.calendar import ics
from app.parties.calendar.views import download
from app.parties.models import DinnerParty
from app.parties.pages import cover, entries, month, my_dinners, party_page, search
from app.parties.rsvps.forms import RsvpByIdForm


class LandingView(BaseView):
    """The landing page."""

    route_base = ""
    default_view = "index"

    @expose("/")
    def index(self) -> BaseResponse:
        """Show the next public parties."""
        parties = entries.of(queries.next_public_parties())
        return keep(make_response(self.render_template("parties/landing.html", parties=parties)))


class PartyView(BasePartyView):
    """Parties as guests and hosts see them."""

    route_base = "/parties"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("read")
    def list(self) -> BaseResponse:
        """Show the coming public parties, as a list or as a month."""
        wanted = search.read(request.args)
        shown_month = month.parse(request.args.get("month", ""))
        if shown_month:
            shown = month.context(shown_month, wanted.conditions)
            return keep(
                make_response(self.render_template("parties/party_month.html", search=wanted, diets=DIETS, **shown))
            )
        page = queries.listed_page(page_number(), wanted.conditions)
        # The token of a form would give every stranger a cookie.
        form = RsvpByIdForm() if current_user.is_authenticated else None
        shown = self.render_template(
            "parties/party_list.html",
            page=page,
            parties=entries.of(
                page.items, queries.seats_at(page.items, current_user), numbered=current_user.is_authenticated
            ),
            form=form,
            search=wanted,
            diets=DIETS,
            month=None,
            this_month=f"{calendar_layout.this_month():%Y-%m}",
        )
        return keep(make_response(shown))

    @expose("/<slug>")
    @has_access
    @permission_name("read")
    def show(self, slug: str) -> BaseResponse:
        """Show one party, and the reader's RSVP to it."""
        visit = self.get_visible(slug)
        page = make_response(party_page.render(self, visit))
        return keep(page) if is_open_to_strangers(visit.party) else page

    @expose("/<slug>/preview")
    @has_access
    @permission_name("host")
    def preview(self, slug: str) -> str:
        """Show hosts the page as those see it who have no seat."""
        return party_page.render(self, PartyVisit(self.get_editable(slug), None, None), is_preview=True)

    @expose("/<slug>/picture")
    @has_access
    @permission_name("read")
    def picture(self, slug: str) -> Response:
        """Send the picture of a party to those who can see it."""
        party = self.get_visible(slug).party
        return _cacheable(files.send_image(party.picture, party.slug), party)

    @expose("/<slug>/cover.png")
    @has_access
    @permission_name("read")
    def cover(self, slug: str) -> Response:
        """Send the drawn picture of a party, which other programs show beside a link to its page."""
        party = self.get_visible(slug).party
        return _cacheable(cover.respond(party), party)

    @expose("/<slug>/host-picture")
    @has_access
    @permission_name("read")
    def host_picture(self, slug: str) -> Response:
        """Send the picture of the host, whose name the page of the party shows."""
        party = self.get_visible(slug).party
        return _cacheable(files.send_image(party.host.picture, "host"), party)

    @expose("/<slug>/dinner.ics")
    @has_access
    @permission_name("read")
    def download(self, slug: str) -> BaseResponse:
        """Return the party as a calendar file."""
        party, _guest, rsvp = self.get_visible(slug)
        shown = ics.Published(party, self.shows_address(party, rsvp), rsvp)
        return download(ics.published([shown]), f"{party.slug}.ics")


def _cacheable(response: Response, party: DinnerParty) -> Response:
    """Let shared caches keep what strangers may see; they ask each time whether that is still so."""
    if is_open_to_strangers(party) and not session:
        response.cache_control.private = None
        response.cache_control.public = True
    return response


class MemberView(BaseView):
    """A member's page: what they host; to themselves also where they go, wait and are invited."""

    route_base = "/user"
    default_view = "show"
    permission_labels = {"can_read": lazy_gettext("See the pages of members")}

    @expose("/<username>")
    @has_access
    @permission_name("read")
    def show(self, username: str) -> str:
        """Show the page of one member."""
        profile = queries.member_by_username(username)
        if profile is None:
            abort(404)
        if profile.id == current_user.id:
            mine = my_dinners.of(profile, page_number())
            return str(self.render_template("parties/my_dinners.html", profile=profile, mine=mine))
        hosting = queries.hosted_by(profile, public_only=True)
        seats = queries.seats_at(hosting, current_user)
        return str(self.render_template("parties/member.html", profile=profile, hosting=hosting, seats=seats))

    @expose("/<username>/picture")
    @has_access
    @permission_name("read")
    def picture(self, username: str) -> Response:
        """Send the picture of one member."""
        profile = queries.member_by_username(username)
        if profile is None:
            abort(404)
        return files.send_image(profile.picture, profile.username)
