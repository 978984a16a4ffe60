"""API schemas of reports."""

from app.parties.api_fields import ChoiceField, RequestSchema, TextField
from app.parties.enums import ReportReason
from app.parties.moderation import models as moderation_models


class ReportInput(RequestSchema):
    """A report of a party."""

    reason = ChoiceField(ReportReason.labels(), required=True)
    note = TextField(moderation_models.MAX_REPORT_LENGTH, load_default="")
