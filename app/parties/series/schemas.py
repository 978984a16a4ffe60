"""API schemas of series."""

from marshmallow import Schema, fields

from app.parties.api_fields import ChoiceField, RequestSchema, WholeNumberField, described
from app.parties.enums import PartyStatus, SeriesFrequency
from app.parties.models import MAX_SERIES_INTERVAL
from app.parties.series.rules import MAX_DATES


class SeriesInput(RequestSchema):
    """When the dates of a new series are. It ends after `until` or `number`, whichever is first; one is needed."""

    frequency = ChoiceField(SeriesFrequency.labels(), required=True)
    every = WholeNumberField(1, MAX_SERIES_INTERVAL, load_default=1, **described("Every so many weeks or months"))
    until = fields.Date(
        load_default=None, allow_none=True, **described("No date is after this day", example="2030-06-30")
    )
    number = WholeNumberField(
        2, MAX_DATES, load_default=None, allow_none=True, **described("How many dates, with the first one")
    )


class SeriesDate(Schema):
    """A date of a series."""

    slug = fields.String(allow_none=True, **described("Null if the reader may not open the party"))
    starts_at = fields.AwareDateTime()
    timezone = fields.String()
    status = fields.String(metadata={"enum": list(PartyStatus)})
    number_seats = fields.Integer()
    seats_taken = fields.Integer()
