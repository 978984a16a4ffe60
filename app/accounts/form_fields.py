"""Fields and limits that several forms of accounts share."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import EmailField
from wtforms.validators import DataRequired, Email

from app.crud.fields import clean_text

FILTERS = [clean_text]
MAX_NAME_LENGTH, MAX_EMAIL_LENGTH = 64, 254


class EmailForm(FlaskForm):
    """An e-mail address."""

    email = EmailField(lazy_gettext("E-mail address"), filters=FILTERS, validators=[DataRequired(), Email()])
