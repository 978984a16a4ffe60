"""The form of a new API key."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectField, StringField
from wtforms.validators import DataRequired, Length

from app.accounts.api_keys import service as api_key_service
from app.crud.fields import clean_line

LIFETIMES = {30: lazy_gettext("30 days"), 90: lazy_gettext("90 days"), 365: lazy_gettext("A year")}


class ApiKeyForm(FlaskForm):
    """Purpose, scope and lifetime of a key. `mark` identifies the form, so that submitting it twice creates one key."""

    name = StringField(
        lazy_gettext("Name"),
        filters=[clean_line],
        validators=[DataRequired(), Length(max=api_key_service.MAX_NAME_LENGTH)],
        description=lazy_gettext("What it is used for, so that you can recognise it later."),
        render_kw={"autocomplete": "off"},
    )
    scope = RadioField(
        lazy_gettext("Permissions"),
        choices=list(api_key_service.KeyScope.labels().items()),
        default=api_key_service.KeyScope.READ,
    )
    days = SelectField(
        lazy_gettext("Valid for"),
        choices=list(LIFETIMES.items()),
        coerce=int,
        default=api_key_service.DEFAULT_DAYS,
    )
    mark = HiddenField(validators=[Length(max=64)])
