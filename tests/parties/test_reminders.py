"""Reminders: when they are due, who gets them, and the button that reminds at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from app import clock
from app.database import transaction
from app.outbox import unsubscribe
from app.outbox.models import SECRET, EmailTopic, OutboxEmail
from app.parties.enums import ReminderKind
from app.parties.messages import reminders
from app.parties.messages import rules as message_rules
from app.parties.messages.models import Reminder
from app.parties.messages.rules import ReminderState
from app.parties.models import DinnerParty, Invitation
from app.parties.potluck.models import DishClaim, DishSlot
from app.scheduler import Scheduler
from tests.parties.api_client import ApiClient
from tests.parties.test_hosting import create_party
from tests.support.factories import DinnerPartyFactory, InvitationFactory, MemberFactory, ReminderFactory, RsvpFactory

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALREADY = [("warning", "Already reminded in the last 24 hours.")]


@pytest.fixture(autouse=True)
def noon():
    clock.set_now(NOON)


@pytest.fixture
def party(cast):
    """A party in 30 hours, with a deadline in 29."""
    return DinnerPartyFactory(
        host=cast.host,
        slug="garden",
        starts_at=NOON + 30 * HOUR,
        rsvp_deadline=NOON + 29 * HOUR,
        timezone="Europe/Madrid",
    )


@pytest.fixture
def sweep(app):
    """Send due reminders once; return the number of recipients."""

    def look():
        with app.app_context():
            return reminders.send_due()

    return look


@pytest.fixture
def change(app):
    """Change a party in the database directly."""

    def store(party, **values):
        with app.app_context(), transaction() as session:
            session.execute(update(DinnerParty).where(DinnerParty.id == party.id).values(**values))

    return store


def later(**duration):
    clock.set_now(clock.now() + timedelta(**duration))


def invited(party, **columns):
    """Store an invitation of a person without an account."""
    return InvitationFactory(party=party, invited_by=party.host, **columns)


def emails(records):
    """Return the e-mails with reminders, without those about new devices."""
    return [letter for letter in records.all(OutboxEmail) if letter.kind.startswith("reminder_")]


def recipients(records):
    return sorted(letter.recipient.partition("@")[0] for letter in emails(records))


def of(records, party):
    found = records.all(select(Reminder).where(Reminder.party_id == party.id).order_by(Reminder.id))
    return [(row.kind, row.hours_before) for row in found]


# -- when


@pytest.mark.parametrize(
    ("hours_left", "sent_hours_left", "state"),
    [
        (25, None, ReminderState.TO_COME),
        (24, None, ReminderState.DUE),
        (12.01, None, ReminderState.DUE),
        (12, None, ReminderState.MISSED),
        (20, 24, ReminderState.SENT),
        # Sent, then the party was moved: the sent one was for another date.
        (24, 25, ReminderState.DUE),
        (30, 31, ReminderState.TO_COME),
        # Sent, then the party was moved earlier.
        (2, 23, ReminderState.SENT),
    ],
)
def test_a_reminder_can_be_sent_until_half_of_its_hours_are_over(hours_left, sent_hours_left, state):
    start = NOON + hours_left * HOUR
    sent_at = start - sent_hours_left * HOUR if sent_hours_left is not None else None
    assert (
        message_rules.reminder_state(
            message_rules.send_window(ReminderKind.BEFORE_START, 24, start, None), sent_at, NOON
        )
        is state
    )


def test_a_deadline_reminder_needs_a_deadline_and_counts_from_the_start_if_earlier():
    start = NOON + 10 * HOUR
    assert (
        message_rules.reminder_state(
            message_rules.send_window(ReminderKind.BEFORE_DEADLINE, 24, start, None), None, NOON
        )
        is ReminderState.NEVER
    )
    assert message_rules.send_window(ReminderKind.BEFORE_DEADLINE, 2, start, start + HOUR).due == NOON + 8 * HOUR


# -- automatic reminders


@pytest.mark.both_databases
def test_confirmed_guests_are_reminded_once_when_it_is_due(party, sweep, records):
    reminder = ReminderFactory(party=party)
    RsvpFactory(party=party, member=MemberFactory(username="comes"))
    RsvpFactory(party=party, member=MemberFactory(username="perhaps"), maybe=True)
    RsvpFactory(party=party, member=MemberFactory(username="waits"), waiting=True)
    RsvpFactory(party=party, member=MemberFactory(username="refused"), declined=True)
    invited(party)
    assert sweep() == 0
    later(hours=6)
    assert [sweep(), sweep()] == [1, 0]
    assert recipients(records) == ["comes"]
    assert records.fresh(reminder).sent_at == clock.now()
    letter = records.one(OutboxEmail)
    assert (letter.kind, letter.topic, letter.expires_at) == ("reminder_start", EmailTopic.REMINDERS, party.starts_at)


@pytest.mark.both_databases
def test_invited_people_without_an_rsvp_are_reminded_before_the_deadline(party, sweep, records, visitor):
    ReminderFactory(party=party, kind=ReminderKind.BEFORE_DEADLINE)
    long_ago = NOON - timedelta(days=3)
    silent = invited(party, email="silent@example.org", sent_at=long_ago)
    invited(party, email="just-invited@example.org", sent_at=NOON)
    invited(party, email="just-reminded@example.org", sent_at=long_ago, reminded_at=NOON)
    invited(party, email="gone@example.org", sent_at=long_ago, revoked=True)
    answered = invited(party, email="ANSWERED@example.com", sent_at=long_ago)
    RsvpFactory(party=party, member=MemberFactory(username="answered"))
    RsvpFactory(
        party=party,
        member=MemberFactory(username="by-link"),
        invitation_id=invited(party, email="other@example.org", sent_at=long_ago).id,
    )
    RsvpFactory(party=party, member=MemberFactory(username="perhaps"), maybe=True)
    later(hours=5)
    assert [sweep(), sweep()] == [2, 0]
    assert recipients(records) == ["perhaps", "silent"]
    assert records.fresh(silent).reminded_at == clock.now()
    assert records.fresh(answered).reminded_at is None
    maybe, asked = sorted(records.all(OutboxEmail), key=lambda letter: letter.recipient)
    assert maybe.secret is None
    assert "You answered maybe" in maybe.text
    assert f"/invitations/{SECRET}" in asked.text
    assert asked.secret == silent.token
    assert {maybe.topic, asked.topic} == {EmailTopic.INVITATIONS}


def test_the_email_has_time_place_and_claims_in_the_recipients_language(app, party, sweep, records):
    ReminderFactory(party=party)
    comes = RsvpFactory(party=party, member=MemberFactory(username="en", timezone="America/Lima"), party_size=2)
    RsvpFactory(party=party, member=MemberFactory(username="es", locale="es"))
    RsvpFactory(party=party, member=MemberFactory(username="ar", locale="ar"))
    with app.app_context(), transaction() as session:
        slot = DishSlot(party_id=party.id, course="dessert", name="Cake", wanted=3, claimed=3)
        session.add(slot)
        session.flush()
        session.add(DishClaim(slot_id=slot.id, rsvp_id=comes.id, quantity=3, dish="Lemon <tart>"))
    later(hours=6)
    assert sweep() == 3
    found = {letter.locale: letter for letter in emails(records)}
    assert set(found) == {"en", "es", "ar"}
    english = found["en"]
    assert "your 2 seats are reserved" in english.text
    # 18:00 UTC is 20:00 in Madrid in summer.
    assert "Sunday, June 2, 2030" in english.text
    assert "8:00\N{NARROW NO-BREAK SPACE}PM (Madrid, UTC+2)" in english.text
    assert "1 Market Street" in english.text
    assert "- Lemon <tart> × 3" in english.text
    assert "<bdi>Lemon &lt;tart&gt;</bdi> × 3" in english.html
    assert "please give up your seat there" in english.text
    assert "tart" not in found["es"].text
    assert 'lang="ar" dir="rtl"' in found["ar"].html


def test_unsubscribed_guests_get_no_reminders(app, party, sweep, records):
    ReminderFactory(party=party)
    comes = RsvpFactory(party=party)
    with app.app_context(), transaction():
        unsubscribe.unsubscribe(comes.email, EmailTopic.REMINDERS)
    later(hours=6)
    assert sweep() == 0
    assert records.count(OutboxEmail) == 0


@pytest.mark.parametrize("status", ["draft", "cancelled", "done"])
def test_no_reminder_is_sent_for_a_party_that_does_not_take_place(party, change, sweep, status):
    ReminderFactory(party=party)
    RsvpFactory(party=party)
    change(party, status=status)
    later(hours=6)
    assert sweep() == 0


def test_an_overdue_reminder_is_skipped(party, sweep, records):
    reminder = ReminderFactory(party=party)
    RsvpFactory(party=party)
    later(hours=18)
    assert sweep() == 0
    assert records.fresh(reminder).sent_at is None


@pytest.mark.both_databases
def test_a_postponed_party_is_reminded_of_again(party, change, sweep, records):
    ReminderFactory(party=party)
    RsvpFactory(party=party)
    later(hours=6)
    assert sweep() == 1
    change(party, starts_at=party.starts_at + timedelta(days=3))
    assert sweep() == 0
    later(days=3)
    assert [sweep(), sweep()] == [1, 0]
    assert records.count(OutboxEmail) == 2


def test_a_party_moved_earlier_is_reminded_of_once(party, change, sweep, records):
    ReminderFactory(party=party)
    RsvpFactory(party=party)
    later(hours=6)
    assert sweep() == 1
    change(party, starts_at=party.starts_at - timedelta(hours=5))
    assert sweep() == 0


def test_a_failure_at_one_party_does_not_stop_the_others(app, party, sweep, records, caplog, monkeypatch):
    other = DinnerPartyFactory(starts_at=party.starts_at)
    for each in (party, other):
        ReminderFactory(party=each)
        RsvpFactory(party=each)
    later(hours=6)
    real = reminders._remind_of_start  # noqa: SLF001

    def broken(one, occasion):
        if one.id == party.id:
            raise RuntimeError
        return real(one, occasion)

    monkeypatch.setattr(reminders, "_remind_of_start", broken)
    assert sweep() == 1
    assert "Sending reminder" in caplog.text
    monkeypatch.undo()
    assert sweep() == 1


@pytest.mark.both_databases
def test_only_one_of_several_processes_sends_a_reminder(app, party, records):
    ReminderFactory(party=party)
    ReminderFactory(party=party, kind=ReminderKind.BEFORE_DEADLINE)
    for _number in range(3):
        RsvpFactory(party=party)
        invited(party, sent_at=NOON - timedelta(days=2))
    later(hours=6)
    together = threading.Barrier(4)

    def look(_number):
        with app.app_context():
            together.wait()
            return reminders.send_due()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(look, range(4))) == 6
    assert records.count(OutboxEmail) == 6


def test_the_scheduler_and_a_command_send_due_reminders(app, party, records):
    ReminderFactory(party=party)
    RsvpFactory(party=party)
    later(hours=6)
    result = app.test_cli_runner().invoke(args=["parties", "remind"])
    assert (result.exit_code, result.output) == (0, "Reminders queued: 1.\n")
    other = DinnerPartyFactory(starts_at=party.starts_at)
    ReminderFactory(party=other)
    RsvpFactory(party=other)
    Scheduler(app).run_due_jobs()  # once, without the thread of the scheduler
    # It also tells the hosts of the answers.
    assert sum(email.kind == "reminder_start" for email in records.all(OutboxEmail)) == 2


# -- settings


def test_a_new_party_and_its_copy_have_reminders(client_of, cast, records):
    host = client_of(cast.host)
    page = create_party(host)
    party = records.one(DinnerParty)
    assert of(records, party) == [(ReminderKind.BEFORE_START, 24), (ReminderKind.BEFORE_DEADLINE, 48)]
    form = host.get(f"/parties/{party.slug}/reminders").form("/reminders")
    assert (form.fields["reminders-0-amount"], form.fields["reminders-0-unit"]) == ("1", "24")
    host.submit(form, **{"reminders-0-amount": "3", "reminders-1-amount": ""})
    host.submit(page.form("/copy"))
    twin = max(records.all(DinnerParty), key=lambda each: each.id)
    assert twin.id != party.id
    assert len(of(records, twin)) == 1


def test_a_host_sees_when_each_goes_out_and_changes_them(client_of, cast, party, records, sweep):
    sent = ReminderFactory(party=party)
    ReminderFactory(party=party, hours_before=48)
    ReminderFactory(party=party, kind=ReminderKind.BEFORE_DEADLINE, hours_before=2)
    RsvpFactory(party=party)
    later(hours=6)
    sweep()
    host = client_of(cast.host)
    page = host.get("/parties/garden/reminders")
    text = page.text.replace("\N{NARROW NO-BREAK SPACE}", " ")
    for part in ("Sent on Jun 1, 2030, 8:00 PM", "Skipped: it would have been too late", "Scheduled"):
        assert part in text
    for words in ("2 days before", "1 day before", "2 hours before"):
        assert words in text
    fields = {
        "reminders-0-amount": "",
        "reminders-3-amount": "1",
        "reminders-3-unit": "168",
        "reminders-4-kind": ReminderKind.BEFORE_DEADLINE,
        "reminders-4-amount": "2",
        "reminders-4-unit": "1",
    }
    page = host.submit(host.add_rows(page.form("/reminders"), fields), **fields)
    assert page.flashes == [("info", "Reminders saved.")]
    assert of(records, party) == [
        (ReminderKind.BEFORE_START, 24),
        (ReminderKind.BEFORE_DEADLINE, 2),
        (ReminderKind.BEFORE_START, 168),
    ]
    assert records.fresh(sent).sent_at == clock.now()


@pytest.mark.parametrize("typed", ["0", "15", "soon", "-1"])
def test_invalid_times_are_refused_and_kept_in_the_form(client_of, cast, party, typed, records):
    host = client_of(cast.host)
    form = host.add_rows(host.get("/parties/garden/reminders").form("/reminders"), ["reminders-0-amount"])
    page = host.submit(form, **{"reminders-0-amount": typed})
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    assert page.form("/reminders").fields["reminders-0-amount"] == typed
    assert typed != "15" or "The earliest is 2 weeks before." in page.text
    assert records.count(Reminder) == 0


def test_sending_the_form_twice_changes_nothing_more(client_of, cast, party, records):
    host = client_of(cast.host)
    fields = {"reminders-0-amount": "5", "reminders-0-unit": "1"}
    form = host.add_rows(host.get("/parties/garden/reminders").form("/reminders"), fields)
    for _time in range(2):
        assert host.submit(form, **fields).flashes == [("info", "Reminders saved.")]
    assert of(records, party) == [(ReminderKind.BEFORE_START, 5)]


# -- activation without e-mail


@pytest.fixture
def remind(client_of, cast, party):
    host = client_of(cast.host)
    return lambda: host.post("/parties/garden/remind")


def test_the_button_reminds_people_without_an_rsvp_once_a_day(client_of, cast, party, records):
    invitations = [invited(party, locale=locale) for locale in ("en", "es", "ar")]
    host = client_of(cast.host)
    form = host.get("/parties/garden/write").form("/remind")
    page = host.submit(form)
    assert (page.path, page.flashes) == (
        "/parties/garden/write", [("info", "Reminder queued for 3 people who have not answered.")],
    )  # fmt: skip
    assert [(letter.locale, letter.secret) for letter in emails(records)] == [
        (each.locale, each.token) for each in invitations
    ]
    assert host.submit(form).flashes == ALREADY
    new = invited(party)
    assert host.submit(form).flashes == [("info", "Reminder queued for 1 person who has not answered.")]
    later(hours=24)
    page = client_of(cast.host).post("/parties/garden/remind")
    assert page.flashes == [("info", "Reminder queued for 4 people who have not answered.")]
    assert records.fresh(new).reminded_at == clock.now()
    assert len(emails(records)) == 8


def test_a_reminder_has_the_link_of_the_invitation(remind, visitor, party, records):
    invitation = invited(party)
    remind()
    assert records.one(OutboxEmail).secret == invitation.token
    assert records.fresh(invitation).token_hash == invitation.token_hash
    assert visitor.get(f"/invitations/{invitation.token}").path == "/parties/garden"


def test_an_invited_member_is_reminded_in_their_language(remind, party, records):
    MemberFactory(username="member", email="Member@example.com", locale="ar", timezone="Africa/Cairo")
    invited(party, email="member@example.com", locale="es")
    remind()
    assert (records.one(OutboxEmail).locale, records.one(OutboxEmail).timezone) == ("ar", "Africa/Cairo")


@pytest.mark.parametrize("who", ["nobody", "answered", "wants none"])
def test_the_button_says_when_there_is_nobody_to_remind(app, remind, party, who, records):
    if who == "answered":
        RsvpFactory(party=party, invitation_id=invited(party).id)
    if who == "wants none":
        with app.app_context(), transaction():
            unsubscribe.unsubscribe(invited(party).email, EmailTopic.INVITATIONS)
    assert remind().flashes == [("info", "There is no one to remind.")]
    assert records.count(OutboxEmail) == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": "draft"}, "This party is not published yet."),
        ({"status": "cancelled"}, "This party was cancelled."),
        ({"rsvp_deadline": NOON - HOUR}, "The RSVP deadline has passed; contact the host."),
    ],
)
def test_nobody_is_reminded_when_rsvps_are_closed(remind, party, change, changes, message, records):
    invited(party)
    change(party, **changes)
    assert remind().flashes == [("danger", message)]
    assert records.count(OutboxEmail) == 0


@pytest.mark.both_databases
def test_two_concurrent_hosts_send_one_reminder(client_of, cast, party, records):
    for _number in range(3):
        invited(party)
    tabs = [client_of(cast.host) for _number in range(3)]
    together = threading.Barrier(len(tabs))

    def press(tab):
        together.wait()
        return tab.post("/parties/garden/remind").flashes

    with ThreadPoolExecutor(len(tabs)) as pool:
        said = sorted(pool.map(press, tabs))
    assert said == [[("info", "Reminder queued for 3 people who have not answered.")], ALREADY, ALREADY]
    assert len(emails(records)) == 3
    assert all(invitation.reminded_at == NOON for invitation in records.all(Invitation))


def test_a_conflict_of_two_hosts_keeps_both_versions(client_of, cast, party, records):
    host = client_of(cast.host)
    ReminderFactory(party=party, kind=ReminderKind.BEFORE_START, hours_before=24)
    tab = host.add_rows(host.get("/parties/garden/reminders").form("/reminders"), ["reminders-1-amount"])
    host.submit(tab, **{"reminders-1-amount": "5", "reminders-1-unit": "1"})
    page = host.submit(tab, **{"reminders-1-amount": "7", "reminders-1-unit": "1"})
    assert (page.status, page.flashes[0][0]) == (409, "warning")
    assert page.form("/reminders").fields["reminders-1-amount"] == "7"
    assert {reminder.hours_before for reminder in records.all(Reminder)} == {24, 5}
    assert host.submit(page.form("/reminders")).flashes == [("info", "Reminders saved.")]
    assert {reminder.hours_before for reminder in records.all(Reminder)} == {24, 7}


def test_the_api_refuses_reminders_based_on_an_old_list(app, cast, party, records):
    host = ApiClient(app, cast.host)
    seen = host.get("/garden/reminders")["seen"]
    sent = {"reminders": [{"kind": ReminderKind.BEFORE_START, "hours_before": 5}], "seen": seen}
    assert host.put("/garden/reminders", sent)["seen"] != seen
    host.put("/garden/reminders", {**sent, "reminders": []}, status=409)
    assert [reminder.hours_before for reminder in records.all(Reminder)] == [5]
