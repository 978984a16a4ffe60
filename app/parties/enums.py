"""The enumerations of parties. They are stored in the database; each value has a translated label."""

from enum import StrEnum

from flask_babel import lazy_gettext

from app.enums import LabelledEnum


class Visibility(LabelledEnum):
    """Who may see a party."""

    PUBLIC = "public", lazy_gettext("Public")
    UNLISTED = "unlisted", lazy_gettext("By link only")
    PRIVATE = "private", lazy_gettext("Private")


class PartyStatus(LabelledEnum):
    """The status of a party."""

    DRAFT = "draft", lazy_gettext("Draft")
    PUBLISHED = "published", lazy_gettext("Published")
    CANCELLED = "cancelled", lazy_gettext("Cancelled")
    DONE = "done", lazy_gettext("Done")


# Parties that take place or took place. Guests can be checked in or marked as no-shows.
HELD = (PartyStatus.PUBLISHED, PartyStatus.DONE)


class SeriesFrequency(LabelledEnum):
    """How often the dates of a series are."""

    WEEKLY = "weekly", lazy_gettext("Every week, on the same weekday")
    MONTHLY = "monthly", lazy_gettext("Every month, on the same weekday of the month, such as the second Friday")
    MONTHLY_LAST = "monthly_last", lazy_gettext("Every month, on its last such weekday, such as the last Friday")


class RsvpStatus(LabelledEnum):
    """The status of an RSVP."""

    AWAITING_APPROVAL = "awaiting_approval", lazy_gettext("Waiting for the host")
    YES = "yes", lazy_gettext("Coming")
    NO = "no", lazy_gettext("Not coming")
    MAYBE = "maybe", lazy_gettext("Maybe")
    WAITLISTED = "waitlisted", lazy_gettext("On the waiting list")
    OFFERED = "offered", lazy_gettext("Seats offered")
    WITHDRAWN = "cancelled", lazy_gettext("Withdrawn")
    REMOVED = "removed", lazy_gettext("Removed by the host")
    CHECKED_IN = "checked_in", lazy_gettext("Has arrived")
    NO_SHOW = "no_show", lazy_gettext("No-show")


# RSVPs that hold seats. `seats_taken` counts their seats and those of open offers.
SEATED = (RsvpStatus.YES, RsvpStatus.CHECKED_IN)
# RSVPs on the waiting list, and those that left it because seats were offered to them.
QUEUED = (RsvpStatus.WAITLISTED, RsvpStatus.OFFERED)
# RSVPs that hold or may get seats, and can be withdrawn.
WITHDRAWABLE = (
    RsvpStatus.YES,
    RsvpStatus.OFFERED,
    RsvpStatus.WAITLISTED,
    RsvpStatus.AWAITING_APPROVAL,
    RsvpStatus.MAYBE,
)
# RSVPs whose guests are notified of changes and cancellations.
NOTIFIED = (*WITHDRAWABLE, RsvpStatus.CHECKED_IN)


class OfferState(LabelledEnum):
    """The state of an offer of seats."""

    PENDING = "pending", lazy_gettext("Open")
    CLAIMED = "claimed", lazy_gettext("Accepted")
    DECLINED = "declined", lazy_gettext("Declined")
    EXPIRED = "expired", lazy_gettext("Expired")
    REVOKED = "revoked", lazy_gettext("Revoked")


class WaitingListEventKind(StrEnum):
    """A step in the history of a waiting list. `FREED` concerns the party: seats became free."""

    JOINED = "joined"
    CHANGED = "changed"
    LEFT = "left"
    REMOVED = "removed"
    SEATED = "seated"
    FREED = "freed"
    OFFERED = "offered"
    SKIPPED = "skipped"
    CLAIMED = "claimed"
    DECLINED = "declined"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Course(LabelledEnum):
    """The courses, in the order in which they are served."""

    STARTER = "starter", lazy_gettext("Starter")
    MAIN = "main", lazy_gettext("Main course")
    SIDE = "side", lazy_gettext("Side dish")
    DESSERT = "dessert", lazy_gettext("Dessert")
    DRINK = "drink", lazy_gettext("Drinks")


class ReportReason(LabelledEnum):
    """The reason of a report."""

    SPAM = "spam", lazy_gettext("It is advertising")
    OFFENSIVE = "offensive", lazy_gettext("It insults or excludes people")
    FAKE = "fake", lazy_gettext("This dinner will not take place")
    DANGEROUS = "dangerous", lazy_gettext("It may be dangerous")
    OTHER = "other", lazy_gettext("Something else")


class ReportState(LabelledEnum):
    """What an administrator decided about a report."""

    OPEN = "open", lazy_gettext("Open")
    UPHELD = "upheld", lazy_gettext("Party hidden")
    DISMISSED = "dismissed", lazy_gettext("Dismissed")


class ReminderKind(LabelledEnum):
    """The moment a reminder is counted back from, and its recipients."""

    BEFORE_START = "start", lazy_gettext("Before the party, to guests who are coming")
    BEFORE_DEADLINE = (
        "deadline",
        lazy_gettext("Before the answer deadline, to people who have not answered"),
    )


class Audience(LabelledEnum):
    """Groups of guests a host can write to. Guests who declined or withdrew are in none."""

    COMING = "coming", lazy_gettext("Guests who are coming")
    MAYBE = "maybe", lazy_gettext("Guests who answered maybe")
    WAITING = "waiting", lazy_gettext("Guests on the waiting list")
    AWAITING_APPROVAL = "asking", lazy_gettext("Guests waiting for your approval")
    NOT_ANSWERED = "silent", lazy_gettext("Invited guests who have not answered")
