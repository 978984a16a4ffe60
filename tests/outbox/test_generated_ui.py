"""Administrators read the outbox, resend e-mails and test the mail server."""

import pytest
from flask_appbuilder.security.sqla.models import PermissionView, Role
from sqlalchemy import select

from app.accounts.models import Member
from app.database import transaction
from app.extensions import db
from app.outbox.models import EmailState, OutboxEmail
from tests.outbox.test_emails import TOKEN
from tests.support.client import Visitor
from tests.support.factories import OutboxEmailFactory


def resend(admin, *letters):
    return admin.post("/letters/action_post", {"action": "resend", "rowid": [letter.id for letter in letters]})


def test_the_list_shows_queued_emails_with_labels(admin):
    OutboxEmailFactory(recipient="somebody@example.com")
    page = admin.get("/letters/list/")
    assert page.status == 200
    assert "somebody@example.com" in page.text
    assert "Waiting" in page.text
    assert "Send a test e-mail to me" in page.text


def test_the_list_does_not_cache_the_permissions_of_its_first_reader(new_app, cast):
    site = new_app()
    site.jinja_env.bytecode_cache = None
    with site.app_context(), transaction():
        listing = PermissionView.permission.has(name="can_list") & PermissionView.view_menu.has(
            name="OutboxEmailModelView"
        )
        role = Role(name="Onlooker", permissions=db.session.scalars(select(PermissionView).where(listing)).all())
        db.session.add(role)
        friend = db.session.get(Member, cast.friend.id)
        friend.roles.append(role)
    texts = []
    for member in (cast.friend, cast.admin, cast.friend):
        reader = Visitor(site)
        reader.log_in_as(member)
        page = reader.get("/letters/list/")
        assert page.status == 200
        texts.append("Send a test e-mail to me" in page.text)
    assert texts == [False, True, False]


@pytest.mark.parametrize("path", ["/letters/list/", "/letters/show/1"])
def test_the_outbox_is_for_administrators(client_of, cast, visitor, path):
    OutboxEmailFactory()
    assert "E-mail number" not in visitor.get(path).text
    page = client_of(cast.stranger).get(path)
    assert page.status == 403
    assert "E-mail number" not in page.text


def test_only_administrators_resend_emails_or_test_the_server(client_of, cast, visitor, records):
    letter = OutboxEmailFactory(failed=True)
    for browser in (visitor, client_of(cast.stranger)):
        resend(browser, letter)
        browser.post("/letters/test")
    assert [row.state for row in records.all(OutboxEmail)] == [EmailState.FAILED]


@pytest.mark.parametrize("path", ["/letters/add", "/letters/edit/1", "/letters/delete/1"])
def test_emails_cannot_be_added_edited_or_deleted(admin, records, path):
    OutboxEmailFactory()
    assert admin.get(path).status in {403, 404, 405}
    assert admin.post(path).status in {403, 404, 405}
    assert records.count(OutboxEmail) == 1


@pytest.mark.usefixtures("no_mail_server")
def test_without_a_mail_server_the_administrator_can_open_the_link(admin, enqueue_activation, app, monkeypatch):
    monkeypatch.setitem(app.config, "PUBLIC_URL", "https://dinner.example.org")
    letter = enqueue_activation(TOKEN)
    page = admin.get(f"/letters/show/{letter.id}")
    assert f'<a href="https://dinner.example.org/register/activation/{TOKEN}">' in page.text


@pytest.mark.usefixtures("smtp")
def test_with_a_mail_server_only_the_recipient_sees_the_secret(admin, enqueue_activation):
    letter = enqueue_activation(TOKEN)
    page = admin.get(f"/letters/show/{letter.id}")
    assert page.status == 200
    assert "/register/activation/…" in page.text
    assert TOKEN not in page.text


def test_markup_in_an_email_is_escaped(admin):
    letter = OutboxEmailFactory(text="<script>alert(1)</script> http://localhost:8080/\"onclick='x'>")
    page = admin.get(f"/letters/show/{letter.id}")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text
    assert 'href="http://localhost:8080/&#34;onclick=&#39;x&#39;&gt;"' in page.text


def test_finished_emails_are_queued_again_with_one_flash(admin, records):
    letters = [OutboxEmailFactory(failed=True), OutboxEmailFactory(sent=True), OutboxEmailFactory()]
    page = resend(admin, *letters)
    assert page.flashes == [("info", "2 messages queued again.")]
    assert {letter.state for letter in records.all(OutboxEmail)} == {EmailState.QUEUED}


def test_an_email_is_queued_again_from_its_page(admin, records):
    letter = OutboxEmailFactory(failed=True)
    page = admin.get(f"/letters/show/{letter.id}")
    page = admin.submit(page.form(f"/letters/action/resend/{letter.id}"))
    assert page.flashes == [("info", "1 message queued again.")]
    assert records.one(OutboxEmail).state == EmailState.QUEUED


def test_queueing_a_queued_email_changes_nothing(admin):
    page = resend(admin, OutboxEmailFactory(), OutboxEmailFactory(sending=True))
    assert page.flashes == [
        ("warning", "Nothing changed: e-mails that are waiting, being sent or expired cannot be queued again.")
    ]


def test_an_email_with_a_used_link_cannot_be_resent(admin, drain, enqueue_activation, smtp, records):
    letter = enqueue_activation(TOKEN)
    drain()
    page = resend(admin, letter)
    advice = "1 message contains a link that has already been used. Send a new activation e-mail from Registrations."
    assert page.flashes == [("warning", advice)]
    assert records.one(OutboxEmail).state == EmailState.SENT
    assert len(smtp.messages) == 1


def test_an_action_without_a_selection_says_so(admin):
    page = admin.post("/letters/action_post", {"action": "resend"})
    assert page.flashes == [("warning", "Select at least one row.")]


def test_a_test_email_goes_to_the_administrator_who_asks(admin, drain, smtp, cast, later):
    page = admin.get("/letters/list/")
    page = admin.submit(page.form("/letters/test"))
    assert page.flashes == [("info", f"Test e-mail queued to {cast.admin.email}.")]
    later(seconds=1)
    assert drain().sent == 1
    assert smtp.recipients == [[cast.admin.email]]


def test_an_unreachable_mail_server_is_reported(admin, mail_outage, records):
    with mail_outage():
        page = admin.post("/letters/test")
    assert page.flashes == [
        ("danger", "Could not reach the mail server: ConnectionRefusedError: [Errno 111] Connection refused")
    ]
    assert records.count(OutboxEmail) == 0


@pytest.mark.usefixtures("no_mail_server")
def test_a_missing_mail_server_is_reported(admin, records):
    page = admin.post("/letters/test")
    assert page.flashes == [("danger", "Could not reach the mail server: no mail server is configured")]
    assert records.count(OutboxEmail) == 0


def test_a_test_email_requires_a_post(admin):
    assert admin.get("/letters/test").status == 405


@pytest.mark.parametrize("query", ["_flt_3_state=queued", "_oc_LetterModelView=attempts&_od_LetterModelView=desc"])
def test_the_list_can_be_searched_and_sorted(admin, query):
    OutboxEmailFactory(subject="Find me")
    page = admin.get(f"/letters/list/?{query}")
    assert page.status == 200
    assert "Find me" in page.text
