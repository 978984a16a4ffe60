"""The form for a new link."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import SelectField

# In days.
LIFETIMES = {
    "7": lazy_gettext("One week"),
    "30": lazy_gettext("One month"),
    "90": lazy_gettext("Three months"),
    "365": lazy_gettext("One year"),
}


class LinkForm(FlaskForm):
    """How long a new link is valid."""

    days = SelectField(lazy_gettext("Valid for"), choices=list(LIFETIMES.items()), default="30")
