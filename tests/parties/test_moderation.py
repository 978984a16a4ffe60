"""Moderation: public parties are reported, hidden, and shown again."""

import threading

import pytest
from sqlalchemy import update

from app import clock
from app.audit.models import AuditEvent
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties import secret_links
from app.parties.models import CoHost, DinnerParty, Invitation, Rsvp
from app.parties.moderation.models import PartyReport
from tests.support.client import SESSION_COOKIE
from tests.support.factories import (
    DinnerPartyFactory,
    InvitationFactory,
    MemberFactory,
    PartyReportFactory,
    RsvpFactory,
)

THANKS = ("info", "Thank you. We will review your report.")
AGAIN = ("info", "You have already reported this party.")
WHY = "It sells kitchens & “knives”"


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, title="Tupper", slug="tupper")


def report(visitor, reason="spam", slug="tupper", **typed):
    form = visitor.get(f"/parties/{slug}/report").form("/report")
    return visitor.submit(form, reason=reason, **typed)


def emails(records, kind):
    return [letter for letter in records.all(OutboxEmail) if letter.kind == kind]


def done(records):
    return [event.action for event in records.all(AuditEvent) if event.subject_type in {"party", "report"}]


def hide(admin, *parties, reason=WHY):
    """Hide parties with the action of an administrator and a reason."""
    chosen = {"action": "hide", "rowid": [str(party.id) for party in parties]}
    page = admin.post("/dinnerparties/action_post", chosen)
    return admin.submit(page.form("/dinnerparties/action_post"), reason=reason)


# -- reports


def test_a_visitor_without_an_account_reports_a_public_party(visitor, party, records):
    assert "/parties/tupper/report" in visitor.get("/parties/tupper").text
    page = report(visitor, "other", note="Ask for the <b>price</b>")
    assert (page.path, page.flashes) == ("/parties/tupper", [THANKS])
    filed = records.one(PartyReport)
    assert (filed.reason, filed.note, filed.state, filed.reporter_id) == (
        "other",
        "Ask for the <b>price</b>",
        "open",
        None,
    )


def test_a_member_who_reported_is_recognised_in_another_browser(client_of, cast, party, records):
    assert report(client_of(cast.friend)).flashes == [THANKS]
    assert report(client_of(cast.friend), "fake").flashes == [AGAIN]
    assert report(client_of(cast.stranger)).flashes == [THANKS]
    assert {filed.reporter_id for filed in records.all(PartyReport)} == {cast.friend.id, cast.stranger.id}


def test_a_browser_can_report_once_while_its_report_is_open(new_visitor, admin, party, records):
    visitor = new_visitor()
    assert report(visitor).flashes == [THANKS]
    assert report(visitor, "fake").flashes == [AGAIN]
    filed = records.one(PartyReport)
    admin.post(f"/reports/action/dismiss/{filed.id}")
    assert report(visitor, "fake").flashes == [THANKS]
    assert report(new_visitor(), "offensive").flashes == [THANKS]


def test_an_invalid_report_shows_errors_and_keeps_its_values(visitor, party, records):
    form = visitor.get("/parties/tupper/report").form("/report")
    page = visitor.submit(form, note="My words")
    assert (page.status, "Please choose one of the reasons." in page.text, "My words" in page.text) == (422, True, True)
    page = visitor.submit(form, reason="other")
    assert (page.status, "Please describe briefly what is wrong." in page.text) == (422, True)
    page = visitor.submit(form, reason="spam", note="x" * 1001)
    assert (page.status, [category for category, _text in page.flashes]) == (422, ["danger"])
    assert visitor.submit(form, reason="boring").status == 422
    assert records.count(PartyReport) == 0


@pytest.mark.parametrize("who", ["host", "helper"])
def test_hosts_cannot_report_their_own_party(client_of, cast, party, app, records, who):
    helper = MemberFactory(username="helper")
    with app.app_context(), transaction():
        db.session.add(CoHost(party_id=party.id, member_id=helper.id))
    host = client_of(cast.host if who == "host" else helper)
    assert "/report" not in host.get("/parties/tupper").text
    page = host.post("/parties/tupper/report", {"reason": "spam"})
    assert page.flashes == [("info", "This is your own party. You can change or cancel it.")]
    assert records.count(PartyReport) == 0


@pytest.mark.parametrize("kind", [{"unlisted": True}, {"private": True}, {"draft": True}])
def test_only_public_parties_can_be_reported(client_of, cast, records, kind):
    party = DinnerPartyFactory(host=cast.host, slug="secret", **kind)
    RsvpFactory(party=party, member=cast.friend)
    friend = client_of(cast.friend)
    assert "/report" not in friend.get("/parties/secret").text
    page = friend.post("/parties/secret/report", {"reason": "spam"})
    assert page.status == 404 or page.flashes == [("info", "Only public parties can be reported.")]
    assert records.count(PartyReport) == 0


