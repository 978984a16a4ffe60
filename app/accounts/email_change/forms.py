"""The form for a new e-mail address."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import EmailField
from wtforms.validators import DataRequired, Length

from app.accounts.form_fields import FILTERS, MAX_EMAIL_LENGTH, EmailAddress


class NewEmailForm(FlaskForm):
    """The address that a member would like to be written to."""

    email = EmailField(
        lazy_gettext("New e-mail address"),
        filters=FILTERS,
        validators=[DataRequired(), Length(max=MAX_EMAIL_LENGTH), EmailAddress()],
        render_kw={"autocomplete": "email"},
    )
