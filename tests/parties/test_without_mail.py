"""A site that sends no e-mail: share links answer at once, hosts pass personal links on, and nobody is promised an e-mail."""

import re

import pytest

from app.audit.models import AuditEvent
from app.outbox.models import OutboxEmail
from app.parties.models import NO_ADDRESS_DOMAIN, Invitation, Rsvp
from app.parties.secret_links import share_token
from tests.support.factories import DinnerPartyFactory, InvitationFactory, RsvpFactory

SEE_YOU = "Seats for 2 are reserved."
NOT_VALID = [("danger", "This invitation is not valid any more.")]


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, title="Fondue", private=True, share_round=1, max_party=3, number_seats=5)


@pytest.fixture
def open_link(app, party):
    """Return a function that opens the share link in a browser, and returns the page of the party."""

    def opened(browser):
        with app.app_context():
            token = share_token(party)
        return browser.get(f"/parties/{party.slug}/join/{token}")

    return opened


def own_link(page):
    """Return the path of the personal link on a page."""
    return re.search(r'value="http://localhost[^/"]*(/invitations/[^"]+)"', page.text).group(1)


def answer(browser, page, answer="yes", **typed):
    form = {"name": "Iris", "party_size": "2", **typed}
    return browser.submit(page.form("/join/answer"), button=("answer", answer), **form)


# -- the share link


@pytest.mark.usefixtures("no_mail_server")
def test_a_visitor_with_the_share_link_answers_at_once(open_link, party, visitor, new_visitor, host, records):
    page = answer(visitor, open_link(visitor))
    assert (page.path, len(page.flashes)) == (f"/parties/{party.slug}", 1)
    assert page.flashes[0][1].endswith(SEE_YOU)
    assert "You have 2 seats at this dinner." in page.text
    assert "Keep this link to change your answer" in page.text
    assert 'alt="The link as a QR code"' in page.text
    assert "You are answering as Iris." in page.words
    # The link answers from any other browser, too.
    later = new_visitor()
    again = later.get(own_link(page))
    changed = later.submit(again.form("/rsvp"), button=("answer", "yes"), party_size="1")
    assert "You have a seat at this dinner." in changed.text
    assert [(row.name, row.party_size) for row in records.all(Rsvp) if row.name == "Iris"] == [("Iris", 1)]
    for path in ("invitations", "guests"):
        shown = host.get(f"/parties/{party.slug}/{path}").text
        assert "Iris" in shown
        assert "No e-mail address" in shown
        assert NO_ADDRESS_DOMAIN not in shown


@pytest.mark.usefixtures("no_mail_server")
def test_no_email_is_written_to_who_gave_no_address(open_link, party, visitor, records):
    answer(visitor, open_link(visitor))
    assert all(not email.recipient.endswith(NO_ADDRESS_DOMAIN) for email in records.all(OutboxEmail))


@pytest.mark.usefixtures("no_mail_server")
def test_the_form_keeps_what_was_typed_and_asks_for_the_name(open_link, visitor, records):
    page = answer(visitor, open_link(visitor), name="", note="We are late.")
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    assert page.form("/join/answer").fields["note"] == "We are late."
    assert records.count(Invitation) == 0


@pytest.mark.usefixtures("no_mail_server")
def test_a_button_that_is_pressed_twice_makes_one_guest(open_link, party, visitor, new_visitor, records):
    form = open_link(visitor).form("/join/answer")
    typed = {**form.fields.to_dict(), "name": "Iris", "party_size": "2", "answer": "yes"}
    other = new_visitor()
    open_link(other)
    # The cookie of the first answer has not arrived when the second request is sent.
    for browser in (visitor, other):
        typed["csrf_token"] = browser.csrf_token()
        browser.post(f"/parties/{party.slug}/join/answer", typed)
    assert records.fresh(party).seats_taken == 1 + 2
    assert records.count(Invitation) == 1


@pytest.mark.usefixtures("no_mail_server")
def test_two_people_with_the_same_name_are_two_guests(open_link, party, visitor, new_visitor, records):
    for browser in (visitor, new_visitor()):
        answer(browser, open_link(browser))
    assert records.fresh(party).seats_taken == 1 + 2 + 2


@pytest.mark.usefixtures("no_mail_server")
def test_a_group_that_is_too_large_chooses_on_the_same_page(open_link, party, visitor, new_visitor, records):
    other = new_visitor()
    answer(other, open_link(other), party_size="3")
    page = answer(visitor, open_link(visitor))
    assert page.flashes == [("warning", "Only 1 of 2 seats is free. Come with 1 or wait?")]
    page = visitor.submit(page.form("/rsvp"), button=("wait", "y"))
    ((category, text),) = page.flashes
    assert category == "warning"
    assert text.startswith(
        "There are no seats for you yet. You are number 1 on the waiting list. Nobody can write to you:"
    )


