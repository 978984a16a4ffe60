"""Members, parties, RSVPs and e-mails for tests, with traits for their states.

Each call commits in its own app context and returns a detached row with loaded columns; read its changes to other
rows (the seats of a party) with `records.fresh`. Inside an app context it uses the session of that context,
and the caller commits.
"""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

import factory
from argon2 import PasswordHasher
from factory.alchemy import SQLAlchemyModelFactory
from flask import Flask, has_app_context
from flask_appbuilder.security.sqla.models import ApiKey, Group, Role
from sqlalchemy import inspect, select, update

from app import clock
from app.accounts import rules
from app.accounts.models import ADMIN, GUEST, TRANSLATOR, DirectoryPerson, Member, MemberInvitation, Registration
from app.dashboards.enums import MemberRole
from app.dashboards.models import Dashboard, DashboardMember, DashboardVersion
from app.database import transaction
from app.extensions import db
from app.inbound.models import InboundMessage
from app.jobs.models import Job
from app.outbox.models import EmailState, MailProblem, OutboxEmail, UnreachableAddress
from app.parties import secret_links
from app.parties.calendar.models import CalendarEntry, Method
from app.parties.enums import (
    SEATED,
    Course,
    PartyStatus,
    ReminderKind,
    ReportReason,
    RsvpStatus,
    SeriesFrequency,
    Visibility,
)
from app.parties.invitations.models import Contact
from app.parties.menu.models import MenuItem
from app.parties.messages.models import GuestMessage, Reminder
from app.parties.models import DinnerParty, Invitation, PartySeries, Rsvp
from app.parties.moderation.models import PartyReport
from app.parties.potluck.models import DishClaim, DishSlot
from app.parties.waiting_list.models import WaitOffer

PASSWORD = "a good dinner needs time"
PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


class RowFactory(SQLAlchemyModelFactory):
    """Stores its rows in the database of `app`, which is that of the running test."""

    app: ClassVar[Flask]

    class Meta:
        abstract = True
        sqlalchemy_session = db.session
        sqlalchemy_session_persistence = "flush"

    @classmethod
    def _generate(cls, strategy: str, params: dict[str, Any]) -> Any:
        with _stored():
            return super()._generate(strategy, {name: _here(value) for name, value in params.items()})


@contextlib.contextmanager
def _stored() -> Iterator[None]:
    if has_app_context():
        yield
        return
    with RowFactory.app.app_context(), transaction():
        yield


def _here(value: Any) -> Any:
    """Return a row that another session read as a row of this one."""
    state = inspect(value, raiseerr=False)
    return db.session.merge(value, load=False) if state is not None and getattr(state, "detached", False) else value


def _roles(name: str) -> list[Role]:
    return list(db.session.scalars(select(Role).where(Role.name == name)))


class MemberFactory(RowFactory):
    """A guest, unless a trait says otherwise."""

    class Meta:
        model = Member

    class Params:
        admin = factory.Trait(roles=factory.LazyFunction(partial(_roles, ADMIN)))
        translator = factory.Trait(roles=factory.LazyFunction(partial(_roles, TRANSLATOR)))
        inactive = factory.Trait(active=False)

    username = factory.Sequence("member{}".format)
    first_name = factory.LazyAttribute(lambda member: member.username.capitalize())
    last_name = "Doe"
    email = factory.LazyAttribute(lambda member: f"{member.username}@example.com")
    password = PASSWORD_HASH
    active = True
    locale = "en"
    timezone = "UTC"
    joined_at = factory.LazyFunction(clock.now)
    roles = factory.LazyFunction(partial(_roles, GUEST))


class DirectoryPersonFactory(RowFactory):
    """A person of the directory, and the member who is theirs."""

    class Meta:
        model = DirectoryPerson

    class Params:
        person = factory.SubFactory(MemberFactory)

    member_id = factory.LazyAttribute(lambda row: row.person.id)
    unique_id = factory.Sequence("entryuuid:{}".format)
    username = factory.LazyAttribute(lambda row: row.person.username)
    email = factory.LazyAttribute(lambda row: row.person.email)


class GroupFactory(RowFactory):
    """A group without roles."""

    class Meta:
        model = Group

    name = factory.Sequence("group{}".format)
    label = "Cooks"


class ApiKeyFactory(RowFactory):
    """A read-only key with an unknown secret."""

    class Meta:
        model = ApiKey

    class Params:
        member = factory.SubFactory(MemberFactory)

    # Flask-AppBuilder's key belongs to its own class of users.
    user_id = factory.LazyAttribute(lambda key: key.member.id)
    name = factory.Sequence("Program number {}".format)
    key_hash = factory.Sequence("hash{}".format)
    lookup_hash = factory.SelfAttribute("key_hash")
    key_prefix = "dinner_abcd"
    scopes = "read"
    created_on = factory.LazyFunction(lambda: clock.now().replace(tzinfo=None))
    expires_on = factory.LazyFunction(lambda: (clock.now() + timedelta(days=30)).replace(tzinfo=None))


