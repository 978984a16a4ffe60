"""The forms of the second factor."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Length

from app.accounts.form_fields import FILTERS

MAX_CODE_LENGTH = 64
CODE_INPUT = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "dir": "ltr"}


class CodeForm(FlaskForm):
    """The second step of the login: a code of the app, or a recovery code."""

    code = StringField(
        lazy_gettext("Code"),
        filters=FILTERS,
        validators=[DataRequired(), Length(max=MAX_CODE_LENGTH)],
        render_kw=CODE_INPUT,
    )


class TotpForm(FlaskForm):
    """The first code of a new app, and the encrypted secret that the page has shown."""

    code = StringField(
        lazy_gettext("Code shown by the app"),
        filters=FILTERS,
        validators=[DataRequired(), Length(max=MAX_CODE_LENGTH)],
        render_kw={**CODE_INPUT, "inputmode": "numeric"},
    )
    offer = HiddenField()
