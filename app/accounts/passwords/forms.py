"""The forms to reset and to change a password."""

from typing import Any

from flask_babel import lazy_gettext, ngettext
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField
from wtforms.validators import DataRequired, Email, InputRequired, Length

from app.accounts.form_fields import FILTERS, MAX_EMAIL_LENGTH


class ForgotForm(FlaskForm):
    """The e-mail address that the link is sent to."""

    email = EmailField(
        lazy_gettext("E-mail address"),
        filters=FILTERS,
        validators=[DataRequired(), Length(max=MAX_EMAIL_LENGTH), Email()],
    )


class NewPasswordForm(FlaskForm):
    """A new password of at least `least` characters."""

    new_password = PasswordField(lazy_gettext("New password"), validators=[InputRequired()])

    def __init__(self, *args: Any, least: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.least = least
        self.new_password.description = advice(least)


class ChangePasswordForm(NewPasswordForm):
    """The current password, and a new one."""

    password = PasswordField(lazy_gettext("Current password"), validators=[InputRequired()])


def advice(least: int) -> str:
    """Return the hint below the field of a new password."""
    return str(
        ngettext(
            "At least %(num)d character. A sentence is easier to remember and harder to guess.",
            "At least %(num)d characters. A sentence is easier to remember and harder to guess.",
            least,
        )
    )
