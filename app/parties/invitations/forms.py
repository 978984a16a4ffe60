"""Whom a host invites, and who asks for a link."""

from typing import Any

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import EmailField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from app.crud.fields import clean_line
from app.i18n import locales
from app.parties import models
from app.parties.invitations import import_list
from app.parties.invitations.import_list import MAX_NAME_LENGTH

LINE = [clean_line]
LANGUAGE = lazy_gettext("Language of the e-mail")
NO_ADDRESS = lazy_gettext("Please enter a valid e-mail address.")


def _languages() -> list[tuple[str, str]]:
    return [(info.key, info.name) for info in locales.shipped()]


class AddressForm(FlaskForm):
    """Somebody with an address. The address is kept in the way in which addresses are compared."""

    name = StringField(lazy_gettext("Name"), filters=LINE, validators=[Optional(), Length(max=MAX_NAME_LENGTH)])
    email = EmailField(lazy_gettext("E-mail address"), filters=LINE, validators=[DataRequired()])

    def validate_email(self, field: EmailField) -> None:
        """Refuse what no letter can be sent to."""
        address = import_list.address(field.data)
        if address is None:
            raise ValidationError(NO_ADDRESS)
        field.data = address

    @property
    def who(self) -> import_list.ImportEntry:
        """Return whom the form is about."""
        return import_list.ImportEntry(self.email.data, self.name.data or "")


class InviteForm(AddressForm):
    """One person to invite."""

    number = IntegerField(
        lazy_gettext("Maximum party size"),
        validators=[InputRequired(), NumberRange(1, models.MAX_SEATS)],
        description=lazy_gettext("The guest and their companions."),
    )
    locale = SelectField(LANGUAGE, choices=_languages)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Two forms of the page ask for an address and a name of others.
        self.name.render_kw = self.email.render_kw = {"autocomplete": "off"}

    @property
    def who(self) -> import_list.ImportEntry:
        """Return whom to invite, and with how many."""
        return super().who._replace(number=self.number.data)


class ListForm(FlaskForm):
    """Many people to invite: a file, or lines that were typed or copied."""

    file = FileField(
        lazy_gettext("File"),
        description=lazy_gettext("A CSV file exported from a spreadsheet or address book. Up to 1,000 lines."),
    )
    text = TextAreaField(
        lazy_gettext("Or one person on each line"),
        description=lazy_gettext(
            "Name, e-mail address and maximum party size, in any order. Only the e-mail address is required."
        ),
    )
    list_locale = SelectField(lazy_gettext("Language of the e-mails"), choices=_languages)


class ContactsForm(FlaskForm):
    """In which language those of an address book are invited; who was chosen is a number each."""

    contacts_locale = SelectField(lazy_gettext("Language of the e-mails"), choices=_languages)


class JoinForm(AddressForm):
    """Somebody who came by the share link, and wants a link of their own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name.label.text = lazy_gettext("Your name")
        self.email.description = lazy_gettext("We will send your personal link to this address.")
        self.name.render_kw, self.email.render_kw = {"autocomplete": "name"}, {"autocomplete": "email"}
