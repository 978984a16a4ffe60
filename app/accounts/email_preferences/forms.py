"""The form of e-mail preferences."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm

from app.accounts.profile.forms import LabelsField
from app.outbox.models import EmailTopic


class EmailPreferencesForm(FlaskForm):
    """The topics of optional e-mails. Required e-mails have no topic."""

    topics = LabelsField(lazy_gettext("Send me e-mails about"), values=EmailTopic.labels())
