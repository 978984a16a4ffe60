"""The home of administrators, and the menu beside their pages."""

import re
from datetime import timedelta

import pytest
from flask_appbuilder.security.sqla.models import PermissionView, Role
from sqlalchemy import select

from app import clock
from app.crud import sidebar
from app.database import transaction
from app.extensions import appbuilder_of
from tests.support.factories import (
    DinnerPartyFactory,
    MemberFactory,
    OutboxEmailFactory,
    PartyReportFactory,
    RegistrationFactory,
)
from tests.support.statements import count_statements


@pytest.fixture
def clerk(app, client_of):
    """A browser of somebody who may list reports, and nothing else of the administration."""
    with app.app_context(), transaction() as session:
        role = Role(name="Clerk")
        for permission in session.scalars(select(PermissionView)):
            named = permission.permission.name, permission.view_menu.name
            if named in {("can_list", "PartyReportModelView"), ("menu_access", "Reports"), ("menu_access", "Parties")}:
                role.permissions.append(permission)
        session.add(role)
        session.flush()
        member = MemberFactory(roles=[role])
    return client_of(member)


def links_beside(page):
    """The links of the sidebar: their texts, without tags."""
    nav = re.search(r'<nav class="sidebar".*?</nav>', page.text, re.DOTALL)
    found = re.findall(r"<a [^>]*>(.*?)</a>", nav[0], re.DOTALL) if nav else []
    return [" ".join(re.sub(r"<[^>]+>", " ", link).split()) for link in found]


def test_the_sidebar_has_each_entry_of_the_menu(app, admin):
    with app.app_context():
        menu = appbuilder_of().menu.get_list()
        names = [str(child.label) for group in menu for child in group.childs]
    page = admin.get("/dinnerparties/list/")
    # There is no directory here.
    assert links_beside(page) == ["Overview", *(name for name in names if name != "Directory")]
    assert re.search(r'href="/dinnerparties/list/" aria-current="page"', page.text)


def test_pages_for_guests_have_a_link_instead_of_the_sidebar(admin, host):
    assert links_beside(admin.get("/")) == []
    assert 'href="/manage/"' in admin.get("/").text
    assert "Manage" not in host.get("/").text


def test_the_sidebar_counts_what_waits_and_forgets_what_is_decided(admin):
    PartyReportFactory.create_batch(2)
    assert "Reports 2 waiting" in links_beside(admin.get("/manage/"))
    page = admin.get("/reports/list/")
    admin.submit(page.form("/action_post"), action="dismiss", rowid=["1"])
    assert "Reports 1 waiting" in links_beside(admin.get("/manage/"))


def test_more_than_a_hundred_are_not_counted(admin, monkeypatch):
    monkeypatch.setattr(sidebar, "MOST", 2)
    PartyReportFactory.create_batch(4)
    assert "Reports 2+ waiting" in links_beside(admin.get("/manage/"))


@pytest.mark.both_databases
def test_the_home_leads_to_what_needs_the_administrator(admin):
    PartyReportFactory()
    RegistrationFactory()
    OutboxEmailFactory.create_batch(2, failed=True)
    OutboxEmailFactory(failed=True, subject="History", created_at=clock.now() - timedelta(days=8))
    page = admin.get("/manage/")
    for text in ("1 report is open", "1 registration is not activated yet", "2 e-mails of the last 7 days have failed"):
        assert text in page.text
    (url,) = re.findall(r'href="([^"]*)">2 e-mails', page.text)
    failed = admin.get(url.replace("&amp;", "&"))
    assert failed.text.count("<tr>") - 1 == 2
    assert "History" not in failed.text


def test_the_home_shows_how_full_the_next_dinners_are(admin, cast):
    DinnerPartyFactory(host=cast.host, title="Soup", number_seats=6)
    DinnerPartyFactory(host=cast.host, title="Yesterday", starts_at=clock.now() - timedelta(days=1))
    page = admin.get("/manage/")
    assert "1 of 6 seats taken" in page.text
    assert "Yesterday" not in page.text


def test_the_home_says_that_there_is_no_mail_server(admin, no_mail_server):
    assert "No mail server is set" in admin.get("/manage/").text


def test_the_home_says_why_e_mails_wait(admin, smtp):
    assert "E-mails are being sent." in admin.get("/manage/").text
    OutboxEmailFactory(created_at=clock.now() - timedelta(hours=1), last_error="421 too busy")
    assert "421 too busy" in admin.get("/manage/").text


def test_who_may_list_reports_only_sees_nothing_else(clerk):
    PartyReportFactory()
    OutboxEmailFactory(failed=True)
    page = clerk.get("/manage/")
    assert links_beside(page) == ["Overview", "Reports 1 waiting"]
    assert "1 report is open" in page.text
    assert "Versions" not in page.text
    assert "Next dinners" not in page.text
    assert "failed" not in page.text


def test_the_home_is_not_for_guests(visitor, host):
    assert visitor.get("/manage/").path == "/login/"
    assert host.get("/manage/").status == 403


def test_the_home_is_cheap(admin):
    admin.get("/manage/")
    with count_statements() as statements:
        admin.get("/manage/")
    assert len(statements) <= 5, "\n".join(statements)


def test_a_menu_that_is_kept_is_shown_to_those_alone_who_may_open_it(clerk, client_of, cast, app):
    page = "/reports/list/"
    admin = client_of(cast.admin)
    many, few = links_beside(admin.get(page)), links_beside(clerk.get(page))
    assert len(few) < len(many)
    assert links_beside(admin.get(page)) == many
    assert links_beside(clerk.get(page)) == few
    assert links_beside(clerk.get(f"{page}?_l_=es")) != few
    with app.app_context(), transaction() as session:
        role = session.scalars(select(Role).where(Role.name == "Clerk")).one()
        role.permissions = [each for each in role.permissions if each.view_menu.name != "Reports"]
    assert 'class="sidebar"' not in clerk.get(page).text
    assert links_beside(admin.get(page)) == many
