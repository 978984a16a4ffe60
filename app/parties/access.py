"""Access to parties: who can see, answer and change one. Pages and API share it."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NamedTuple

from flask import abort
from flask_appbuilder import has_access
from flask_appbuilder.hooks import before_request
from flask_appbuilder.utils.limit import Limit
from flask_babel import lazy_gettext
from flask_limiter.util import get_remote_address
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.models import Member
from app.crud.views import BaseView, ask_to_log_in
from app.extensions import AppBuilder, appbuilder_of
from app.i18n.selectors import current_locale, known_timezone
from app.parties import link_session, location, queries, rules
from app.parties.enums import RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from app.parties.respondent import Respondent

# How often one member, or one IP address, may send something to one endpoint: each counts for itself.
CHANGES_PER_MINUTE = "30 per minute"
POST_LIMIT = Limit(
    CHANGES_PER_MINUTE, key_func=lambda: str(current_user.get_id() or get_remote_address()), methods=["POST"]
)


def current_member() -> Member:
    member: Member = current_user._get_current_object()  # noqa: SLF001 - werkzeug's documented name
    return member


def may_edit_all() -> bool:
    """Whether the reader can edit all parties in the generated administration."""
    return bool(appbuilder_of().sm.has_access("can_edit", "DinnerPartyModelView"))


def login_or_invitation_required(method: Callable[..., Any]) -> Callable[..., Any]:
    """Check the permission of members only. Visitors need an invitation, which `get_answerable` checks."""
    with_permission = has_access(method)

    @wraps(with_permission)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        return (with_permission if current_user.is_authenticated else method)(self, *args, **kwargs)

    wrapper._allows_visitors = True  # type: ignore[attr-defined] # noqa: SLF001 - as has_access does
    return wrapper


def is_open_to_strangers(party: DinnerParty) -> bool:
    """Whether everybody who knows the URL can see the party."""
    return rules.is_visible(
        visibility=party.visibility,
        status=party.status,
        is_hidden=party.hidden_at is not None,
        is_host=False,
        is_guest=False,
        is_staff=False,
    )


class PartyVisit(NamedTuple):
    """A party and the reader of its page. `guest` is None for a visitor without a link."""

    party: DinnerParty
    guest: Respondent | None
    rsvp: Rsvp | None


class AnswerableParty(NamedTuple):
    """A party and a guest who can answer."""

    party: DinnerParty
    guest: Respondent
    rsvp: Rsvp | None


class PartyAccess:
    """Access checks for the current reader. Pages and API use the same permissions."""

    appbuilder: AppBuilder
    class_permission_name = "PartyView"
    permission_labels: Mapping[str, object] = {
        "can_read": lazy_gettext("See dinner parties"),
        "can_rsvp": lazy_gettext("Answer invitations"),
        "can_host": lazy_gettext("Host dinner parties"),
    }

    def get_visible(self, slug: str) -> PartyVisit:
        """Return the party, the reader and their RSVP; 404 if the reader must not know that the party exists."""
        party, guest = self.get_party_and_respondent(slug)
        rsvp = queries.rsvp_of(party, guest) if guest else None
        by_share_link = guest.by_share_link if guest else link_session.has_share_link(party)
        visible = rules.is_visible(
            visibility=party.visibility,
            status=party.status,
            is_hidden=party.hidden_at is not None,
            is_host=self.is_host(party),
            is_guest=by_share_link
            or (rsvp.status != RsvpStatus.REMOVED if rsvp else guest is not None and guest.is_invited),
            is_staff=self.is_staff(),
        )
        if not visible:
            abort(404)
        return PartyVisit(party, guest, rsvp)

    def get_answerable(self, slug: str) -> AnswerableParty:
        """Return the party, the guest and their RSVP so far. A visitor without a link is sent to the login."""
        party, guest, rsvp = self.get_visible(slug)
        if guest is None:
            abort(ask_to_log_in())
        return AnswerableParty(party, guest, rsvp)

    @staticmethod
    def get_party_and_respondent(slug: str) -> tuple[DinnerParty, Respondent | None]:
        """Return the party, and the reader if they are a member or have opened a personal link. Checks no visibility."""
        member = current_member() if current_user.is_authenticated else None
        found = queries.party_and_invitation(slug, member) if member else (queries.party_by_slug(slug), None)
        party, invitation_of_member = found or (None, None)
        if party is None:
            abort(404)
        invitation = link_session.remembered_invitation(party) or invitation_of_member
        if member is None and invitation is None:
            return party, None
        by_share_link = link_session.has_share_link(party)
        return party, Respondent(member, invitation, by_share_link, current_locale(), known_timezone())

    def shows_address(self, party: DinnerParty, rsvp: Rsvp | None) -> bool:
        """Whether the reader sees the postal address."""
        return location.shows_address(party, rsvp, is_host=self.is_host(party) or self.is_staff())

    def get_editable(self, slug: str) -> DinnerParty:
        """Return the party for its hosts and for administrators; 403 for others."""
        party = queries.party_by_slug(slug)
        if party is None:
            abort(404)
        if not (self.is_host(party) or self.is_staff()):
            abort(403)
        return party

    @staticmethod
    def is_host(party: DinnerParty) -> bool:
        """Whether the reader is the owner or a co-host."""
        return current_user.is_authenticated and party.is_hosted_by(current_user.id)

    def get_hosted(self, slug: str) -> DinnerParty:
        """Return the party for its hosts; 403 for others. Even administrators must not see what guests eat."""
        party = self.get_editable(slug)
        if not self.is_host(party):
            abort(403)
        return party

    def get_owned(self, slug: str) -> DinnerParty:
        """Return the party for its owner and for administrators; 403 for others."""
        party = self.get_editable(slug)
        if party.host_id != current_user.id and not self.is_staff():
            abort(403)
        return party

    @staticmethod
    def is_staff() -> bool:
        """Whether the reader can edit all parties in the generated administration."""
        return may_edit_all()


class BasePartyView(PartyAccess, BaseView):
    """A view with pages of one party."""

    @before_request
    def _ask_to_log_in(self) -> BaseResponse | None:
        """Send visitors to the login, except on pages for guests without an account."""
        return None if getattr(self.method(), "_allows_visitors", False) else super()._ask_to_log_in()
