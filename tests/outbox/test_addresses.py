"""An e-mail address that the site cannot write to is refused at the field in which it was typed."""

import pytest

from app.accounts.form_fields import NOT_WRITABLE
from app.accounts.models import Member, MemberInvitation, Registration
from app.parties.invitations import import_list
from app.parties.models import Invitation
from tests.parties.api_client import ApiClient

ADDRESS = "josé@example.org"
PERSON = {"username": "jose", "first_name": "José", "last_name": "Vega", "password": "a long enough password"}


def assert_refused(page):
    assert page.status == 422
    assert str(NOT_WRITABLE) in page.text
    assert ADDRESS in page.text


def test_at_registration(visitor, records):
    form = visitor.get("/register/form").form("/register/form")
    assert_refused(visitor.submit(form, email=ADDRESS, **PERSON))
    assert records.count(Registration) == 0


def test_at_a_change_of_the_address(host):
    assert_refused(host.submit(host.get("/account/email/").form("/account/email/"), email=ADDRESS))


@pytest.mark.parametrize("path", ["/users/add", "/memberinvitations/add"])
def test_in_the_generated_pages(admin, records, path):
    before = records.count(Member)
    form = admin.get(path).form(path)
    sent = {name: value for name, value in PERSON.items() if name in form.names}
    assert_refused(admin.submit(form, email=ADDRESS, **sent))
    assert (records.count(Member), records.count(MemberInvitation)) == (before, 0)


def test_in_an_invitation(host, party, records):
    path = f"/parties/{party.slug}/invitations"
    page = host.get(path)
    assert_refused(host.submit(page.form(path), email=ADDRESS))
    assert records.count(Invitation) == 0


def test_in_the_api(app, cast, party):
    client = ApiClient(app, cast.host)
    refused = client.post(f"/{party.slug}/invitations", {"invitations": [{"email": ADDRESS}]}, status=422)
    assert str(NOT_WRITABLE) in str(refused)


def test_in_a_list_it_counts_as_invalid():
    assert import_list.normalize_email(ADDRESS) is None
    assert import_list.normalize_email("jose@löffel.example") == "jose@löffel.example"
