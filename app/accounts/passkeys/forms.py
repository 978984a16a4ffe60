"""The forms of passkeys."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Length

from app.crud.fields import clean_line

MAX_NAME_LENGTH = 64


class PasskeyNameForm(FlaskForm):
    """The name of a passkey."""

    name = StringField(
        lazy_gettext("Name"),
        filters=[clean_line],
        validators=[DataRequired(), Length(max=MAX_NAME_LENGTH)],
        description=lazy_gettext("A name to recognise it by, for example “Laptop”, “Phone” or “Key ring”."),
        render_kw={"autocomplete": "off", "maxlength": MAX_NAME_LENGTH},
    )


class PasskeyForm(PasskeyNameForm):
    """A new passkey. A script fills in `credential` with the browser's response."""

    credential = HiddenField()
