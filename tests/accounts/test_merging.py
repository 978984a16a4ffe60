"""Two accounts of one person become one."""

import threading
from datetime import timedelta
from itertools import combinations_with_replacement

import pytest
from flask_appbuilder.security.sqla.models import assoc_user_group
from sqlalchemy import Column, ForeignKey, Integer, Table, func, insert, select, update

from app import clock
from app.accounts.enums import TokenPurpose
from app.accounts.models import (
    DirectoryPerson,
    ExternalIdentity,
    LoginSession,
    Member,
    Passkey,
    RecoveryCode,
    Token,
    Totp,
    TrustedDevice,
)
from app.accounts.users import merging
from app.administration.models import SavedView
from app.audit.models import AuditEvent
from app.dashboards.enums import MemberRole
from app.dashboards.links.models import DashboardLink
from app.dashboards.models import DashboardMember
from app.dashboards.weekly.models import DashboardSubscription
from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.extensions import db, metadata
from app.outbox import unsubscribe
from app.outbox.models import EmailTopic, OutboxEmail, Unsubscription
from app.parties.calendar.models import CalendarEntry, CalendarFeed
from app.parties.enums import SEATED, RsvpStatus
from app.parties.invitations.models import Contact
from app.parties.models import CoHost, DinnerParty, Invitation, PartySeries, Rsvp, RsvpPerson
from app.parties.potluck.models import DishClaim, DishSlot
from app.parties.waiting_list.models import WaitOffer
from tests.support.factories import (
    PASSWORD,
    ApiKeyFactory,
    CalendarEntryFactory,
    ContactFactory,
    DashboardFactory,
    DashboardMemberFactory,
    DashboardVersionFactory,
    DinnerPartyFactory,
    DirectoryPersonFactory,
    DishClaimFactory,
    DishSlotFactory,
    GroupFactory,
    GuestMessageFactory,
    InvitationFactory,
    MemberFactory,
    MemberInvitationFactory,
    OutboxEmailFactory,
    PartyReportFactory,
    PartySeriesFactory,
    RsvpFactory,
    WaitOfferFactory,
)


def merge(app, ending, kept, by=None):
    """Merge two accounts; return the lines of the report, by their labels."""
    with app.app_context():
        report = run_with_retry(
            lambda: merging.merge(db.session.get_one(Member, ending.id), db.session.get_one(Member, kept.id), by)
        )
        return {str(label): value for label, value in (*report.moved, *report.collisions, *report.ended)}


def store(app, *rows):
    with app.app_context(), transaction():
        db.session.add_all(rows)


def emails(records, kind):
    return [letter for letter in records.all(OutboxEmail) if letter.kind == kind]


def of(records, model, **columns):
    """Return the rows of a model that have these values."""
    return [row for row in records.all(model) if all(getattr(row, name) == value for name, value in columns.items())]


def referring(app, member):
    """Return the columns with rows that refer to a member."""
    with app.app_context():
        return {
            str(column)
            for column in merging.references()
            if db.session.scalar(select(func.count()).select_from(column.table).where(column == member.id))
        }


# -- everything


