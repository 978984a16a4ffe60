"""What the API tells of a party, wherever one appears."""

from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields

from app.http import public_url
from app.parties.api_fields import described
from app.parties.enums import PartyStatus, Visibility


class Host(Schema):
    """Somebody who hosts."""

    username = fields.Method("username_of", allow_none=True, metadata={"type": "string"})
    name = fields.String(attribute="display_name")

    def username_of(self, member: Any) -> str | None:
        """Return by which name they are found, unless they were erased."""
        return None if member.erased_at else str(member.username)


class PartySummary(Schema):
    """A party, as it stands in lists."""

    slug = fields.String(**described("What addresses of this party are made with"))
    url = fields.Function(
        lambda party: public_url("PartyView.show", slug=party.slug),
        metadata={"type": "string", "format": "uri", "description": "Its page"},
    )
    title = fields.String()
    host = fields.Nested(Host)
    starts_at = fields.AwareDateTime()
    timezone = fields.String()
    duration_minutes = fields.Integer()
    venue = fields.String()
    main_dish = fields.String()
    number_seats = fields.Integer()
    seats_free = fields.Integer(**described("Others may wait for them already"))
    visibility = fields.String(metadata={"enum": list(Visibility)})
    status = fields.String(metadata={"enum": list(PartyStatus)})


class Offer(Schema):
    """Seats that are held for a guest until they decide."""

    seats = fields.Integer()
    expires_at = fields.AwareDateTime()


@dataclass(frozen=True)
class ReaderView:
    """A row, and what one reader is told beside it."""

    row: Any
    more: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.more[name] if name in self.more else getattr(self.row, name)
