"""E-mails in the outbox, and who unsubscribed from which topic."""

from datetime import datetime

from flask_babel import lazy_gettext
from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.address_key import duplicate_column, keep_keys, key_column
from app.database import UTCDateTime
from app.enums import EnumString, LabelledEnum
from app.extensions import Model
from app.search_key import WORDS, index_words

# The placeholder of the secret in texts and URLs. It is replaced when the e-mail is sent.
SECRET = "__secret__"  # noqa: S105
# The placeholder of the token in the unsubscribe link.
UNSUBSCRIBE = "__unsubscribe__"


class EmailTopic(LabelledEnum):
    """What a recipient can unsubscribe from. Required e-mails have no topic."""

    INVITATIONS = "invitations", lazy_gettext("invitations to dinners, and reminders to answer them")
    MESSAGES = "messages", lazy_gettext("messages from hosts to their guests")
    REMINDERS = "reminders", lazy_gettext("reminders of upcoming dinners")
    ANSWERS = "answers", lazy_gettext("answers of guests to your own dinners")
    DASHBOARDS = "dashboards", lazy_gettext("dashboards that you have chosen, each week")


class EmailState(LabelledEnum):
    """The state of delivery. A deferred e-mail is queued again, with a later `not_before`."""

    QUEUED = "queued", lazy_gettext("Waiting")
    SENDING = "sending", lazy_gettext("Being sent")
    SENT = "sent", lazy_gettext("Sent")
    FAILED = "failed", lazy_gettext("Failed")


class MailProblem(LabelledEnum):
    """Why an address cannot be reached, by the class of its enhanced status code (RFC 3463)."""

    NO_MAILBOX = "no_mailbox", lazy_gettext("There is no such mailbox.")
    NO_DOMAIN = "no_domain", lazy_gettext("What follows the @ does not receive e-mail.")
    CLOSED = "closed", lazy_gettext("The mailbox is closed.")
    FULL = "full", lazy_gettext("The mailbox is full.")
    REFUSED = "refused", lazy_gettext("The mail server refused our e-mail.")


class OutboxEmail(Model):
    """An e-mail to one recipient. The table is the queue of the worker."""

    __tablename__ = "letter"

    id: Mapped[int] = mapped_column(primary_key=True)
    recipient: Mapped[str] = mapped_column(String(320))
    recipient_key: Mapped[str] = key_column("recipient")
    name: Mapped[str] = mapped_column(String(130), default="", info=WORDS)
    kind: Mapped[str] = mapped_column(String(40))
    locale: Mapped[str] = mapped_column(String(16))
    timezone: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(255), info=WORDS)
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    # An iCalendar object (RFC 5545) that is attached (RFC 6047).
    calendar: Mapped[str | None] = mapped_column(Text)
    topic: Mapped[EmailTopic | None] = mapped_column(EnumString(EmailTopic, 16))
    # Where replies go, if not to the site.
    reply_to: Mapped[str | None] = mapped_column(String(320))
    # The token in a link. It is stored apart from the text and erased when the e-mail is sent.
    secret: Mapped[str | None] = mapped_column(String(128))
    dedupe_key: Mapped[str] = mapped_column(String(200), unique=True)
    message_id: Mapped[str] = mapped_column(String(255))
    state: Mapped[EmailState] = mapped_column(EnumString(EmailState, 16), default=EmailState.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    # How often a process ended while it was sending this.
    crashes: Mapped[int] = mapped_column(default=0)
    # Smaller numbers are sent first; e-mails about security have 0.
    priority: Mapped[int] = mapped_column(default=5)
    not_before: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    leased_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_error: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        CheckConstraint("state IN ('queued', 'sending', 'sent', 'failed')", name="state"),
        Index("ix_letter_state_priority_not_before_id", "state", "priority", "not_before", "id"),
        Index("ix_letter_created_at_id", "created_at", "id"),
        Index("ix_letter_kind", "kind"),
        Index("ix_letter_state_created_at_id", "state", "created_at", "id"),
    )

    @property
    def content(self) -> tuple[str, str | None]:
        """The text with its placeholder, and the secret unless it is erased."""
        return self.text, self.secret

    @property
    def secret_is_gone(self) -> bool:
        """Whether this cannot be sent again, because its link would lack the token."""
        return self.secret is None and SECRET in self.text

    def __repr__(self) -> str:
        return self.subject


class EmailPicture(Model):
    """A PNG that the HTML of an e-mail shows."""

    __tablename__ = "letter_picture"

    id: Mapped[int] = mapped_column(primary_key=True)
    email_id: Mapped[int] = mapped_column(ForeignKey("letter.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(40))
    content: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (UniqueConstraint("email_id", "name"),)

    def __repr__(self) -> str:
        return self.name


class Unsubscription(Model):
    """An address that unsubscribed from a topic."""

    __tablename__ = "unsubscription"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = key_column("email")
    duplicate: Mapped[int] = duplicate_column()
    topic: Mapped[EmailTopic] = mapped_column(EnumString(EmailTopic, 16))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    def __repr__(self) -> str:
        return self.email


class UnreachableAddress(Model):
    """An address, by its key, that refused an e-mail, and how often it did."""

    __tablename__ = "unreachable_address"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    problem: Mapped[MailProblem] = mapped_column(EnumString(MailProblem, 16))
    # What the mail server said.
    reason: Mapped[str] = mapped_column(String(500), default="")
    # Its server accepted the e-mail first, and reported the failure later.
    is_reported: Mapped[bool] = mapped_column(default=False)
    refusals: Mapped[int] = mapped_column(default=1)
    first_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    last_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    __table_args__ = (
        Index("ix_unreachable_address_last_at_id", "last_at", "id"),
        CheckConstraint("problem IN ('no_mailbox', 'no_domain', 'closed', 'full', 'refused')", name="problem"),
    )

    def __repr__(self) -> str:
        return self.email


keep_keys(OutboxEmail, "recipient")
keep_keys(Unsubscription, "email")
Index(
    "uq_unsubscription_topic_email_key",
    Unsubscription.topic,
    Unsubscription.email_key,
    Unsubscription.duplicate,
    unique=True,
)
index_words(OutboxEmail.__table__.c.recipient, OutboxEmail.__table__.c.name, OutboxEmail.__table__.c.subject)
# For the limit of e-mails a day that visitors can have sent to an address.
Index("ix_letter_recipient_key_created_at", OutboxEmail.recipient_key, OutboxEmail.created_at)
