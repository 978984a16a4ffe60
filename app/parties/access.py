"""Who may see a party, who may answer, and who may change it."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NamedTuple

from flask import abort
from flask_appbuilder import has_access
from flask_appbuilder.hooks import before_request
from flask_babel import lazy_gettext
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.models import Member
from app.crud.views import BaseView, ask_to_log_in
from app.extensions import AppBuilder
from app.i18n.selectors import current_locale, current_timezone
from app.parties import link_session, location, queries, rules
from app.parties.enums import RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from app.parties.respondent import Respondent


def current_member() -> Member:
    """Return the member who is asking, as a row."""
    member: Member = current_user._get_current_object()  # noqa: SLF001 - werkzeug's documented name
    return member


def login_or_invitation_required(method: Callable[..., Any]) -> Callable[..., Any]:
    """Demand the permission of members, and let others in: `answering` asks them for their personal link."""
    guarded = has_access(method)

    @wraps(guarded)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        return (guarded if current_user.is_authenticated else method)(self, *args, **kwargs)

    wrapper._for_guests = True  # type: ignore[attr-defined] # noqa: SLF001 - as has_access marks its own
    return wrapper


class PartyVisit(NamedTuple):
    """Somebody at the page of a party; `guest` is None for strangers without a link."""

    party: DinnerParty
    guest: Respondent | None
    rsvp: Rsvp | None


class AnswerableParty(NamedTuple):
    """Somebody who may answer."""

    party: DinnerParty
    guest: Respondent
    rsvp: Rsvp | None


class PartyAccess:
    """Who may do what with a party: for its pages and for the API alike, which ask for the same permissions."""

    appbuilder: AppBuilder
    class_permission_name = "PartyView"
    permission_labels: Mapping[str, object] = {
        "can_read": lazy_gettext("See dinner parties"),
        "can_rsvp": lazy_gettext("Answer invitations"),
        "can_host": lazy_gettext("Host dinner parties"),
    }

    def get_visible(self, slug: str) -> PartyVisit:
        """Return the party, who is looking at it, and their answer; 404 when they may not know of it."""
        party, guest = self._met(slug)
        rsvp = queries.rsvp_of(party, guest) if guest else None
        by_share_link = guest.by_share_link if guest else link_session.has_share_link(party)
        visible = rules.is_visible(
            visibility=party.visibility,
            status=party.status,
            is_hidden=party.hidden_at is not None,
            is_host=self.is_host(party),
            is_guest=by_share_link
            or (rsvp.status != RsvpStatus.REMOVED if rsvp else guest is not None and guest.invitation is not None),
            is_staff=self.is_staff(),
        )
        if not visible:
            abort(404)
        return PartyVisit(party, guest, rsvp)

    def get_answerable(self, slug: str) -> AnswerableParty:
        """Return the party, who may answer, and their answer so far; strangers are asked to log in."""
        party, guest, rsvp = self.get_visible(slug)
        if guest is None:
            abort(ask_to_log_in())
        return AnswerableParty(party, guest, rsvp)

    @staticmethod
    def _met(slug: str) -> tuple[DinnerParty, Respondent | None]:
        """Return the party, and who is asking: a member, or whoever has opened a personal link here."""
        member = current_member() if current_user.is_authenticated else None
        found = queries.party_and_invitation(slug, member) if member else (queries.party_by_slug(slug), None)
        party, sent = found or (None, None)
        if party is None:
            abort(404)
        invitation = link_session.remembered_invitation(party) or sent
        if member is None and invitation is None:
            return party, None
        by_share_link = link_session.has_share_link(party)
        return party, Respondent(member, invitation, by_share_link, current_locale(), current_timezone())

    def shows_address(self, party: DinnerParty, rsvp: Rsvp | None) -> bool:
        """Whether whoever is asking is told where exactly a party is."""
        return location.shows_address(party, rsvp, is_host=self.is_host(party) or self.is_staff())

    def get_editable(self, slug: str) -> DinnerParty:
        """Return a party of whoever is asking; 403 when it is somebody else's."""
        party = queries.party_by_slug(slug)
        if party is None:
            abort(404)
        if not (self.is_host(party) or self.is_staff()):
            abort(403)
        return party

    @staticmethod
    def is_host(party: DinnerParty) -> bool:
        """Whether whoever is asking is the owner of a party or hosts beside them."""
        if not current_user.is_authenticated:
            return False
        return current_user.id in {party.host_id, *(member.id for member in party.co_hosts)}

    def get_hosted(self, slug: str) -> DinnerParty:
        """Return a party of which a host is asking; 403 to everybody else: what guests eat is not even staff's to see."""
        party = self.get_editable(slug)
        if not self.is_host(party):
            abort(403)
        return party

    def get_owned(self, slug: str) -> DinnerParty:
        """Return a party whose owner is asking; 403 when it is somebody else's."""
        party = self.get_editable(slug)
        if party.host_id != current_user.id and not self.is_staff():
            abort(403)
        return party

    def is_staff(self) -> bool:
        """Whether whoever is asking may edit any party in the generated UI."""
        return bool(self.appbuilder.sm.has_access("can_edit", "DinnerPartyModelView"))


class BasePartyView(PartyAccess, BaseView):
    """A view of single parties."""

    @before_request
    def _ask_to_log_in(self) -> BaseResponse | None:
        """Lead strangers to the login, unless they may have a link."""
        return None if getattr(self.method(), "_for_guests", False) else super()._ask_to_log_in()


RSVPS_PER_MINUTE = "30 per minute"
