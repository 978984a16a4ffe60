"""The form of a profile, and a field of labelled checkboxes."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app import food
from app.accounts.form_fields import MAX_NAME_LENGTH
from app.accounts.models import PICTURE
from app.crud.fields import ChoiceField, TimezoneField, clean_line
from app.crud.upload_field import UploadField
from app.i18n import selectors


class LabelsField(SelectMultipleField):
    """Labelled values as checkboxes. `data` holds the chosen ones in the order of the labels, each once."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()
    data: list[str]

    def __init__(self, *args: Any, values: Mapping[str, object], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.choices = lambda: [(value, str(label)) for value, label in values.items()]
        self._order = [*values]

    def post_validate(self, form: FlaskForm, validation_stopped: bool) -> None:  # noqa: ARG002, FBT001 - WTForms' signature
        """Put the chosen values in order."""
        chosen = set(self.data or ())
        self.data = [value for value in self._order if value in chosen]


class ProfileForm(FlaskForm):
    """The profile of a member."""

    first_name = StringField(
        lazy_gettext("First name"),
        filters=[clean_line],
        validators=[DataRequired(), Length(max=MAX_NAME_LENGTH)],
        render_kw={"autocomplete": "given-name"},
    )
    last_name = StringField(
        lazy_gettext("Last name"),
        filters=[clean_line],
        # Some people have one name.
        validators=[Length(max=MAX_NAME_LENGTH)],
        render_kw={"autocomplete": "family-name"},
    )
    picture = UploadField(
        lazy_gettext("Picture"),
        image=PICTURE,
        description=lazy_gettext(
            "A JPEG, PNG, GIF or WebP file of up to 5 MB. Those who see your name see it, too: on your page, at your "
            "parties and on guest lists."
        ),
        validators=[Optional()],
    )
    locale = ChoiceField(
        lazy_gettext("Language"),
        values=selectors.OfferedLanguages(),
        description=lazy_gettext("This site and our e-mails are shown in this language."),
    )
    timezone = TimezoneField(
        lazy_gettext("Time zone"),
        required=True,
        description=lazy_gettext("Enter a city to find it, for example Europe/Madrid."),
    )
    hour_cycle = ChoiceField(
        lazy_gettext("Clock"),
        values={
            "": lazy_gettext("As usual in this language"),
            "h23": lazy_gettext("24 hours, for example 19:00"),
            "h12": lazy_gettext("12 hours, for example 7:00 p.m."),
        },
    )
    diets = LabelsField(
        lazy_gettext("Your diet"),
        values=food.DIETS,
        description=lazy_gettext("Hosts of the parties you attend can see it. It is not shown to anyone else."),
    )
    allergens = LabelsField(lazy_gettext("What you cannot eat"), values=food.ALLERGENS)
