"""What members say about themselves."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from app import audit
from app.accounts.models import Member
from app.extensions import db

# What somebody eats is written down nowhere but in their profile.
PRIVATE = ("diets", "allergens")
CHANGED = "changed"


@dataclass(frozen=True)
class Profile:
    """All of a member that they may set themselves."""

    first_name: str
    last_name: str
    locale: str
    timezone: str
    diets: Sequence[str]
    allergens: Sequence[str]


def save(member: Member, profile: Profile) -> None:
    """Store a profile, and write down what became of which column."""
    before, after = {}, {}
    for column, value in asdict(profile).items():
        old = getattr(member, column)
        if old == value:
            continue
        setattr(member, column, value)
        if column not in PRIVATE:
            before[column] = old
        after[column] = CHANGED if column in PRIVATE else value
    if after:
        audit.record("profile_changed", "member", member, before=before, after=after)
    db.session.flush()
