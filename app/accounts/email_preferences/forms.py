"""Which letters members want."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm

from app.accounts.profile.forms import LabelsField
from app.outbox.models import EmailTopic


class EmailPreferencesForm(FlaskForm):
    """The kinds of letters that a member wants; what has to be known is not asked about."""

    topics = LabelsField(lazy_gettext("Send me e-mails about"), values=EmailTopic.labels())