def give_everything(app, member):
    """Store rows for a member in every table that refers to one."""
    party = DinnerPartyFactory(host=member)
    elsewhere = DinnerPartyFactory()
    PartySeriesFactory(first=party)
    slot = DishSlotFactory(party=elsewhere)
    DishClaimFactory(slot=slot, rsvp=RsvpFactory(party=elsewhere, member=member))
    InvitationFactory(party=party, invited_by_id=member.id)
    ContactFactory(owner=member)
    GuestMessageFactory(party=party)
    PartyReportFactory(reporter_id=member.id, decided_by_id=member.id)
    dashboard = DashboardFactory(owner=member)
    DashboardVersionFactory(dashboard=dashboard)
    DashboardMemberFactory(member=member)
    MemberInvitationFactory(invited_by_id=member.id)
    DirectoryPersonFactory(person=member)
    ApiKeyFactory(member=member)
    group = GroupFactory()
    store(
        app,
        DirectoryPerson(unique_id="entryuuid:asks", username="x", email="x@example.com", contested_id=member.id),
        CoHost(party_id=elsewhere.id, member_id=member.id),
        CalendarFeed(member_id=member.id, token_hash="feed"),
        DashboardSubscription(dashboard_id=dashboard.id, member_id=member.id, due_at=clock.now()),
        DashboardLink(dashboard_id=dashboard.id, creator_id=member.id, token_hash="link", expires_at=clock.now()),
        ExternalIdentity(member_id=member.id, issuer="https://id.example", subject="ada"),
        SavedView(owner_id=member.id, view="UserModelView", name="Mine", query="q=a"),
        LoginSession(member_id=member.id, token_hash="session"),
        TrustedDevice(member_id=member.id, token_hash="device"),
        Token(purpose=TokenPurpose.RESET_PASSWORD, member_id=member.id, token_hash="t", expires_at=clock.now()),
        Totp(member_id=member.id, secret="sealed", confirmed_at=clock.now()),
        RecoveryCode(member_id=member.id, code_hash="code"),
        Passkey(member_id=member.id, name="Phone", credential_id="credential", public_key=b"key"),
    )
    with app.app_context(), transaction():
        db.session.execute(insert(assoc_user_group).values(user_id=member.id, group_id=group.id))
        db.session.execute(
            update(Member).where(Member.id == member.id).values(created_by_fk=member.id, changed_by_fk=member.id)
        )


@pytest.mark.both_databases
def test_everything_of_the_one_is_the_others(app, cast, records):
    """A new column that refers to a member must be handed over, or end: this test asks for a row in each."""
    give_everything(app, cast.friend)
    every = {str(column) for column in merging.references()}
    assert referring(app, cast.friend) == every
    said = merge(app, cast.friend, cast.stranger)
    assert referring(app, cast.friend) == set()
    ended = {f"{table}.{'user_id' if table.startswith('ab_') else 'member_id'}" for table in merging.ENDING_TABLES}
    ended = (ended - {"external_identity.member_id", "directory_person.member_id"}) | {"dashboard_link.creator_id"}
    # The account that stays has roles of its own.
    assert every - referring(app, cast.stranger) == ended - {"ab_user_role.user_id"}
    assert (said["Parties hosted"], said["Answers to parties"], said["Passkeys"]) == (1, 2, 1)
    gone = records.fresh(cast.friend)
    assert (gone.erased_at is not None, gone.email, gone.password) == (True, f"erased-{gone.id}@invalid", None)


@pytest.mark.both_databases
def test_what_both_have_stays_once(app, cast, records):
    kept, ending, party = cast.stranger, cast.friend, DinnerPartyFactory()
    hers, theirs = DashboardFactory(owner=kept), DashboardFactory()
    for member in (kept, ending):
        store(
            app,
            CoHost(party_id=party.id, member_id=member.id),
            CalendarFeed(member_id=member.id, token_hash=member.username),
        )
        ContactFactory(owner=member, email="Guest@example.org")
        DashboardMemberFactory(
            dashboard=theirs, member=member, role=MemberRole.EDITOR if member is ending else MemberRole.VIEWER
        )
        store(app, DashboardSubscription(dashboard_id=hers.id, member_id=member.id, due_at=clock.now()))
        CalendarEntryFactory(party_id=party.id, email=member.email)
        InvitationFactory(party=party, email=member.email, max_party=3)
    DashboardMemberFactory(dashboard=hers, member=ending)
    store(app, CoHost(party_id=DinnerPartyFactory(host=kept).id, member_id=ending.id))
    said = merge(app, ending, kept)
    assert said["Contacts that both have, once from now on"] == 1
    assert [row.owner_id for row in records.all(Contact)] == [kept.id]
    assert [(row.party_id, row.member_id) for row in records.all(CoHost)] == [(party.id, kept.id)]
    assert [(row.dashboard_id, row.member_id, row.role) for row in records.all(DashboardMember)] == [
        (theirs.id, kept.id, MemberRole.EDITOR)
    ]
    assert [row.member_id for row in records.all(DashboardSubscription)] == [kept.id]
    assert [row.token_hash for row in records.all(CalendarFeed)] == [kept.username]
    assert [row.email for row in records.all(CalendarEntry)] == [kept.email]
    invited = [row for row in records.all(Invitation) if row.revoked_at is None]
    assert [row.email for row in invited] == [kept.email]
    assert ending.email not in str([row.email for row in records.all(Invitation)])


