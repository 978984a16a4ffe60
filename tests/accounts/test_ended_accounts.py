"""A request that has waited stores nothing for an account that ended meanwhile: deleted, or merged into another one."""

import threading

import pytest
from sqlalchemy import select, update

from app import clock
from app.accounts.models import Member
from app.accounts.signals import member_erasing, member_merging
from app.accounts.users import account_deletion, merging
from app.database import transaction
from app.errors import AccountEndedError, DomainError
from app.extensions import db
from app.outbox.models import Unsubscription
from app.parties.models import CoHost, DinnerParty, Rsvp
from tests.support.factories import MemberFactory, RsvpFactory
from tests.support.statements import just_before

GONE = ("danger", "Nothing was stored, because this account has just been deleted or merged into another one.")


def delete_account(app, member):
    with app.app_context():
        with transaction():
            db.session.execute(update(Member).where(Member.id == member.id).values(erase_at=clock.now()))
        assert account_deletion.run_due() == 1


def merge_account(app, member):
    kept = MemberFactory()
    with app.app_context(), transaction():
        merging.merge(db.session.get_one(Member, member.id), db.session.get_one(Member, kept.id), None)


@pytest.fixture(params=[delete_account, merge_account])
def end(request, app):
    """End an account, in one of the two ways."""
    return lambda member: request.param(app, member)


@pytest.mark.both_databases
def test_an_answer_that_waited_for_its_party(cast, client_of, end, party, records):
    guest = client_of(cast.friend)
    form = guest.get(f"/parties/{party.slug}").form("/rsvp")
    # When it has loaded the member, and asks for the lock.
    with just_before("UPDATE dinner_party", lambda: end(cast.friend)):
        page = guest.submit(form, answer="yes")
    assert page.flashes == [GONE]
    assert [row.member_id for row in records.all(Rsvp) if row.party_id == party.id] == [cast.host.id]
    assert records.fresh(party).seats_taken == 1
    assert guest.get("/account/profile/").path == "/login/"


@pytest.mark.both_databases
def test_a_party_of_a_host_who_is_gone(cast, client_of, end, records):
    host = client_of(cast.friend)
    form = host.get("/parties/new").form("/parties/new")
    soup = {
        "title": "Soup",
        "starts_at": "2090-05-01T19:00",
        "timezone": "UTC",
        "venue": "Kitchen",
        "number_seats": "4",
    }
    with just_before("INSERT INTO dinner_party", lambda: end(cast.friend)):
        page = host.submit(form, button=("action", "publish"), **soup)
    assert page.flashes == [GONE]
    assert records.all(DinnerParty) == records.all(Rsvp) == []


@pytest.mark.postgresql
def test_the_name_does_not_come_back(cast, client_of, end, records):
    """A change of the member's own row, which is still there. On SQLite, something else is written before."""
    member = client_of(cast.friend)
    form = member.get("/account/profile/").form("/account/profile/")
    with just_before("UPDATE ab_user SET", lambda: end(cast.friend)):
        page = member.submit(form, first_name="Another")
    assert page.flashes == [GONE]
    assert records.fresh(cast.friend).first_name == ""


@pytest.mark.both_databases
def test_nobody_else_names_them_either(app, cast, end, party, records):
    def name_as_co_host():
        with transaction() as session:
            session.add(CoHost(party_id=party.id, member=session.get_one(Member, cast.friend.id)))

    meanwhile = just_before("INSERT INTO co_host", lambda: end(cast.friend))
    with app.app_context(), meanwhile, pytest.raises(AccountEndedError):
        name_as_co_host()
    assert records.all(CoHost) == []


def test_a_page_that_expects_no_refusal_shows_an_error(cast, client_of, end, records):
    """Also of a statement that is no change of a row in the session."""
    member = client_of(cast.friend)
    form = member.get("/account/letters/").form("/account/letters/")
    with just_before("INSERT INTO unsubscription", lambda: end(cast.friend)):
        page = member.submit(form, topics=None)
    assert (page.status, page.flashes) == (409, [GONE])
    assert records.all(Unsubscription) == []


@pytest.mark.postgresql
@pytest.mark.parametrize(("end", "ending"), [(delete_account, member_erasing), (merge_account, member_merging)])
def test_who_stores_while_the_account_ends_does_not_hold_it_up(app, cast, client_of, end, ending, party, records):
    """Nothing is committed yet, and what was handed over or erased is not looked at again."""
    guest, pages = client_of(cast.friend), []
    form = guest.get(f"/parties/{party.slug}").form("/rsvp")

    def answer_meanwhile(_member, **_more):
        other = threading.Thread(target=lambda: pages.append(guest.submit(form, answer="yes")))
        other.start()
        other.join()

    with ending.connected_to(answer_meanwhile):
        end(app, cast.friend)
    assert [page.flashes for page in pages] == [[GONE]]
    assert [row.member_id for row in records.all(Rsvp)] == [cast.host.id]


@pytest.mark.both_databases
def test_an_end_that_is_refused_refuses_nobody_else_afterwards(app, cast, client_of, party):
    with pytest.raises(DomainError):
        # The only administrator.
        merge_account(app, cast.admin)
    admin = client_of(cast.admin)
    page = admin.submit(admin.get(f"/parties/{party.slug}").form("/rsvp"), answer="yes")
    assert page.flashes[0][0] == "info"


def test_what_was_theirs_can_still_be_changed(app, cast, end, party):
    """Answers stay with their party, whose hosts note who came."""
    rsvp = RsvpFactory(party=party, member=cast.friend)
    end(cast.friend)
    with app.app_context(), transaction():
        row = db.session.scalars(select(Rsvp).where(Rsvp.id == rsvp.id)).one()
        row.note = "Changed"
