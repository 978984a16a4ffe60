"""The invariants of ARCHITECTURE.md, tested from outside.

That pages for one reader are not cached for others is tested in test_routes, for every URL.

Variants and concurrency are tested with each feature: test_simultaneous, test_waiting_list_at_random, test_routes,
test_promises, ...
"""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select

from app import clock, scheduler
from app.accounts import tokens
from app.accounts.enums import TokenPurpose
from app.accounts.models import Member, Token
from app.database import transaction
from app.extensions import appbuilder_of, db
from app.i18n import validity
from app.i18n.plurals import rule_of
from app.outbox.models import OutboxEmail
from app.parties.enums import SEATED, PartyStatus
from app.parties.models import Rsvp, RsvpPerson
from app.parties.rsvps import mail as rsvp_mail
from app.parties.waiting_list import mail as waiting_list_mail
from app.parties.waiting_list.models import WaitOffer
from config import LANGUAGES
from tests.support.factories import (
    PASSWORD,
    DinnerPartyFactory,
    InvitationFactory,
    MemberFactory,
    RegistrationFactory,
    RsvpFactory,
    WaitOfferFactory,
)

GUESTS = 20


def answer(browser, party, wish="yes", **typed):
    return browser.post(f"/parties/{party.slug}/rsvp", {"answer": wish, **typed})


def statuses(records, party):
    return {row.email: row.status for row in records.all(Rsvp) if row.party_id == party.id}


def emails(records, kind):
    return [letter for letter in records.all(OutboxEmail) if letter.kind == kind]


@pytest.mark.both_databases
def test_seats_taken_are_those_of_confirmed_guests_and_open_offers(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=6, starts_at=clock.now() + timedelta(hours=6))
    guests = [(number, client_of(MemberFactory())) for number in range(GUESTS)]
    together = Barrier(GUESTS)

    def come_and_go(guest):
        number, browser = guest
        together.wait()
        answer(browser, party, party_size=str(1 + number % 3), wait="y")
        if number % 4 == 0:
            browser.post(f"/parties/{party.slug}/withdraw")

    with ThreadPoolExecutor(GUESTS) as pool:
        list(pool.map(come_and_go, guests))
    taken = sum(row.party_size for row in records.all(Rsvp) if row.status in SEATED)
    offered = sum(offer.seats for offer in records.all(WaitOffer) if offer.state == "pending")
    assert records.fresh(party).seats_taken == taken + offered <= 6
    assert len(records.all(Rsvp)) == GUESTS + 1


@pytest.mark.both_databases
def test_a_party_never_has_fewer_seats_than_are_taken(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=5, full=True)
    host = client_of(cast.host)
    form = host.get(f"/parties/{party.slug}/edit").form(f"/parties/{party.slug}/edit")
    page = host.submit(form, number_seats="4")
    assert page.flashes == [("danger", "5 seats are already taken; you cannot go below that.")]
    assert records.fresh(party).number_seats == 5


def test_nobody_loses_a_seat_by_actions_of_others(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=2)
    answer(client_of(cast.friend), party)
    others, host = client_of(cast.stranger), client_of(cast.host)
    for step in (
        lambda: answer(others, party),
        lambda: others.post(f"/parties/{party.slug}/offer", {"decision": "claim"}),
        lambda: others.post(f"/parties/{party.slug}/withdraw"),
        lambda: host.submit(
            host.get(f"/parties/{party.slug}/edit").form(f"/parties/{party.slug}/edit"),
            number_seats="1",
            starts_at=f"{clock.now() + timedelta(days=9):%Y-%m-%dT%H:%M}",
        ),
        lambda: host.submit(
            host.get(f"/parties/{party.slug}/edit").form(f"/parties/{party.slug}/edit"),
            starts_at=f"{clock.now() + timedelta(days=9):%Y-%m-%dT%H:%M}",
        ),
        lambda: client_of(cast.admin).post(f"/users/edit/{cast.friend.id}", {"first_name": "Other"}),
    ):
        step()
        assert statuses(records, party)[cast.friend.email] == "yes"


@pytest.mark.both_databases
def test_seats_are_released_and_offered_in_one_transaction(client_of, cast, records, monkeypatch):
    party = DinnerPartyFactory(host=cast.host, number_seats=2)
    answer(client_of(cast.friend), party)
    answer(client_of(cast.stranger), party)
    friend = client_of(cast.friend)

    def cannot_write(_offer):
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(waiting_list_mail, "seat_offered", cannot_write)
        with pytest.raises(RuntimeError):
            friend.post(f"/parties/{party.slug}/withdraw")
    assert statuses(records, party)[cast.friend.email] == "yes"
    assert records.fresh(party).seats_taken == 2
    friend.post(f"/parties/{party.slug}/withdraw")
    assert statuses(records, party) == {
        cast.host.email: "yes", cast.friend.email: "cancelled", cast.stranger.email: "offered",
    }  # fmt: skip
    assert records.fresh(party).seats_taken == 2