def test_the_address_and_what_waits_for_it_follow(app, cast, records):
    waiting = OutboxEmailFactory(recipient=cast.friend.email, topic=EmailTopic.MESSAGES)
    OutboxEmailFactory(recipient=cast.friend.email, kind="reminder", topic=EmailTopic.REMINDERS)
    OutboxEmailFactory(recipient=cast.friend.email, kind="reset_password", priority=0)
    ContactFactory(email=cast.friend.email)
    invitation = InvitationFactory(email=cast.friend.email)
    answer = RsvpFactory(member=None, email=cast.friend.email, name="Friend", locale="en", timezone="UTC")
    with app.app_context(), transaction():
        unsubscribe.unsubscribe(cast.friend.email, EmailTopic.ANSWERS)
        unsubscribe.unsubscribe(cast.stranger.email, EmailTopic.REMINDERS)
    merge(app, cast.friend, cast.stranger)
    assert records.fresh(waiting).recipient == cast.stranger.email
    # Neither what the other address does not want, nor links for the account that ends.
    assert emails(records, "reminder") == emails(records, "reset_password") == []
    assert records.one(Contact).email == records.fresh(invitation).email == cast.stranger.email
    assert records.fresh(answer).member_id == cast.stranger.id
    topics = {(row.email, row.topic) for row in records.all(Unsubscription)}
    assert topics == {(cast.stranger.email, EmailTopic.ANSWERS), (cast.stranger.email, EmailTopic.REMINDERS)}
    told = emails(records, "accounts_merged")
    assert sorted(letter.recipient for letter in told) == [cast.friend.email, cast.stranger.email]
    assert "Log in as stranger" in told[0].text


def test_diets_are_joined_and_roles_are_not_taken_over(app, cast, records):
    with app.app_context(), transaction():
        db.session.get_one(Member, cast.translator.id).allergens = ["nuts", "milk"]
        db.session.get_one(Member, cast.stranger.id).allergens = ["milk"]
    said = merge(app, cast.translator, cast.stranger)
    assert records.fresh(cast.stranger).allergens == ["milk", "nuts"]
    assert said["Roles that the account that stays does not get"] == "Translator"
    with app.app_context():
        roles = [role.name for role in db.session.get_one(Member, cast.stranger.id).roles]
    assert roles == ["Guest"]
    (event,) = [event for event in records.all(AuditEvent) if event.action == "member_merged"]
    assert (event.subject, event.before) == ("stranger", {"username": "translator", "roles": ["Translator"]})


# -- two answers to one party


def is_counted_right(app, party):
    with app.app_context():
        seated = select(func.coalesce(func.sum(Rsvp.party_size), 0)).where(
            Rsvp.party_id == party.id, Rsvp.status.in_(SEATED)
        )
        held = select(func.coalesce(func.sum(WaitOffer.seats), 0)).where(
            WaitOffer.party_id == party.id, WaitOffer.state == "pending"
        )
        taken = db.session.get_one(DinnerParty, party.id).seats_taken
        return taken == db.session.scalar(seated) + db.session.scalar(held)


def answer(party, member, status):
    if status == RsvpStatus.OFFERED:
        return WaitOfferFactory(party=party, rsvp__member=member).rsvp
    waits = clock.now() if status == RsvpStatus.WAITLISTED else None
    return RsvpFactory(party=party, member=member, status=status, waitlisted_at=waits)


COMING = (
    *(RsvpStatus.YES, RsvpStatus.OFFERED, RsvpStatus.WAITLISTED, RsvpStatus.AWAITING_APPROVAL),
    *(RsvpStatus.REMOVED, RsvpStatus.MAYBE),
)