def test_administrators_are_emailed_about_the_first_open_report_of_a_party(new_visitor, admin, party, records):
    MemberFactory(username="second", admin=True, locale="es")
    MemberFactory(username="gone", admin=True, inactive=True)
    report(new_visitor(), note="It sells kitchens")
    report(new_visitor(), "fake")
    written = emails(records, "party_reported")
    assert sorted(letter.recipient for letter in written) == ["boss@example.com", "second@example.com"]
    filed = records.all(PartyReport)[0]
    letter = next(letter for letter in written if letter.recipient == "boss@example.com")
    for text in (letter.text, letter.html):
        assert all(
            words in text for words in ("Tupper", "It is advertising", "It sells kitchens", f"/reports/show/{filed.id}")
        )
    for each in records.all(PartyReport):
        admin.post(f"/reports/action/dismiss/{each.id}")
    report(new_visitor(), "offensive")
    assert len(emails(records, "party_reported")) == 4


@pytest.mark.both_databases
@pytest.mark.parametrize("who", ["friend", "anonymous"])
def test_a_report_sent_twice_is_stored_once(new_visitor, client_of, cast, party, records, who):
    visitor = client_of(cast.friend) if who == "friend" else new_visitor()
    form = visitor.get("/parties/tupper/report").form("/report")
    cookie, pages, start = visitor.client.get_cookie(SESSION_COOKIE), [], threading.Barrier(2)

    def click():
        tab = new_visitor()
        tab.client.set_cookie(SESSION_COOKIE, cookie.value)
        start.wait()
        pages.append(tab.submit(form, reason="spam"))

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(page.flashes for page in pages) == [[THANKS], [AGAIN]]
    assert records.count(PartyReport) == 1


# -- hiding


@pytest.mark.both_databases
def test_a_hidden_party_is_visible_to_its_guests_only(admin, client_of, new_visitor, cast, party, records):
    RsvpFactory(party=party, member=cast.friend)
    invited = InvitationFactory(party=party)
    guest = new_visitor()
    guest.get(f"/invitations/{invited.token}")
    page = hide(admin, party)
    assert page.flashes == [("info", "1 party is now hidden; its hosts will be notified.")]
    stranger, friend = client_of(cast.stranger), client_of(cast.friend)
    for other in (stranger, new_visitor()):
        assert other.get("/parties/tupper").status == 404
        assert "Tupper" not in other.get("/parties/").text + other.get("/").text
    assert stranger.post("/parties/tupper/rsvp", {"answer": "yes"}).status == 404
    page = stranger.post("/parties/rsvp", {"party_id": str(party.id)})
    assert page.flashes == [("danger", "Please enter a valid Party ID to RSVP!")]
    assert friend.get("/parties/tupper").status == guest.get("/parties/tupper").status == 200
    assert "You have a seat" in friend.get("/parties/tupper").text
    assert "/report" not in friend.get("/parties/tupper").text
    assert WHY.replace("&", "&amp;") not in friend.get("/parties/tupper").text
    assert records.fresh(party).seats_taken == 2


def test_hosts_see_why_their_party_is_hidden(admin, client_of, cast, party, app, records):
    with app.app_context(), transaction():
        db.session.add(CoHost(party_id=party.id, member_id=cast.stranger.id))
    hide(admin, party)
    for host in (cast.host, cast.stranger):
        assert WHY.replace("&", "&amp;") in client_of(host).get("/parties/tupper").text
    written = emails(records, "party_hidden")
    assert sorted(letter.recipient for letter in written) == ["host@example.com", "stranger@example.com"]
    assert WHY in written[0].text
    assert WHY.replace("&", "&amp;") in written[0].html
    assert written[0].subject == "Your party “Tupper” was hidden"


def test_hiding_a_party_requires_a_reason(admin, party, records):
    page = admin.post("/dinnerparties/action_post", {"action": "hide", "rowid": str(party.id)})
    assert page.flashes == [("info", "One more step: give a reason.")]
    page = admin.submit(page.form("/dinnerparties/action_post"), reason=" ")
    assert (page.status, [category for category, _text in page.flashes]) == (422, ["danger"])
    assert records.fresh(party).hidden_at is None


def test_a_bulk_action_hides_parties_and_leaves_hidden_ones_unchanged(admin, cast, party, records):
    other, third = DinnerPartyFactory(host=cast.friend), DinnerPartyFactory(host=cast.friend)
    hide(admin, other, reason="first")
    page = hide(admin, party, other, third)
    assert page.flashes == [("info", "2 parties are now hidden; their hosts will be notified.")]
    assert records.fresh(other).hidden_reason == "first"
    page = admin.post("/dinnerparties/action_post", {"action": "hide", "rowid": [str(party.id), str(other.id)]})
    assert page.flashes == [("warning", "Nothing changed: these parties are already hidden.")]
    assert len(emails(records, "party_hidden")) == 3


def test_hiding_a_party_does_not_make_the_hosts_form_stale(admin, client_of, cast, party, records):
    host = client_of(cast.host)
    form = host.get("/parties/tupper/edit").form("/edit")
    hide(admin, party)
    assert host.submit(form, title="Supper").path == "/parties/tupper/overview"
    assert (records.fresh(party).title, records.fresh(party).hidden_reason) == ("Supper", WHY)


