"""Respondents: a member, a person with a personal link, or a member who opened one."""

from dataclasses import dataclass

from app.accounts.models import Member
from app.parties.models import DinnerParty, Invitation, Rsvp


@dataclass(frozen=True)
class Respondent:
    """Who answers in this request. At least one of `member` and `invitation` is given.

    `locale` and `timezone` are those of the page.
    """

    member: Member | None = None
    invitation: Invitation | None = None
    # Opened the party's share link, and so needs no approval.
    by_share_link: bool = False
    locale: str | None = None
    timezone: str | None = None

    @property
    def email(self) -> str:
        """The address that e-mails are sent to."""
        return self.member.email if self.member else self._invited.email

    @property
    def shown_email(self) -> str:
        """The address, or nothing where a guest without an account gave none."""
        return self.member.email if self.member else self._invited.shown_email

    @property
    def name(self) -> str:
        """The name that hosts read."""
        return self.member.display_name if self.member else self._invited.name

    @property
    def is_invited(self) -> bool:
        """Whether a host has invited them, so that their seats need no approval."""
        invited = self.invitation is not None and not self.invitation.asked_by_guest
        return invited or self.by_share_link

    def max_party(self, party: DinnerParty, rsvp: Rsvp | None) -> int:
        """Return how many people one RSVP may cover: what the invitation or the party says, but never fewer than already."""
        allowed = self.invitation.max_party if self.invitation is not None else party.max_party
        return max(allowed, rsvp.party_size if rsvp else 1)

    @property
    def _invited(self) -> Invitation:
        if self.invitation is None:
            msg = "a respondent has an account or an invitation"
            raise ValueError(msg)
        return self.invitation
