"""The form of e-mail preferences."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import RadioField

from app.accounts.email_preferences.rules import AT_ONCE, DAILY, NEVER
from app.accounts.profile.forms import LabelsField
from app.outbox.models import EmailTopic


class EmailPreferencesForm(FlaskForm):
    """The topics of optional e-mails. Required e-mails have no topic."""

    topics = LabelsField(
        lazy_gettext("Send me e-mails about"),
        values={topic: label for topic, label in EmailTopic.labels().items() if topic != EmailTopic.ANSWERS},
    )
    answers = RadioField(
        lazy_gettext("Tell me what guests answer to my own dinners"),
        choices=[
            (DAILY, lazy_gettext("Once a day, in the morning")),
            (AT_ONCE, lazy_gettext("At once")),
            (NEVER, lazy_gettext("Never")),
        ],
    )