class RegistrationFactory(RowFactory):
    """A registration that is not activated; `token` on the row is that of its link."""

    class Meta:
        model = Registration

    class Params:
        expired = factory.Trait(expires_at=factory.LazyFunction(lambda: clock.now() - timedelta(seconds=1)))
        activated = factory.Trait(activated_at=factory.LazyFunction(clock.now), password=None)

    username = factory.Sequence("newcomer{}".format)
    first_name = factory.LazyAttribute(lambda registration: registration.username.capitalize())
    last_name = "Doe"
    email = factory.LazyAttribute(lambda registration: f"{registration.username}@example.com")
    password = PASSWORD_HASH
    registration_date = factory.LazyFunction(lambda: clock.now().replace(tzinfo=None))
    locale = "en"
    timezone = "UTC"
    expires_at = factory.LazyFunction(lambda: clock.now() + rules.REGISTRATION_LIFETIME)
    sent_count = 1
    last_sent_at = factory.LazyFunction(clock.now)
    token = factory.LazyFunction(rules.new_token)

    @classmethod
    def _create(cls, model_class: type[Registration], *args: Any, token: str, **columns: Any) -> Any:
        registration = super()._create(model_class, *args, registration_hash=rules.token_hash(token), **columns)
        registration.token = token
        return registration


class MemberInvitationFactory(RowFactory):
    """An invitation to register; `token` on the row is that of its link."""

    class Meta:
        model = MemberInvitation

    class Params:
        expired = factory.Trait(expires_at=factory.LazyFunction(lambda: clock.now() - timedelta(seconds=1)))
        used = factory.Trait(used_at=factory.LazyFunction(clock.now))

    email = factory.Sequence("invited{}@example.com".format)
    locale = "en"
    expires_at = factory.LazyFunction(lambda: clock.now() + rules.INVITATION_LIFETIME)
    sent_count = 1
    token = factory.LazyFunction(rules.new_token)

    @classmethod
    def _create(cls, model_class: type[MemberInvitation], *args: Any, token: str, **columns: Any) -> Any:
        invitation = super()._create(model_class, *args, token_hash=rules.token_hash(token), **columns)
        invitation.token = token
        return invitation


class DinnerPartyFactory(RowFactory):
    """A published public party of eight in a week, whose host holds a seat."""

    class Meta:
        model = DinnerParty

    class Params:
        past = factory.Trait(starts_at=factory.LazyFunction(lambda: clock.now() - timedelta(days=7)))
        small = factory.Trait(number_seats=2)
        draft = factory.Trait(status=PartyStatus.DRAFT)
        cancelled = factory.Trait(status=PartyStatus.CANCELLED)
        private = factory.Trait(visibility=Visibility.PRIVATE)
        unlisted = factory.Trait(visibility=Visibility.UNLISTED)

    title = factory.Sequence("Dinner number {}".format)
    slug = factory.Sequence("dinner-number-{}".format)
    host = factory.SubFactory(MemberFactory)
    starts_at = factory.LazyFunction(lambda: clock.now() + timedelta(days=7))
    timezone = "UTC"
    venue = "The long table"
    area = "Old town"
    address = "1 Market Street"
    # As its host has chosen. That only guests who come see the address is the default of the form and the APIs.
    address_for_guests = False
    main_dish = "Couscous"
    description = "Bring nothing but time."
    number_seats = 8
    status = PartyStatus.PUBLISHED

    @factory.post_generation
    def _host_seat(self, create: bool, _value: Any, **_: Any) -> None:  # noqa: FBT001 - factory_boy's signature
        if create:
            RsvpFactory(party=self, member=self.host)

    @factory.post_generation
    def full(self, create: bool, wanted: Any, **_: Any) -> None:  # noqa: FBT001
        """Fill the free seats with guests if full=True."""
        if create and wanted:
            RsvpFactory.create_batch(self.seats_free, party=self)


class PartySeriesFactory(RowFactory):
    """A weekly series with one date, `first`."""

    class Meta:
        model = PartySeries
        exclude = ("first",)

    first = factory.SubFactory(DinnerPartyFactory)
    id = factory.LazyAttribute(lambda series: series.first.id)
    title = factory.LazyAttribute(lambda series: series.first.title)
    host_id = factory.LazyAttribute(lambda series: series.first.host_id)
    frequency = SeriesFrequency.WEEKLY

    @factory.post_generation
    def _date(self, create: bool, _value: Any, **_: Any) -> None:  # noqa: FBT001
        if create:
            db.session.execute(update(DinnerParty).where(DinnerParty.id == self.id).values(series_id=self.id))


