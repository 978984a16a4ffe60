"""Who may see a party, and who may change it."""

from flask import abort
from flask_babel import lazy_gettext
from flask_login import current_user

from app.accounts.models import Member
from app.crud.views import BaseView
from app.parties import models, queries, rules
from app.parties.models import DinnerParty, Rsvp


def me() -> Member:
    """Return the member who is asking, as a row."""
    member: Member = current_user._get_current_object()  # noqa: SLF001 - werkzeug's documented name
    return member


class TableView(BaseView):
    """A view of single parties. All of them ask for the same permissions."""

    class_permission_name = "PartyView"
    permission_words = {
        "can_read": lazy_gettext("See dinner parties"),
        "can_answer": lazy_gettext("Answer invitations"),
        "can_host": lazy_gettext("Host dinner parties"),
    }

    def visible(self, slug: str) -> tuple[DinnerParty, Rsvp | None]:
        """Return the party and the reader's answer to it; 404 when they may not know of it."""
        party = queries.party_by_slug(slug)
        if party is None:
            abort(404)
        member = current_user.is_authenticated
        answer = queries.answer_of(party, current_user) if member else None
        visible = rules.is_visible(
            visibility=party.visibility,
            status=party.status,
            is_host=self.hosts(party),
            is_guest=answer is not None and answer.status != models.REMOVED,
            is_staff=self.is_staff(),
        )
        if not visible:
            abort(404)
        return party, answer

    def own(self, slug: str) -> DinnerParty:
        """Return a party of whoever is asking; 403 when it is somebody else's."""
        party = queries.party_by_slug(slug)
        if party is None:
            abort(404)
        if not (self.hosts(party) or self.is_staff()):
            abort(403)
        return party

    @staticmethod
    def hosts(party: DinnerParty) -> bool:
        """Whether whoever is asking is the owner of a party or hosts beside them."""
        if not current_user.is_authenticated:
            return False
        return current_user.id in {party.host_id, *(member.id for member in party.co_hosts)}

    def hosted(self, slug: str) -> DinnerParty:
        """Return a party of which a host is asking; 403 to everybody else: what guests eat is not even staff's to see."""
        party = self.own(slug)
        if not self.hosts(party):
            abort(403)
        return party

    def owned(self, slug: str) -> DinnerParty:
        """Return a party whose owner is asking; 403 when it is somebody else's."""
        party = self.own(slug)
        if party.host_id != current_user.id and not self.is_staff():
            abort(403)
        return party

    def is_staff(self) -> bool:
        """Whether whoever is asking may edit any party in the generated UI."""
        return bool(self.appbuilder.sm.has_access("can_edit", "DinnerPartyModelView"))
