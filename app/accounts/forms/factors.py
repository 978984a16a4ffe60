"""The forms of the second factor."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Length

from app.accounts.forms.common import FILTERS
from app.crud.fields import clean_line

LONGEST_CODE, LONGEST_PASSKEY_NAME = 64, 64
CODE_INPUT = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "dir": "ltr"}


class CodeForm(FlaskForm):
    """The second step of the login: a code of the app, or a recovery code."""

    code = StringField(
        lazy_gettext("Code"),
        filters=FILTERS,
        validators=[DataRequired(), Length(max=LONGEST_CODE)],
        render_kw=CODE_INPUT,
    )


class AppForm(FlaskForm):
    """The first code of a new app, and the secret that the page has shown."""

    code = StringField(
        lazy_gettext("Code that the app shows"),
        filters=FILTERS,
        validators=[DataRequired(), Length(max=LONGEST_CODE)],
        render_kw={**CODE_INPUT, "inputmode": "numeric"},
    )
    offer = HiddenField()


class PasskeyNameForm(FlaskForm):
    """What a passkey is called."""

    name = StringField(
        lazy_gettext("Name"),
        filters=[clean_line],
        validators=[DataRequired(), Length(max=LONGEST_PASSKEY_NAME)],
        description=lazy_gettext("So that you know it again: “Laptop”, “Phone”, “Key ring”."),
        render_kw={"autocomplete": "off", "maxlength": LONGEST_PASSKEY_NAME},
    )


class PasskeyForm(PasskeyNameForm):
    """A new passkey; a script puts into `credential` what the browser answers."""

    credential = HiddenField()