class RsvpFactory(RowFactory):
    """A confirmed RSVP of a member; it is counted in the party's seats."""

    class Meta:
        model = Rsvp

    class Params:
        waiting = factory.Trait(status=RsvpStatus.WAITLISTED, waitlisted_at=factory.LazyFunction(clock.now))
        declined = factory.Trait(status=RsvpStatus.NO)
        maybe = factory.Trait(status=RsvpStatus.MAYBE)
        asking = factory.Trait(status=RsvpStatus.AWAITING_APPROVAL)
        here = factory.Trait(status=RsvpStatus.CHECKED_IN, checked_in_at=factory.LazyFunction(clock.now))

    party = factory.SubFactory(DinnerPartyFactory)
    member = factory.SubFactory(MemberFactory)
    email = factory.LazyAttribute(lambda answer: answer.member.email)
    name = factory.LazyAttribute(lambda answer: answer.member.display_name)
    party_size = 1
    status = RsvpStatus.YES
    locale = factory.LazyAttribute(lambda answer: answer.member.locale)
    timezone = factory.LazyAttribute(lambda answer: answer.member.timezone)
    answered_at = factory.LazyFunction(clock.now)

    @factory.post_generation
    def _take_seats(self, create: bool, _value: Any, **_: Any) -> None:  # noqa: FBT001
        if create and self.status in SEATED:
            taken = update(DinnerParty).where(DinnerParty.id == self.party.id)
            db.session.execute(taken.values(seats_taken=DinnerParty.seats_taken + self.party_size))
            db.session.refresh(self.party, ["seats_taken"])


class InvitationFactory(RowFactory):
    """An invitation of a person without an account; `token` on the row is that of its link."""

    class Meta:
        model = Invitation

    class Params:
        revoked = factory.Trait(revoked_at=factory.LazyFunction(clock.now))

    party = factory.SubFactory(DinnerPartyFactory)
    email = factory.Sequence("invitee{}@example.org".format)
    name = "Iris Invited"
    locale = "en"
    max_party = 2
    sent_at = factory.LazyFunction(clock.now)

    @classmethod
    def _create(cls, model_class: type[Invitation], *args: Any, **columns: Any) -> Any:
        invitation = super()._create(model_class, *args, **columns)
        token = secret_links.personal_token(invitation)
        db.session.flush()
        db.session.refresh(invitation)
        invitation.token = token
        return invitation


class CalendarEntryFactory(RowFactory):
    """The calendar behind an e-mail address was sent the party as it is."""

    class Meta:
        model = CalendarEntry

    party_id = factory.LazyAttribute(lambda _entry: DinnerPartyFactory().id)
    email = factory.Sequence("invitee{}@example.org".format)
    method = Method.REQUEST
    sequence = party_sequence = current_from = 0


class WaitOfferFactory(RowFactory):
    """Seats offered to a waiting member; they are counted in the party's seats."""

    class Meta:
        model = WaitOffer

    class Params:
        lapsed = factory.Trait(expires_at=factory.LazyFunction(lambda: clock.now() - timedelta(seconds=1)))

    party = factory.SubFactory(DinnerPartyFactory)
    rsvp = factory.SubFactory(
        RsvpFactory,
        party=factory.SelfAttribute("..party"),
        status=RsvpStatus.OFFERED,
        waitlisted_at=factory.LazyFunction(clock.now),
    )
    seats = 1
    expires_at = factory.LazyFunction(lambda: clock.now() + timedelta(hours=1))

    @factory.post_generation
    def _take_seats(self, create: bool, _value: Any, **_: Any) -> None:  # noqa: FBT001
        if create:
            taken = update(DinnerParty).where(DinnerParty.id == self.party.id)
            db.session.execute(taken.values(seats_taken=DinnerParty.seats_taken + self.seats))
            db.session.refresh(self.party, ["seats_taken"])


class ContactFactory(RowFactory):
    """A contact in a member's address book."""

    class Meta:
        model = Contact

    owner = factory.SubFactory(MemberFactory)
    email = factory.Sequence("contact{}@example.org".format)
    name = "Carl Contact"


class MenuItemFactory(RowFactory):
    """A dish on the menu."""

    class Meta:
        model = MenuItem

    party = factory.SubFactory(DinnerPartyFactory)
    course = Course.MAIN
    name = factory.Sequence("Dish number {}".format)


