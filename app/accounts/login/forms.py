"""The forms of login and reauthentication."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired

from app.accounts.form_fields import FILTERS


class LoginForm(FlaskForm):
    """Username or e-mail address, and password."""

    username = StringField(
        lazy_gettext("Username or e-mail address"),
        filters=FILTERS,
        validators=[DataRequired()],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        lazy_gettext("Password"),
        validators=[InputRequired()],
        render_kw={"autocomplete": "current-password"},
    )
    remember_me = BooleanField(
        lazy_gettext("Keep me logged in on this device"),
        description=lazy_gettext("Until you have not visited for 30 days. Not available to administrators."),
    )


class ReauthenticationForm(FlaskForm):
    """The password, again."""

    password = PasswordField(
        lazy_gettext("Password"),
        validators=[InputRequired()],
        render_kw={"autocomplete": "current-password"},
    )