def test_opening_a_link_changes_nothing(populated_site, reader, records):
    """As link scanners do; all other URLs are in test_routes."""
    scanner = reader("anonymous")
    before = records.dump()
    opened = [rule for rule in populated_site.pages() if "token" in rule.arguments]
    for rule in opened:
        for method in ("GET", "HEAD", "GET"):
            assert scanner.open(method, populated_site.address(rule)).status < 400
    assert len(opened) > 5
    assert records.dump() == before


# They end the session that calls them, or respond to a program.
ASKED_APART = (
    "LoginView.logout",
    "MyDataView.",
    "PasswordView.",
    "SessionView.sign_out",
    "options",
    "LocaleView",
    "unsubscribe",
    "opened",
)


@pytest.mark.slow
@pytest.mark.parametrize("who", ["anonymous", "friend", "host", "admin"])
def test_every_post_ends_in_a_flash(populated_site, reader, who):
    """Refused ones do, too: their error page shows it.

    The generated pages are refused to all but administrators in one way, so that one guest and they ask for them.
    """
    browser, silent = reader(who), []
    generated = {view.endpoint for view in appbuilder_of(populated_site.app).baseviews if hasattr(view, "datamodel")}
    addresses = [
        populated_site.address(rule)
        for rule, _method in populated_site.rules("POST")
        if not str(rule).startswith("/api/")
        and not any(each in f"{rule.endpoint} {rule}" for each in ASKED_APART)
        and (who in {"friend", "admin"} or rule.endpoint.partition(".")[0] not in generated)
    ]
    for address in addresses:
        page = browser.post(address, {})
        if len(page.flashes) != 1 and "text/html" in page.headers["Content-Type"]:
            silent.append((address, page))
    assert silent == []


def test_a_bulk_action_shows_one_flash(client_of, cast):
    admin = client_of(cast.admin)
    parties = DinnerPartyFactory.create_batch(5, host=cast.host)
    page = admin.get("/dinnerparties/list/")
    page = admin.submit(
        page.form("/dinnerparties/action_post"),
        button=("action", "cancel"),
        rowid=[str(party.id) for party in parties],
    )
    assert len(page.flashes) == 1


def test_broken_translations_are_rejected():
    """test_catalogs checks that every text is in every catalog, test_source_texts that every text has a msgid."""
    spanish = rule_of("es")
    for source, translation in (
        ("Welcome, %(name)s!", "¡Hola!"),
        ("Welcome, %(name)s!", "¡Hola, %(nombre)s!"),
        ("Press <strong>here</strong>", "Pulsa <b>aquí</b>"),
        ("Press here", "<script>alert(1)</script>"),
    ):
        assert list(validity.problems([source], [translation], spanish))
    assert list(validity.problems(["Welcome, %(name)s!"], ["¡Hola, %(name)s!"], spanish)) == []


def test_a_refusal_is_in_the_readers_language(new_visitor):
    told = set()
    # A region such as en_GB has the texts of its language.
    languages = [locale for locale in LANGUAGES if "_" not in locale]
    for locale in languages:
        browser = new_visitor()
        browser.post("/lang/", {"locale": locale, "next": "/login/"})
        told.add(str(browser.log_in("nobody", "wrong").flashes))
    assert len(told) == len(languages)


@pytest.mark.both_databases
def test_a_token_is_stored_as_a_hash_and_works_once_for_one_purpose(app, visitor, cast, records):
    with app.app_context(), transaction():
        token = tokens.issue(TokenPurpose.RESET_PASSWORD, db.session.get(Member, cast.friend.id))
    assert token not in str(records.dump())
    assert records.one(Token).purpose == TokenPurpose.RESET_PASSWORD
    assert "Choose a new password" not in visitor.get(f"/account/email/confirm/{token}").text
    form = visitor.get(f"/password/reset/{token}").form(token)
    assert visitor.submit(form, new_password="a whole new dinner plan").flashes[0][0] == "info"
    visitor.submit(form, new_password="yet another dinner plan")
    assert visitor.log_in(cast.friend.username, "a whole new dinner plan").flashes[0][0] == "info"


def test_an_invitation_is_stored_as_a_hash(cast, records):
    invitation = InvitationFactory(party__host=cast.host)
    assert invitation.token not in str(records.dump())


@pytest.mark.both_databases
def test_an_email_is_stored_with_its_fact_or_neither_is(client_of, cast, records, monkeypatch):
    party = DinnerPartyFactory(host=cast.host)
    friend = client_of(cast.friend)
    before = records.dump()

    def cannot_write(*_arguments):
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(rsvp_mail, "rsvp_yes", cannot_write)
        with pytest.raises(RuntimeError):
            answer(friend, party)
    assert records.dump() == before
    for _attempt in range(2):
        answer(friend, party)
    assert len(emails(records, "rsvp_yes")) == 1