class DashboardFactory(RowFactory):
    """A dashboard of a member, without modules and without a history."""

    class Meta:
        model = Dashboard

    owner = factory.SubFactory(MemberFactory)
    slug = factory.Sequence("dashboard-{}".format)
    name = factory.Sequence("Dashboard number {}".format)
    configuration = factory.LazyFunction(lambda: {"version": 1, "layout": "grid", "modules": []})


class DashboardMemberFactory(RowFactory):
    """Somebody with whom a dashboard is shared."""

    class Meta:
        model = DashboardMember

    dashboard = factory.SubFactory(DashboardFactory)
    member = factory.SubFactory(MemberFactory)
    role = MemberRole.VIEWER


class DashboardVersionFactory(RowFactory):
    """An entry in the history of a dashboard."""

    class Meta:
        model = DashboardVersion

    dashboard = factory.SubFactory(DashboardFactory)
    author = factory.SelfAttribute("dashboard.owner")
    number = 1
    name = "As it was"
    configuration = factory.LazyFunction(lambda: {"version": 1, "layout": "grid", "modules": []})


class DishSlotFactory(RowFactory):
    """A requested dish."""

    class Meta:
        model = DishSlot

    party = factory.SubFactory(DinnerPartyFactory)
    course = Course.MAIN
    name = factory.Sequence("Asked-for dish {}".format)
    wanted = 3


class DishClaimFactory(RowFactory):
    """A claim of a guest; it is counted in the requested dish."""

    class Meta:
        model = DishClaim

    slot = factory.SubFactory(DishSlotFactory)
    rsvp = factory.SubFactory(RsvpFactory, party=factory.SelfAttribute("..slot.party"))
    dish = "Lemon tart"
    quantity = 1

    @factory.post_generation
    def _count(self, create: bool, _value: Any, **_: Any) -> None:  # noqa: FBT001
        if create:
            taken = update(DishSlot).where(DishSlot.id == self.slot.id)
            db.session.execute(taken.values(claimed=DishSlot.claimed + self.quantity))
            db.session.refresh(self.slot, ["claimed"])


class ReminderFactory(RowFactory):
    """A reminder a day before the party."""

    class Meta:
        model = Reminder

    party = factory.SubFactory(DinnerPartyFactory)
    kind = ReminderKind.BEFORE_START
    hours_before = 24


class GuestMessageFactory(RowFactory):
    """A message of a host to confirmed guests."""

    class Meta:
        model = GuestMessage

    party = factory.SubFactory(DinnerPartyFactory)
    author = factory.LazyAttribute(lambda message: message.party.host)
    subject = factory.Sequence("Subject number {}".format)
    text = "Bring your own chair."
    statuses = factory.LazyFunction(lambda: ["coming"])
    recipients = 1
    mark = factory.Sequence("mark {}".format)


class PartyReportFactory(RowFactory):
    """A report about a party by a visitor."""

    class Meta:
        model = PartyReport

    party = factory.SubFactory(DinnerPartyFactory)
    reason = ReportReason.SPAM
    note = "It sells kitchens."


class InboundMessageFactory(RowFactory):
    """A message that was kept for administrators."""

    class Meta:
        model = InboundMessage

    digest = factory.Sequence("{:064d}".format)
    recipient = "dinner@dinner.example.org"
    sender = "Rosa <rosa@example.org>"
    subject = factory.Sequence("Message number {}".format)
    text = "Hello"
    size = 100


class JobFactory(RowFactory):
    """A job that is due."""

    class Meta:
        model = Job

    name = factory.Sequence("job-{}".format)


class UnreachableAddressFactory(RowFactory):
    """An address that refused an e-mail."""

    class Meta:
        model = UnreachableAddress

    email = factory.Sequence("nobody{}@example.com".format)
    problem = MailProblem.NO_MAILBOX
    reason = "550 5.1.1 no such mailbox"


class OutboxEmailFactory(RowFactory):
    """An e-mail in the outbox that is due."""

    class Meta:
        model = OutboxEmail

    class Params:
        sent = factory.Trait(state=EmailState.SENT, attempts=1, sent_at=factory.LazyFunction(clock.now))
        failed = factory.Trait(state=EmailState.FAILED, attempts=9, last_error="550 no such mailbox")
        sending = factory.Trait(
            state=EmailState.SENDING,
            attempts=1,
            lease_owner="somebody",
            leased_until=factory.LazyFunction(lambda: clock.now() + timedelta(minutes=5)),
        )

    recipient = factory.Sequence("reader{}@example.com".format)
    name = "Rita Reader"
    kind = "welcome"
    locale = "en"
    timezone = "UTC"
    subject = factory.Sequence("E-mail number {}".format)
    text = "Hello"
    html = "<p>Hello</p>"
    dedupe_key = factory.Sequence("email:{}".format)
    message_id = factory.Sequence("<email-{}@example.com>".format)
