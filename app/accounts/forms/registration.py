"""The form of people who register."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import EmailField, Field, HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, Email, InputRequired, Length, ValidationError

from app.accounts import rules
from app.accounts.forms.common import FILTERS, LONGEST_EMAIL, LONGEST_NAME


class RegistrationForm(FlaskForm):
    """Who wants to come in. `website` is invisible to people; what fills it in is not one."""

    username = StringField(
        lazy_gettext("Username"),
        filters=FILTERS,
        validators=[DataRequired()],
        description=lazy_gettext("3 to 20 letters, digits, dots, dashes or underscores. Others see it."),
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    email = EmailField(
        lazy_gettext("E-mail address"),
        filters=FILTERS,
        validators=[DataRequired(), Length(max=LONGEST_EMAIL), Email()],
        description=lazy_gettext("We send an activation link there. Nobody else sees it."),
        render_kw={"autocomplete": "email"},
    )
    first_name = StringField(
        lazy_gettext("First name"),
        filters=FILTERS,
        validators=[DataRequired(), Length(max=LONGEST_NAME)],
        render_kw={"autocomplete": "given-name"},
    )
    last_name = StringField(
        lazy_gettext("Last name"),
        filters=FILTERS,
        validators=[DataRequired(), Length(max=LONGEST_NAME)],
        render_kw={"autocomplete": "family-name"},
    )
    password = PasswordField(
        lazy_gettext("Password"),
        validators=[InputRequired()],
        description=lazy_gettext("At least 8 characters. A sentence is easier to remember and harder to guess."),
        render_kw={"autocomplete": "new-password"},
    )
    timezone = HiddenField(filters=FILTERS)
    website = StringField(filters=FILTERS)

    def validate_username(self, field: Field) -> None:
        """Refuse what cannot stand in an address, or would pass for the site."""
        if not rules.is_username(field.data or ""):
            raise ValidationError(
                lazy_gettext(
                    "Use 3 to 20 letters (a-z), digits, dots, dashes or underscores, with a letter or digit at both ends."
                )
            )
        if rules.is_forbidden_username(field.data):
            raise ValidationError(lazy_gettext("This username is already taken."))
