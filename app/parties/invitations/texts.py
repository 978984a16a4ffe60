"""Flash messages after a host has invited guests. Pages and API share them."""

from flask_babel import gettext as _
from flask_babel import ngettext

from app.outbox import texts as outbox_texts
from app.parties.invitations.service import InviteResult
from app.parties.models import DinnerParty, Invitation
from app.parties.texts import Flash

# The round of the first share link of a party.
FIRST = 1


def invited(result: InviteResult, invalid: int = 0) -> Flash:
    """Return how many guests were invited; `invalid` rows of the list had no e-mail address."""
    beyond_limit = ngettext(
        "%(num)d invitation exceeds the daily limit. Continue tomorrow.",
        "%(num)d invitations exceed the daily limit. Continue tomorrow.",
        result.beyond_limit,
    )
    if result.beyond_limit and not result.added:
        return beyond_limit, "warning"
    text = _(
        "%(added)d invited, %(skipped)d already invited, %(bad)d invalid addresses.",
        added=result.added,
        skipped=result.skipped,
        bad=invalid,
    )
    if result.repeated:
        repeated = ngettext(
            "%(num)d repeated address was left out.", "%(num)d repeated addresses were left out.", result.repeated
        )
        text = f"{text} {repeated}"
    if result.unreachable:
        unreachable = ngettext(
            "E-mails do not reach %(num)d address: correct it below.",
            "E-mails do not reach %(num)d addresses: correct them below.",
            result.unreachable,
        )
        text = f"{text} {unreachable}"
    if result.beyond_limit:
        return outbox_texts.queued(f"{text} {beyond_limit}", "warning")
    return outbox_texts.queued(text, "warning" if result.skipped or invalid or result.unreachable else "info")


def invited_again(invitation: Invitation) -> Flash:
    return outbox_texts.queued(_("%(name)s was invited again. Earlier links no longer work.", name=str(invitation)))


def corrected(invitation: Invitation) -> Flash:
    return outbox_texts.sent(
        _("The invitation is sent to %(email)s.", email=invitation.email),
        otherwise=_("The invitation is for %(email)s now.", email=invitation.email),
    )


def revoked(invitation: Invitation) -> Flash:
    return _("The invitation for %(name)s was withdrawn.", name=str(invitation)), "info"


def share_link_renewed(party: DinnerParty) -> Flash:
    if party.is_draft:
        return _("Once the party is published, anyone with this link can see it and answer."), "info"
    if party.share_round == FIRST:
        return _("Anyone with this link can see this party and answer."), "info"
    return _("Anyone with the new link can see this party and answer. Earlier links no longer work."), "info"


def share_link_stopped() -> Flash:
    return _("The link no longer works."), "info"