@pytest.mark.usefixtures("no_mail_server")
def test_only_so_many_people_answer_by_a_link_on_one_day(open_link, app, visitor, monkeypatch, records):
    monkeypatch.setitem(app.config, "INVITATION_DAILY_LIMIT", 0)
    page = answer(visitor, open_link(visitor))
    told = "Too many people have answered by this link today. Ask the host to invite you."
    assert (page.flashes, records.count(Invitation)) == ([("danger", told)], 0)


@pytest.mark.usefixtures("no_mail_server")
def test_nobody_answers_at_once_without_the_share_link(party, visitor, records):
    assert visitor.post(f"/parties/{party.slug}/join/answer", {"name": "Iris", "answer": "yes"}).flashes == NOT_VALID
    assert records.count(Invitation) == 0


def test_with_a_mail_server_the_link_is_sent(open_link, party, visitor, records):
    page = open_link(visitor)
    assert "Send me my personal link" in page.text
    assert visitor.post(f"/parties/{party.slug}/join/answer", {"name": "Iris", "answer": "yes"}).flashes == NOT_VALID
    assert records.count(Invitation) == 0


# -- personal links that hosts pass on


def test_a_host_copies_a_personal_link_and_the_audit_log_says_so(host, party, new_visitor, records):
    invitation = InvitationFactory(party=party, name="Iris", email="iris@example.org")
    form = host.get(f"/parties/{party.slug}/invitations").form(f"/invitations/{invitation.id}/link")
    page = host.submit(form)
    told = "This is the personal link of Iris. It is recorded that you looked at it."
    assert (page.status, page.flashes) == (200, [("info", told)])
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    # It is the link that the guest has, not another one.
    assert own_link(page) == f"/invitations/{invitation.token}"
    assert "You are answering as Iris, iris@example.org." in new_visitor().get(own_link(page)).words
    logged = [entry for entry in records.all(AuditEvent) if entry.action == "personal_link_shown"]
    assert [(entry.actor, entry.subject, entry.after) for entry in logged] == [("host", "Fondue", {"name": "Iris"})]


def test_nobody_but_hosts_of_the_party_see_a_personal_link(party, client_of, cast, visitor):
    invitation = InvitationFactory(party=party)
    path = f"/parties/{party.slug}/invitations/{invitation.id}/link"
    for browser in (client_of(cast.admin), client_of(cast.friend), visitor):
        assert invitation.token not in browser.post(path).text


def test_a_withdrawn_invitation_has_no_link_to_pass_on(host, party, records):
    invitation = InvitationFactory(party=party, revoked=True)
    page = host.post(f"/parties/{party.slug}/invitations/{invitation.id}/link")
    assert page.flashes == [("warning", "This invitation was withdrawn: its link does not work.")]
    assert "Copy link" not in page.text
    assert "personal_link_shown" not in {entry.action for entry in records.all(AuditEvent)}


@pytest.mark.usefixtures("no_mail_server")
def test_the_list_of_invitations_says_that_nobody_was_written_to(host, party):
    InvitationFactory(party=party)
    page = host.get(f"/parties/{party.slug}/invitations")
    assert "Not sent: no mail server" in page.text
    assert "Invitation sent" not in page.text
    assert "This site sends no e-mail. Copy the link of each guest below" in page.text


def test_a_suppressed_invitation_is_not_called_sent(app, host, party, monkeypatch):
    monkeypatch.setattr(app.extensions["mail"], "suppress", True)
    InvitationFactory(party=party)
    assert "Not sent: e-mail is switched off" in host.get(f"/parties/{party.slug}/invitations").text


# -- what is counted


def test_an_address_that_stands_twice_in_a_list_is_not_called_invited(host, party):
    form = host.get(f"/parties/{party.slug}/invitations").form("/invitations/list")
    text = "Iris;iris@example.org\nOtto;otto@example.org\nIris;IRIS@example.org"
    page = host.submit(form, text=text, button=("action", "check"))
    page = host.submit(page.form("/invitations/list"), button=("action", "invite"))
    told = "2 invited, 0 already invited, 0 invalid addresses. 1 repeated address was left out."
    assert page.flashes == [("info", told)]


# -- administrators


@pytest.mark.usefixtures("no_mail_server")
def test_administrators_are_told_on_every_page_what_to_set(admin, host, visitor):
    notice = "This site sends no e-mail, because no mail server is set"
    for path in ("/", "/letters/list/", "/dinnerparties/list/"):
        assert notice in admin.get(path).text
        assert "Set MAIL_SERVER" in admin.get(path).text
    assert notice not in host.get("/").text
    assert notice not in visitor.get("/").text


def test_with_a_mail_server_administrators_are_told_nothing(admin):
    assert "This site sends no e-mail" not in admin.get("/letters/list/").text


def test_messages_are_not_counted_for_who_gave_no_address(host, party):
    RsvpFactory(party=party, name="Iris", email=f"iris{NO_ADDRESS_DOMAIN}")
    assert "(1)" not in host.get(f"/parties/{party.slug}/write").text
