"""The registration form.

It checks required fields and the format of the e-mail address. Receivers of a signal (hooks.py) check everything else,
so that packages can add checks.
"""

from datetime import timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from flask_wtf import FlaskForm
from markupsafe import Markup
from wtforms import BooleanField, EmailField, HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from app.accounts import password_policy
from app.accounts.encryption import decrypt, encrypt
from app.accounts.form_fields import FILTERS, HONEYPOT, MAX_EMAIL_LENGTH, MAX_NAME_LENGTH, EmailAddress
from app.accounts.registration.hooks import Problem
from app.crud.fields import show_at_field
from app.errors import DomainError
from app.outbox.service import delivers

SEALED_PASSWORD, SEALED_LIFETIME = "password of a registration", timedelta(hours=1)


class RegistrationForm(FlaskForm):
    """Username, e-mail address, names, password.

    `comment` is a honeypot: people do not see it, robots fill it in. Its name means nothing to password managers. Who
    fills it in is asked whether they are a person; `sealed` is their password meanwhile, encrypted.
    """

    username = StringField(
        lazy_gettext("Username"),
        filters=FILTERS,
        description=lazy_gettext(
            "3 to 20 letters, digits, dots, dashes or underscores. Visible to others. If empty, we take one like your name."
        ),
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    email = EmailField(
        lazy_gettext("E-mail address"),
        filters=FILTERS,
        validators=[DataRequired(), Length(max=MAX_EMAIL_LENGTH), EmailAddress()],
        render_kw={"autocomplete": "email"},
    )
    first_name = StringField(
        lazy_gettext("First name"),
        filters=FILTERS,
        validators=[DataRequired(), Length(max=MAX_NAME_LENGTH)],
        render_kw={"autocomplete": "given-name"},
    )
    last_name = StringField(
        lazy_gettext("Last name"),
        filters=FILTERS,
        validators=[DataRequired(), Length(max=MAX_NAME_LENGTH)],
        render_kw={"autocomplete": "family-name"},
    )
    password = PasswordField(
        lazy_gettext("Password"),
        validators=[InputRequired()],
        render_kw={"autocomplete": "new-password"},
    )
    accepts_terms = BooleanField(lazy_gettext("I accept the terms of use."))
    timezone = HiddenField(filters=FILTERS)
    comment = StringField(
        lazy_gettext("Leave this empty"),
        filters=FILTERS,
        render_kw=HONEYPOT,
    )
    sealed = HiddenField()

    def __init__(self, *args: Any, invited: str | None = None, **kwargs: Any) -> None:
        """Set up the form by the configuration. `invited` is the address of the invitation, which cannot be changed."""
        super().__init__(*args, **kwargs)
        self._unseal_password()
        self.password.description = ngettext(
            "At least %(num)d character. A sentence is easier to remember and harder to guess.",
            "At least %(num)d characters. A sentence is easier to remember and harder to guess.",
            password_policy.min_length(staff=False, second_factor=False),
        )
        if invited is not None:
            self.email.data = invited
            self.email.render_kw = {**self.email.render_kw, "readonly": True}
            self.email.flags.required = False
            self.email.description = _(
                "Your invitation was sent to this address, so it cannot be changed. It is not shown to anyone else."
            )
        elif current_app.config["ACTIVATION"] == "email" and delivers():
            self.email.description = _(
                "We will send an activation link to this address. It is not shown to anyone else."
            )
        else:
            self.email.description = _("We use this address to send you e-mail. It is not shown to anyone else.")
        terms = current_app.config["TERMS_URL"]
        if terms:
            self.accepts_terms.flags.required = True
            link = Markup('<a href="{}" target="_blank" rel="noopener">{}</a>')
            self.accepts_terms.description = link.format(terms, _("Read the terms of use (in a new window)"))
        else:
            del self.accepts_terms

    def seal_password(self) -> None:
        """Put the password, encrypted, into the field that the next page carries along."""
        self.sealed.data = encrypt(SEALED_PASSWORD, self.password.data or "")

    def _unseal_password(self) -> None:
        if self.sealed.data and not self.password.data:
            self.password.data = decrypt(SEALED_PASSWORD, self.sealed.data, SEALED_LIFETIME) or ""
            self.password.raw_data = [self.password.data]

    def show_problems(self, problems: list[Problem]) -> None:
        """Show `problems` at their fields, unless a field has an error of its own."""
        invalid = set(self.errors)
        for name, text in problems:
            if name not in invalid:
                show_at_field(self, DomainError(text), name)
