"""The form of a new series."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, SelectField
from wtforms.validators import InputRequired, NumberRange, Optional

from app.parties.enums import SeriesFrequency
from app.parties.models import MAX_SERIES_INTERVAL
from app.parties.series.rules import MAX_DATES
from app.parties.series.service import Rule


class SeriesForm(FlaskForm):
    frequency = SelectField(lazy_gettext("How often"), choices=list(SeriesFrequency.labels().items()))
    every = IntegerField(
        lazy_gettext("Every how many weeks or months"),
        default=1,
        validators=[InputRequired(), NumberRange(1, MAX_SERIES_INTERVAL)],
    )
    until = DateField(lazy_gettext("Last day"), validators=[Optional()])
    number = IntegerField(
        lazy_gettext("Number of dates"),
        validators=[Optional(), NumberRange(2, MAX_DATES)],
        description=lazy_gettext("With the first one. Fill in this field or the one before, or both."),
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """Require an end of the series."""
        is_valid = super().validate(extra_validators)
        if is_valid and self.until.data is None and self.number.data is None:
            self.number.errors = [_("Enter the last day or the number of dates.")]
            return False
        return is_valid

    def rule(self) -> Rule:
        """Return what was entered."""
        return Rule(self.frequency.data, self.every.data, self.until.data, self.number.data)
