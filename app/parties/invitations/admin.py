"""Generated administration of invitations to parties."""

from collections.abc import Callable, Iterable

from flask_babel import lazy_gettext, lazy_pgettext, ngettext

from app.crud.actions import action
from app.crud.csv import CsvExport
from app.crud.datamodel import SQLAInterface
from app.crud.flashes import Message
from app.crud.views import ModelView
from app.errors import Category, DomainError
from app.i18n.locales import LanguageNames
from app.outbox import texts as outbox_texts
from app.parties.admin_base import MEMBER_KEY, PARTY_KEY, by_party
from app.parties.invitations import service as invitation_service
from app.parties.models import Invitation, shown_email


class InvitationModelView(CsvExport, ModelView):
    """Invitations of all parties. Hosts create them; an administrator can send a new link or withdraw one."""

    datamodel = SQLAInterface(Invitation)
    route_base = "/partyinvitations"
    base_permissions = ["can_list", "can_show", "can_csv", "invite_again", "revoke_invitation"]
    base_order = ("created_at", "desc")
    list_title = lazy_gettext("Invited guests")
    show_title = lazy_gettext("Invited guest")
    empty_message = lazy_gettext("No guests have been invited yet.")
    label_columns = {
        "party": lazy_gettext("Party"),
        "name": lazy_gettext("Name"),
        "email": lazy_gettext("E-mail address"),
        "locale": lazy_gettext("Language"),
        "max_party": lazy_gettext("Maximum number of seats"),
        "invited_by": lazy_gettext("Invited by"),
        "rsvp": lazy_gettext("Answer"),
        "round": lazy_gettext("Links so far"),
        "created_at": lazy_pgettext("column of moments", "Invited"),
        # It may still wait in the outbox, or for ever.
        "sent_at": lazy_gettext("E-mail written"),
        "opened_at": lazy_gettext("Link opened"),
        "reminded_at": lazy_gettext("Reminded"),
        "revoked_at": lazy_pgettext("column of moments", "Revoked"),
    }
    list_columns = ["party", "name", "email", "invited_by", "sent_at", "opened_at", "revoked_at"]
    show_columns = [
        *("party", "name", "email", "locale", "max_party", "invited_by", "round"),
        *("created_at", "sent_at", "opened_at", "reminded_at", "revoked_at"),
    ]
    search_columns = [
        *("party", "name", "email", "invited_by", "created_at", "sent_at", "opened_at", "revoked_at"),
    ]
    order_columns = ["name", "email", "created_at", "sent_at", "opened_at", "revoked_at"]
    csv_columns = [
        *("party", "name", "email", "locale", "max_party", "invited_by"),
        *("created_at", "sent_at", "opened_at", "reminded_at", "revoked_at"),
    ]
    choices_columns = {"locale": LanguageNames()}
    formatters_columns = {"email": shown_email}
    autocomplete_columns = {"party": PARTY_KEY, "invited_by": MEMBER_KEY}
    load_columns = ("party",)

    @action(
        "invite_again",
        lazy_gettext("Invite again"),
        lazy_gettext("Send new links to the selected guests? Earlier links will stop working."),
        "",
        applies=lambda invitation: not invitation.is_anonymised and invitation.party.is_open,
    )
    def invite_again(self, items: list[Invitation]) -> Message:
        done, refusal = _each(
            items, lambda invitation: invitation_service.invite_again(invitation, expected_round=invitation.round)
        )
        text = ngettext("%(num)d invitation sent again.", "%(num)d invitations sent again.", done)
        return _with_refusal(outbox_texts.sent(text), refusal)

    @action(
        "revoke_invitation",
        lazy_gettext("Withdraw"),
        lazy_gettext("Withdraw the selected invitations? Their links will stop working. Answers are kept."),
        "",
        applies=lambda invitation: invitation.revoked_at is None and not invitation.is_anonymised,
    )
    def revoke_invitation(self, items: list[Invitation]) -> Message:
        done, refusal = _each(items, invitation_service.revoke)
        text = ngettext("%(num)d invitation withdrawn.", "%(num)d invitations withdrawn.", done)
        return _with_refusal((text, "info"), refusal)


def _each(items: Iterable[Invitation], act: Callable[[Invitation], None]) -> tuple[int, DomainError | None]:
    """Run the action for each invitation. Return how many succeeded, and the last error.

    Raises that error if none succeeded.
    """
    done, refusal = 0, None
    for invitation in sorted(items, key=by_party):
        try:
            act(invitation)
        except DomainError as error:
            refusal = error
        else:
            done += 1
    if not done and refusal is not None:
        raise refusal
    return done, refusal


def _with_refusal(done: tuple[str, Category], refusal: DomainError | None) -> Message:
    return (f"{done[0]} {refusal}", "warning") if refusal is not None else done