@pytest.mark.both_databases
def test_of_two_answers_the_one_nearest_to_a_seat_stays(app, cast, records):
    """Each pair of answers at a party of its own, in one merge."""
    pairs = {}
    with app.app_context(), transaction():
        for number, pair in enumerate(combinations_with_replacement(COMING, 2)):
            first, second = pair if number % 2 else pair[::-1]
            party = DinnerPartyFactory(number_seats=3)
            answer(party, cast.friend, first)
            answer(party, cast.stranger, second)
            pairs[party] = first, second
    merge(app, cast.friend, cast.stranger)
    for party, statuses in pairs.items():
        (stays,) = of(records, Rsvp, party_id=party.id, member_id=cast.stranger.id)
        assert (stays.email, stays.name) == (cast.stranger.email, "Stranger Doe")
        best = min(statuses, key=COMING.index)
        # A seat that the other answer held was free again, so that whoever waits gets an offer of it.
        assert stays.status in {best, RsvpStatus.OFFERED if best == RsvpStatus.WAITLISTED else best}, statuses
        (left,) = of(records, Rsvp, party_id=party.id, member_id=None)
        assert left.status not in {*SEATED, RsvpStatus.OFFERED, RsvpStatus.WAITLISTED, RsvpStatus.AWAITING_APPROVAL}
        assert (left.email, left.name) == (f"erased-{cast.friend.id}-0@invalid", "")
        assert is_counted_right(app, party), statuses


@pytest.mark.both_databases
def test_the_seats_of_the_second_answer_go_to_the_waiting_list(app, cast, records):
    party = DinnerPartyFactory(number_seats=5)
    small = RsvpFactory(party=party, member=cast.stranger, party_size=1)
    large = RsvpFactory(party=party, member=cast.friend, party_size=3)
    waiting = RsvpFactory(party=party, waiting=True)
    cake, bread = DishSlotFactory(party=party), DishSlotFactory(party=party)
    DishClaimFactory(slot=cake, rsvp=small)
    DishClaimFactory(slot=bread, rsvp=small)
    DishClaimFactory(slot=bread, rsvp=large)
    store(app, RsvpPerson(rsvp_id=small.id, position=0, name="Stranger", allergens=["nuts"]))
    said = merge(app, cast.friend, cast.stranger)
    assert said["Answers that are withdrawn; their seats go to the waiting list"] == 1
    stays = records.fresh(large)
    assert (stays.member_id, stays.status, stays.party_size) == (cast.stranger.id, RsvpStatus.YES, 3)
    assert (records.fresh(small).status, records.fresh(waiting).status) == (RsvpStatus.WITHDRAWN, RsvpStatus.OFFERED)
    assert is_counted_right(app, party)
    assert sorted((row.slot_id, row.rsvp_id) for row in records.all(DishClaim)) == [
        (cake.id, large.id),
        (bread.id, large.id),
    ]
    assert [slot.claimed for slot in records.all(DishSlot)] == [1, 1]
    assert records.one(RsvpPerson).rsvp_id == large.id


@pytest.mark.parametrize("host_ends", [True, False])
def test_the_seat_of_a_host_stays(app, cast, records, host_ends):
    host, guest = (cast.friend, cast.stranger) if host_ends else (cast.stranger, cast.friend)
    party = DinnerPartyFactory(host=host)
    (hosts,) = records.all(Rsvp)
    guests = RsvpFactory(party=party, member=guest, party_size=4)
    merge(app, cast.friend, cast.stranger)
    assert records.fresh(party).host_id == records.fresh(hosts).member_id == cast.stranger.id
    assert (records.fresh(guests).status, records.fresh(party).seats_taken) == (RsvpStatus.WITHDRAWN, 1)


def test_past_parties_keep_their_numbers(app, cast, records):
    party = DinnerPartyFactory(past=True)
    RsvpFactory(party=party, member=cast.friend, party_size=2, here=True)
    RsvpFactory(party=party, member=cast.stranger)
    merge(app, cast.friend, cast.stranger)
    assert records.fresh(party).seats_taken == 4
    assert is_counted_right(app, party)
    assert of(records, Rsvp, member_id=cast.stranger.id)[0].status == RsvpStatus.CHECKED_IN