def test_cancelling_a_party_removes_it_from_every_calendar(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=9)
    RsvpFactory(party=party, member__email="yes@example.com")
    RsvpFactory(party=party, member__email="maybe@example.com", maybe=True)
    WaitOfferFactory(party=party, rsvp__member__email="offered@example.com")
    RsvpFactory(party=party, member__email="no@example.com", declined=True)
    client_of(cast.host).post(f"/parties/{party.slug}/cancel")
    sent = {letter.recipient: letter.calendar or "" for letter in emails(records, "party_cancelled")}
    assert set(sent) == {"yes@example.com", "maybe@example.com", "offered@example.com"}
    for calendar in sent.values():
        assert "METHOD:CANCEL" in calendar
        assert int(re.search(r"SEQUENCE:(\d+)", calendar)[1]) == party.ics_sequence + 1
    assert records.fresh(party).status == PartyStatus.CANCELLED


def test_dietary_information_is_for_the_hosts_and_deleted_afterwards(client_of, cast, app, records):
    party = DinnerPartyFactory(host=cast.host)
    browser = client_of(cast.friend)
    answer(browser, party)
    form = browser.get(f"/parties/{party.slug}/people").form("/people")
    browser.submit(form, **{"people-0-name": "Zoe", "people-0-allergens": "peanuts"})
    assert records.one(RsvpPerson).allergens == ["peanuts"]
    RsvpFactory(party=party, member=cast.stranger)
    secret = (f"/parties/{party.slug}/kitchen", f"/parties/{party.slug}/guests")
    for who in (cast.stranger, cast.admin, cast.translator):
        assert [client_of(who).get(path).status for path in secret] == [403, 403]
    assert "Peanuts" in client_of(cast.host).get(secret[0]).text
    kept = app.config["DIETARY_RETENTION_DAYS"]
    clock.set_now(party.starts_at + timedelta(days=kept, minutes=-5))
    _purge(app)
    assert records.count(RsvpPerson) == 1
    clock.set_now(party.starts_at + timedelta(days=kept, minutes=5))
    _purge(app)
    assert records.count(RsvpPerson) == 0


def test_no_page_reveals_whether_an_address_is_registered(new_visitor, client_of, cast):
    host = client_of(cast.host)
    party = DinnerPartyFactory(host=cast.host)

    def told(email):
        register = new_visitor()
        form = register.get("/register/form").form("/register/form")
        person = {"username": "somebody", "email": email, "first_name": "So", "last_name": "Me", "password": PASSWORD}
        forgot = new_visitor()
        pages = (
            register.submit(form, **person),
            forgot.submit(forgot.get("/password/forgot").form("/password/forgot"), email=email),
            new_visitor().log_in(email, "not the password"),
            host.post(f"/parties/{party.slug}/invitations", {"email": email, "name": "", "max_party": "1"}),
        )
        return [
            (page.status, page.path, [(kind, text.replace(email, "")) for kind, text in page.flashes]) for page in pages
        ]

    assert told(cast.friend.email) == told("nobody@example.org")


def test_a_party_keeps_its_owner_and_the_site_its_administrator(client_of, cast, records):
    admin = client_of(cast.admin)
    assert admin.post(f"/users/delete/{cast.admin.id}").flashes == [("danger", "You cannot delete yourself.")]
    page = admin.get(f"/users/edit/{cast.admin.id}")
    page = admin.submit(page.form(f"/users/edit/{cast.admin.id}"), roles=[])
    assert page.status == 422
    assert records.fresh(cast.admin).active
    party = DinnerPartyFactory(host=cast.host)
    client_of(cast.host).post(f"/parties/{party.slug}/hosts", {"username": cast.friend.username})
    for who in (cast.friend, cast.host):
        client_of(who).post(f"/parties/{party.slug}/hosts/{cast.host.username}/remove")
    assert records.fresh(party).host_id == cast.host.id


@pytest.mark.both_databases
def test_expired_offers_and_tokens_are_void_before_any_cleanup(client_of, visitor, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=3)
    WaitOfferFactory(party=party, rsvp__member=cast.friend)
    registration = RegistrationFactory()
    browser = client_of(cast.friend)
    clock.set_now(clock.now() + timedelta(hours=49))
    browser.log_in(cast.friend.username, PASSWORD) if browser.get(
        "/account/profile/"
    ).path != "/account/profile/" else None
    page = browser.post(f"/parties/{party.slug}/offer", {"decision": "claim"})
    assert page.flashes == [("warning", "This offer has expired; you are back on the waiting list.")]
    assert statuses(records, party)[cast.friend.email] in {"waitlisted", "offered"}
    visitor.post(f"/register/activation/{registration.token}")
    assert registration.username not in records.all(select(Member.username))


def _purge(app):
    with app.app_context():
        list(scheduler.purge())
