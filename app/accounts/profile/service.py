"""Store the profile of a member."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from app import audit
from app.accounts.models import Member
from app.extensions import db

# The audit log does not store the values of these columns.
PRIVATE = ("diets", "allergens", "picture")
CHANGED = "changed"


@dataclass(frozen=True)
class Profile:
    """The columns of a member that they can change themselves."""

    first_name: str
    last_name: str
    picture: str | None
    locale: str
    timezone: str
    hour_cycle: str | None
    diets: Sequence[str]
    allergens: Sequence[str]


def save(member: Member, profile: Profile) -> None:
    """Store a profile, and audit the changed columns."""
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
