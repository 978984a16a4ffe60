"""The form of account deletion."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import InputRequired


class AccountDeletionForm(FlaskForm):
    """The password, again."""

    password = PasswordField(
        lazy_gettext("Password"),
        validators=[InputRequired()],
        render_kw={"autocomplete": "current-password"},
    )
