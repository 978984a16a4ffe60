"""Fields and limits that several forms of accounts share."""

from typing import Any

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import EmailField, Field
from wtforms.validators import DataRequired, Email, ValidationError

from app.crud.fields import clean_text
from app.outbox.rules import is_writable

FILTERS = [clean_text]
MAX_NAME_LENGTH, MAX_EMAIL_LENGTH = 64, 254
# A field that people do not see. With it, what 1Password, Bitwarden, Dashlane and LastPass look for in fields that they
# leave alone.
HONEYPOT = {
    "autocomplete": "off",
    "tabindex": "-1",
    "data-1p-ignore": "true",
    "data-bwignore": "true",
    "data-form-type": "other",
    "data-lpignore": "true",
}


NOT_WRITABLE = lazy_gettext(
    "E-mail from this site does not reach addresses with accents or other special letters before the @. Please use another address."
)


class EmailAddress(Email):
    """An e-mail address that the site can write to."""

    def __call__(self, form: Any, field: Field) -> None:
        """Check the form of the address, then whether SMTP accepts it."""
        super().__call__(form, field)
        if not is_writable(field.data):
            raise ValidationError(NOT_WRITABLE)


class EmailForm(FlaskForm):
    """An e-mail address."""

    email = EmailField(lazy_gettext("E-mail address"), filters=FILTERS, validators=[DataRequired(), EmailAddress()])
