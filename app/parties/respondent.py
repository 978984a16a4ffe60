"""Who answers: a member, somebody with a personal link, or a member who came by one."""

from dataclasses import dataclass

from app.accounts.models import Member
from app.parties.models import DinnerParty, Invitation, Rsvp


@dataclass(frozen=True)
class Respondent:
    """Whoever wants a seat. One of `member` and `invitation` is given; `locale` and `timezone` are the page's."""

    member: Member | None = None
    invitation: Invitation | None = None
    # Came by the party's share link: the host lets in whoever has it.
    by_share_link: bool = False
    locale: str | None = None
    timezone: str | None = None

    @property
    def email(self) -> str:
        """Where letters go."""
        return self.member.email if self.member else self._invited.email

    @property
    def name(self) -> str:
        """What the host reads of them."""
        return self.member.display_name if self.member else self._invited.name

    @property
    def is_invited(self) -> bool:
        """Whether the host has asked them to come, and need not be asked."""
        return self.invitation is not None or self.by_share_link

    def most(self, party: DinnerParty, rsvp: Rsvp | None) -> int:
        """Return how many may come with them: as many as their invitation says, and never fewer than already do."""
        allowed = self.invitation.max_party if self.invitation is not None else party.max_party
        return max(allowed, rsvp.party_size if rsvp else 1)

    @property
    def _invited(self) -> Invitation:
        if self.invitation is None:
            msg = "a guest has an account or an invitation"
            raise ValueError(msg)
        return self.invitation
