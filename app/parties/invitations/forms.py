"""Forms of invitations: one guest, a list of guests, contacts, and requests for a personal link."""

from typing import Any

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import EmailField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from app.accounts.form_fields import HONEYPOT, NOT_WRITABLE
from app.crud.fields import clean_line
from app.i18n import locales
from app.parties import models
from app.parties.invitations import import_list
from app.parties.invitations.import_list import MAX_NAME_LENGTH

FILTERS = [clean_line]
LANGUAGE = lazy_gettext("Language of the e-mail")
INVALID_EMAIL = lazy_gettext("Please enter a valid e-mail address.")


def email_error(text: str) -> str:
    """Return why an e-mail address is refused."""
    return str(INVALID_EMAIL if text.rpartition("@")[0].isascii() else NOT_WRITABLE)


def _normalize(field: EmailField) -> None:
    """Replace the address in a field by its normal form. Raises ValidationError if it is none."""
    email = import_list.normalize_email(field.data)
    if email is None:
        raise ValidationError(email_error(field.data))
    field.data = email


def _languages() -> list[tuple[str, str]]:
    return [(info.key, info.name) for info in locales.shipped()]


class EmailForm(FlaskForm):
    """A person with a name and an e-mail address. The address is normalised, so that it can be compared."""

    name = StringField(lazy_gettext("Name"), filters=FILTERS, validators=[Optional(), Length(max=MAX_NAME_LENGTH)])
    email = EmailField(lazy_gettext("E-mail address"), filters=FILTERS, validators=[DataRequired()])

    def validate_email(self, field: EmailField) -> None:
        _normalize(field)

    @property
    def entry(self) -> import_list.ImportEntry:
        """The person as an entry of a list."""
        return import_list.ImportEntry(self.email.data, self.name.data or "")


class AddressForm(FlaskForm):
    """Another address for an invitation that cannot be delivered. There may be several on a page."""

    email = EmailField(lazy_gettext("Correct e-mail address"), filters=FILTERS, validators=[DataRequired()])

    def __init__(self, invitation: models.Invitation, **arguments: Any) -> None:
        super().__init__(prefix=f"invitation-{invitation.id}-", **arguments)
        self.email.render_kw = {"autocomplete": "off"}

    def validate_email(self, field: EmailField) -> None:
        _normalize(field)


class InviteForm(EmailForm):
    """One guest to invite."""

    number = IntegerField(
        lazy_gettext("Maximum party size"),
        validators=[InputRequired(), NumberRange(1, models.MAX_SEATS)],
        description=lazy_gettext("The guest and their companions."),
    )
    locale = SelectField(LANGUAGE, choices=_languages)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The host types the name and address of somebody else: the browser must not offer the host's own.
        self.name.render_kw = self.email.render_kw = {"autocomplete": "off"}

    @property
    def entry(self) -> import_list.ImportEntry:
        """The guest, with the party size that the host allows."""
        return super().entry._replace(number=self.number.data)


class ListForm(FlaskForm):
    """Many guests to invite, as a file or as typed text."""

    file = FileField(
        lazy_gettext("File"),
        description=lazy_gettext(
            "From a spreadsheet, an address book or a ticket service: xlsx, ods, xls, CSV, vCard, LDIF or HTML. Up to "
            "1,000 people."
        ),
    )
    text = TextAreaField(
        lazy_gettext("Or paste a list"),
        description=lazy_gettext(
            "Names and e-mail addresses from an e-mail, a chat or a table. A number of seats is read from a column with "
            "a heading that says so, or from (2), x2 or +1 behind a name."
        ),
    )
    list_locale = SelectField(lazy_gettext("Language of the e-mails"), choices=_languages)


class ContactsForm(FlaskForm):
    """The language in which contacts are invited. The chosen contacts are checkboxes that the template draws."""

    contacts_locale = SelectField(lazy_gettext("Language of the e-mails"), choices=_languages)


class JoinForm(EmailForm):
    """A visitor asks for a personal link. Without a token, which would give every stranger a cookie: the view checks the origin."""

    class Meta:
        csrf = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name.label.text = lazy_gettext("Your name")
        self.email.description = lazy_gettext("We will send your personal link to this address.")
        self.name.render_kw, self.email.render_kw = {"autocomplete": "name"}, {"autocomplete": "email"}


class SeatsByEmailForm(JoinForm):
    """A visitor asks for seats at a public party by e-mail alone. `comment` is a honeypot, as of registrations."""

    party_size = IntegerField(
        lazy_gettext("How many are you?"), default=1, validators=[InputRequired(), NumberRange(1, models.MAX_SEATS)]
    )
    comment = StringField(lazy_gettext("Leave this empty"), filters=FILTERS, render_kw=HONEYPOT)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email.description = lazy_gettext(
            "We will write to this address. The seats are yours when you confirm there."
        )
