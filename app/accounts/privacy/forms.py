"""The form of somebody who leaves."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import InputRequired


class AccountDeletionForm(FlaskForm):
    """The password, once more."""

    password = PasswordField(
        lazy_gettext("Password"),
        validators=[InputRequired()],
        render_kw={"autocomplete": "current-password"},
    )