def test_the_link_of_an_invitation_stays_with_its_answer(app, cast, records):
    """Both were invited; one has answered by the personal link."""
    party = DinnerPartyFactory()
    answered = InvitationFactory(party=party, email=cast.friend.email)
    other = InvitationFactory(party=party, email=cast.stranger.email)
    rsvp = RsvpFactory(party=party, member=cast.friend, invitation_id=answered.id)
    merge(app, cast.friend, cast.stranger)
    assert (records.fresh(answered).email, records.fresh(answered).revoked_at) == (cast.stranger.email, None)
    assert (records.fresh(other).revoked_at is not None, records.fresh(other).token_hash) == (True, None)
    assert records.fresh(rsvp).invitation_id == answered.id


def test_one_person_who_has_answered_in_four_ways(app, cast, records):
    """With both accounts, and before with both addresses and no account."""
    party = DinnerPartyFactory()
    for number, member in enumerate((cast.friend, cast.stranger)):
        RsvpFactory(party=party, member=None, email=member.email, name="x", locale="en", timezone="UTC")
        RsvpFactory(party=party, member=member, email=f"before{number}@example.com")
    merge(app, cast.friend, cast.stranger)
    assert records.fresh(party).seats_taken == 2
    assert is_counted_right(app, party)
    assert len(of(records, Rsvp, member_id=cast.stranger.id)) == 1


# -- the person of the directory


@pytest.mark.parametrize("lost", [False, True])
def test_the_person_whom_the_directory_lets_in_stays(app, cast, records, lost):
    new = DirectoryPersonFactory(person=cast.friend)
    old = DirectoryPersonFactory(person=cast.stranger, lost_at=clock.now() if lost else None)
    merge(app, cast.friend, cast.stranger)
    stays = records.one(DirectoryPerson)
    assert (stays.id, stays.member_id) == (new.id if lost else old.id, cast.stranger.id)


# -- refusals


def test_who_cannot_be_merged(app, cast, records):
    gone = MemberFactory(erased_at=clock.now())
    leaving = MemberFactory(erase_at=clock.now() + timedelta(days=3))
    before = records.dump()
    for ending, kept, by in (
        (cast.friend, cast.friend, None),
        (cast.admin, cast.friend, None),
        (cast.friend, cast.stranger, cast.friend.id),
        (gone, cast.friend, None),
        (cast.friend, gone, None),
        (cast.friend, leaving, None),
    ):
        with pytest.raises(DomainError):
            merge(app, ending, kept, by)
    assert records.dump() == before


def test_what_a_package_does_not_hand_over_is_not_lost(app, cast, records):
    table = Table(
        "of_a_package", metadata, Column("id", Integer, primary_key=True), Column("owner", ForeignKey("ab_user.id"))
    )
    try:
        with app.app_context(), transaction():
            table.create(db.session.connection())
            db.session.execute(insert(table).values(owner=cast.friend.id))
        with pytest.raises(DomainError, match="of_a_package"):
            merge(app, cast.friend, cast.stranger)
        assert records.fresh(cast.friend).erased_at is None
        assert merge(app, cast.host, cast.stranger) is not None
    finally:
        with app.app_context(), transaction():
            table.drop(db.session.connection())
        metadata.remove(table)


@pytest.mark.postgresql
def test_what_the_member_stores_meanwhile_is_not_lost(app, cast, records, monkeypatch):
    """After everything was handed over. SQLite lets nobody else write then."""
    check = merging._refuse_leftovers  # noqa: SLF001

    def store_first(ending):
        values = {"id": 1, "title": "Meanwhile", "host_id": ending.id, "frequency": "weekly", "every": 1}
        with db.engine.begin() as other:
            other.execute(insert(PartySeries).values(values))
        check(ending)

    with monkeypatch.context() as patched:
        patched.setattr(merging, "_refuse_leftovers", store_first)
        with pytest.raises(DomainError, match="party_series"):
            merge(app, cast.friend, cast.stranger)
    assert records.fresh(cast.friend).erased_at is None
    assert merge(app, cast.friend, cast.stranger)["Series of parties"] == 1