def test_hiding_upholds_the_open_reports_and_is_in_the_audit_log(admin, cast, party, records):
    first, second = PartyReportFactory(party=party), PartyReportFactory(party=party, reporter=cast.friend)
    dismissed = PartyReportFactory(party=party, state="dismissed", decided_at=clock.now())
    elsewhere = PartyReportFactory()
    page = admin.post("/reports/action_post", {"action": "hide", "rowid": [str(first.id)]})
    page = admin.submit(page.form("/reports/action_post"), reason=WHY)
    assert page.flashes == [("info", "1 party is now hidden; its hosts will be notified.")]
    states = [records.fresh(each).state for each in (first, second, dismissed, elsewhere)]
    assert states == ["upheld", "upheld", "dismissed", "open"]
    assert records.fresh(first).decided_by_id == cast.admin.id
    assert records.fresh(first).decided_at
    event = next(event for event in records.all(AuditEvent) if event.action == "party_hidden")
    assert (event.actor, event.subject, event.subject_id) == ("boss", "Tupper", party.id)
    assert event.after == {"reason": WHY, "reports": 2}
    assert "Reports upheld" in admin.get(f"/audit/show/{event.id}").text


def test_a_hidden_party_can_be_shown_again(admin, visitor, party, records):
    hide(admin, party)
    page = admin.post(f"/dinnerparties/action/unhide/{party.id}")
    assert page.flashes == [("info", "1 party is visible again; its hosts will be notified.")]
    assert visitor.get("/parties/tupper").status == 200
    assert (records.fresh(party).hidden_at, records.fresh(party).hidden_reason) == (None, "")
    assert emails(records, "party_shown")[0].recipient == "host@example.com"
    page = admin.post(f"/dinnerparties/action/unhide/{party.id}")
    assert page.flashes == [("warning", "Nothing changed: none of the selected parties is hidden.")]
    assert done(records) == ["party_hidden", "party_shown"]


def test_a_report_is_dismissed_once(admin, party, records):
    filed = [PartyReportFactory(party=party) for _number in range(2)]
    chosen = {"action": "dismiss", "rowid": [str(each.id) for each in filed]}
    assert admin.post("/reports/action_post", chosen).flashes == [("info", "2 reports dismissed.")]
    assert admin.post("/reports/action_post", chosen).flashes == [
        ("warning", "None of the selected reports is still open.")
    ]
    assert [records.fresh(each).state for each in filed] == ["dismissed"] * 2
    assert done(records) == ["report_dismissed"] * 2
    assert records.fresh(party).hidden_at is None


def test_a_copy_of_a_hidden_party_is_a_draft_and_not_hidden(admin, client_of, cast, party, records):
    hide(admin, party)
    host = client_of(cast.host)
    host.submit(host.get("/parties/tupper/overview").form("/copy"))
    copy = next(each for each in records.all(DinnerParty) if each.slug != "tupper")
    assert (copy.status, copy.hidden_at, copy.hidden_reason) == ("draft", None, "")


def test_a_report_form_opened_before_the_party_was_hidden_stores_nothing(client_of, cast, party, app, records):
    RsvpFactory(party=party, member=cast.friend)
    friend = client_of(cast.friend)
    form = friend.get("/parties/tupper/report").form("/report")
    with app.app_context(), transaction():
        db.session.execute(update(DinnerParty).values(hidden_at=clock.now()))
    assert friend.submit(form, reason="spam").flashes == [("info", "Only public parties can be reported.")]
    assert records.count(PartyReport) == 0


@pytest.mark.parametrize("who", ["host", "friend", "translator"])
def test_only_administrators_hide_parties_and_decide_reports(client_of, cast, party, records, who):
    filed = PartyReportFactory(party=party)
    visitor = client_of(getattr(cast, who))
    for path, action, row in (("/dinnerparties", "hide", party), ("/dinnerparties", "unhide", party),
                              ("/reports", "hide", filed), ("/reports", "dismiss", filed)):  # fmt: skip
        assert (
            visitor.post(f"{path}/action_post", {"action": action, "rowid": str(row.id), "reason": "x"}).status == 403
        )
    assert records.fresh(filed).state == "open"


def test_removing_a_guest_is_in_the_audit_log(admin, cast, party, records):
    answer = RsvpFactory(party=party, member=cast.friend)
    admin.post(f"/rsvps/action/withdraw/{answer.id}")
    assert records.fresh(answer).status == "removed"
    event = next(event for event in records.all(AuditEvent) if event.action == "guest_removed")
    assert (event.actor, event.subject, event.before) == ("boss", "Tupper", {"name": "Friend Doe"})
    assert records.count(Rsvp) == 2


def test_the_share_link_of_a_hidden_party_is_closed_to_strangers(admin, visitor, cast, records):
    party = DinnerPartyFactory(host=cast.host, slug="tupper", unlisted=True, share_round=1)
    with visitor.app.app_context():
        token = secret_links.share_token(party)
    assert visitor.get(f"/parties/tupper/join/{token}").status == 200
    hide(admin, party)
    assert visitor.get("/parties/tupper").status == 404
    visitor.post("/parties/tupper/join", {"name": "Ann", "email": "ann@example.org"})
    assert records.count(Invitation) == 0
