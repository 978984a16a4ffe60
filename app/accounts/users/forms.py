"""The form to merge two accounts."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Length

from app.accounts.form_fields import FILTERS, MAX_EMAIL_LENGTH


class MergeForm(FlaskForm):
    """The account that stays. It is confirmed on a second page."""

    username = StringField(
        lazy_gettext("Username of the account that stays"),
        filters=FILTERS,
        validators=[DataRequired(), Length(max=MAX_EMAIL_LENGTH)],
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
    confirmed = HiddenField()