@pytest.mark.both_databases
def test_two_administrators_merge_crosswise_at_once(app, cast, records):
    DinnerPartyFactory(host=cast.friend)
    DinnerPartyFactory(host=cast.stranger)
    start, said = threading.Barrier(2), []

    def run(ending, kept):
        start.wait()
        try:
            said.append(bool(merge(app, ending, kept)))
        except DomainError as refused:
            said.append(refused.category)

    pair = cast.friend, cast.stranger
    threads = [threading.Thread(target=run, args=each) for each in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said, key=str) == [True, "warning"]
    (stays,) = [member for member in pair if records.fresh(member).erased_at is None]
    assert {party.host_id for party in records.all(DinnerParty)} == {stays.id}


# -- page and command


def ask(admin, member):
    return admin.post(f"/users/action/merge/{member.id}")


@pytest.mark.both_databases
def test_an_administrator_reads_what_will_happen_and_confirms(admin, client_of, new_visitor, cast, records):
    friend = client_of(cast.friend)
    party = DinnerPartyFactory(host=cast.friend)
    page = ask(admin, cast.friend)
    assert page.flashes == [("info", "One more step: choose the account that stays.")]
    form = page.form(f"/users/action/merge/{cast.friend.id}")
    wrong = admin.submit(form, username="nobody")
    assert (wrong.status, wrong.flashes) == (422, [("danger", "Nobody has this username.")])
    before = records.dump()
    page = admin.submit(form, username="Stranger")
    assert page.flashes == [("info", "Nothing has changed yet. Read what will happen, and confirm it.")]
    assert "Parties hosted" in page.text
    assert "Login sessions" in page.text
    assert {name: rows for name, rows in records.dump().items() if rows != before[name]}.keys() <= {"login_session"}
    page = admin.submit(page.form(f"/users/action/merge/{cast.friend.id}"))
    assert page.flashes == [("info", "friend has been merged into stranger.")]
    assert records.fresh(party).host_id == cast.stranger.id
    assert friend.get("/account/profile/").path == "/login/"
    assert new_visitor().log_in("friend", PASSWORD).path == "/login/"
    (event,) = [event for event in records.all(AuditEvent) if event.action == "member_merged"]
    assert (event.actor, event.subject) == ("boss", "stranger")


def test_an_administrator_who_would_be_none_is_named(admin, cast, records):
    other = MemberFactory(username="deputy", admin=True)
    page = admin.submit(ask(admin, other).form("/merge/" + str(other.id)), username="friend")
    assert "deputy is an administrator, and friend does not become one." in page.text
    page = admin.submit(ask(admin, cast.admin).form("/merge/" + str(cast.admin.id)), username="friend")
    assert page.flashes == [("danger", "You cannot merge your own account into another one.")]


def test_merging_requires_a_fresh_login(admin, cast):
    clock.set_now(clock.now() + timedelta(minutes=11))
    assert ask(admin, cast.friend).path == "/login/again"


def test_only_administrators_merge(host, cast):
    assert ask(host, cast.friend).status in {403, 404}


def test_the_command_asks_first(app, cast, records):
    def flask(*arguments, **options):
        return app.test_cli_runner().invoke(args=("directory", "merge", *arguments), **options)

    DinnerPartyFactory(host=cast.friend)
    before = records.dump()
    done = flask("friend", "stranger", input="n\n")
    assert (done.exit_code, "Moves: Parties hosted: 1" in done.output) == (1, True)
    assert flask("friend", "friend", "--yes").exit_code == flask("friend", "nobody").exit_code == 1
    assert records.dump() == before
    done = flask("friend", "stranger", "--yes")
    assert (done.exit_code, "friend has been merged into stranger." in done.output) == (0, True)
    assert records.one(DinnerParty).host_id == cast.stranger.id
