"""API schemas that several subjects share."""

from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields

from app.http import public_url
from app.parties.api_fields import described
from app.parties.enums import PartyStatus, Visibility


class Host(Schema):
    """A host of a party."""

    username = fields.Method("username_of", allow_none=True, metadata={"type": "string"})
    name = fields.String(attribute="display_name")

    def username_of(self, member: Any) -> str | None:
        """Return the username, and None for a deleted account."""
        return None if member.erased_at else str(member.username)


def picture_url(party: Any) -> str | None:
    """Return the public URL of a party's picture. It changes with the picture, because other sites keep copies."""
    return public_url("PartyView.picture", slug=party.slug, v=party.picture[:8]) if party.picture else None


class PartySummary(Schema):
    """A party in a list."""

    slug = fields.String(**described("The part of the URL that identifies the party"))
    url = fields.Function(
        lambda party: public_url("PartyView.show", slug=party.slug),
        metadata={"type": "string", "format": "uri", "description": "The page of the party"},
    )
    title = fields.String()
    picture = fields.Function(
        picture_url,
        allow_none=True,
        metadata={"type": "string", "format": "uri", "description": "Sent to those who can see the party"},
    )
    host = fields.Nested(Host)
    starts_at = fields.AwareDateTime()
    timezone = fields.String()
    duration_minutes = fields.Integer()
    venue = fields.String()
    area = fields.String(**described("Town or neighbourhood"))
    main_dish = fields.String()
    number_seats = fields.Integer()
    seats_free = fields.Integer(**described("Guests on the waiting list may come first"))
    visibility = fields.String(metadata={"enum": list(Visibility)})
    status = fields.String(metadata={"enum": list(PartyStatus)})


class Offer(Schema):
    """Seats that are held for a guest until the offer expires."""

    seats = fields.Integer()
    expires_at = fields.AwareDateTime()


@dataclass(frozen=True)
class ReaderView:
    """A row with additional values for one reader."""

    row: Any
    more: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.more[name] if name in self.more else getattr(self.row, name)
