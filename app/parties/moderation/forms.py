"""The form that reports a party."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import RadioField, TextAreaField
from wtforms.validators import InputRequired, Length, ValidationError

from app.crud.fields import clean_text
from app.parties.enums import ReportReason
from app.parties.moderation import models as moderation_models


class ReportForm(FlaskForm):
    """A report of a party."""

    reason = RadioField(
        lazy_gettext("What is wrong with it?"),
        choices=list(ReportReason.labels().items()),
        validators=[InputRequired(lazy_gettext("Please choose one of the reasons."))],
    )
    note = TextAreaField(
        lazy_gettext("What should we know about it?"),
        filters=[clean_text],
        validators=[Length(max=moderation_models.MAX_REPORT_LENGTH)],
        description=lazy_gettext(
            "Only administrators can read this. Neither the hosts nor other guests will know who sent the report."
        ),
    )

    def validate_note(self, field: TextAreaField) -> None:
        """Require a description if the reason is "other"."""
        if self.reason.data == ReportReason.OTHER and not field.data:
            raise ValidationError(lazy_gettext("Please describe briefly what is wrong."))
