"""The page of one row: its name and state, the actions that apply, links among facts, and its public page."""

import re

import pytest
from flask_appbuilder import ModelView as StockModelView
from flask_appbuilder.models.sqla.interface import SQLAInterface as StockSQLAInterface
from flask_appbuilder.security.sqla.models import PermissionView, Role
from sqlalchemy import select

from app.accounts.models import Member
from app.database import transaction
from app.parties.enums import PartyStatus, RsvpStatus
from app.parties.models import Rsvp
from tests.support.factories import DinnerPartyFactory, OutboxEmailFactory, RsvpFactory

TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
H1 = re.compile(r"<h1>\s*(.*?)\s*</h1>", re.DOTALL)


def head_of(page):
    """Return the heading without markup, and the texts of the buttons and links beside it."""
    top = page.text[page.text.index("<h1>") : page.text.index('id="section-1"')]
    words = [" ".join(each.split()) for each in re.findall(r">([^<>]+)<", top) if each.strip()]
    return re.sub("<[^>]+>", "", H1.search(page.text)[1]), words[1:]


def test_the_page_of_a_party_is_called_like_it_and_says_how_it_stands(admin, cast):
    party = DinnerPartyFactory(host=cast.host, title="Soup & <salad>")
    page = admin.get(f"/dinnerparties/show/{party.id}")
    name, beside = head_of(page)
    assert name == "Soup &amp; &lt;salad&gt;"
    assert " ".join(TITLE.search(page.text)[1].split()).startswith("Soup &amp; &lt;salad&gt; · Dinner party · ")
    assert beside[:2] == ["Published", "Public"]
    assert f'href="/parties/{party.slug}"' in page.text
    edit = admin.get(f"/dinnerparties/edit/{party.id}")
    assert H1.search(edit.text)[1] == "<bdi>Soup &amp; &lt;salad&gt;</bdi>"


@pytest.mark.parametrize(
    ("given", "offered", "missing"),
    [
        ({}, {"Cancel the party", "Hide from the public", "Delete"}, {"Show again"}),
        ({"status": PartyStatus.CANCELLED}, {"Hide from the public", "Delete"}, {"Cancel the party", "Show again"}),
    ],
)
def test_only_what_applies_is_offered_and_one_thing_is_the_main_one(admin, cast, given, offered, missing):
    party = DinnerPartyFactory(host=cast.host, **given)
    page = admin.get(f"/dinnerparties/show/{party.id}")
    _name, beside = head_of(page)
    assert offered <= set(beside)
    assert missing.isdisjoint(beside)
    assert page.text.count("button primary") == 1
    assert '<a href="/dinnerparties/edit/' in page.text
    more = page.text[page.text.index('<summary class="button">More</summary>') :]
    assert all(text in more[: more.index("</details>")] for text in offered)


def test_a_request_for_seats_is_approved_first(admin, cast):
    party = DinnerPartyFactory(host=cast.host, approval=True)
    waiting = RsvpFactory(party=party, member=cast.friend, status=RsvpStatus.AWAITING_APPROVAL)
    page = admin.get(f"/rsvps/show/{waiting.id}")
    assert re.search(r'class="button primary"[^>]*>Approve</button>', page.text)
    done = RsvpFactory(party=party, member=cast.stranger, status=RsvpStatus.NO)
    assert ">Approve<" not in admin.get(f"/rsvps/show/{done.id}").text


def test_a_related_row_leads_to_its_page_if_the_reader_may_open_it(app, admin, cast, client_of):
    party = DinnerPartyFactory(host=cast.host)
    link = f'<a href="/users/show/{cast.host.id}"><bdi>{cast.host.display_name}</bdi></a>'
    assert link in admin.get(f"/dinnerparties/show/{party.id}").text
    with app.app_context(), transaction() as session:
        of_parties = PermissionView.view_menu.has(name="DinnerPartyModelView")
        showing = select(PermissionView).where(of_parties, PermissionView.permission.has(name="can_show"))
        reader = Role(name="Reader", permissions=session.scalars(showing).all())
        session.add(reader)
        friend = session.get(Member, cast.friend.id)
        friend.roles.append(reader)
    page = client_of(cast.friend).get(f"/dinnerparties/show/{party.id}")
    assert (page.status, link in page.text) == (200, False)
    assert cast.host.display_name in page.text
    assert "Edit" not in head_of(page)[1]


class StockAnswers(StockModelView):
    datamodel = StockSQLAInterface(Rsvp)
    route_base = "/stockanswers"
    base_order = ("id", "asc")
    label_columns = {}
    list_columns = show_columns = ["name", "status"]
    add_columns = edit_columns = ["note"]


def test_a_view_of_flask_appbuilder_has_the_same_head(ours, cast):
    answer = RsvpFactory(member=cast.friend)
    page = ours(StockAnswers).get(f"/stockanswers/show/{answer.id}")
    assert H1.search(page.text)[1] == f"<bdi>{answer.name}</bdi>"
    assert page.text.count("button primary") == 1
    assert "Coming" in page.text[page.text.index("<h1>") : page.text.index("<dl")]


def test_a_row_that_is_called_nothing_is_called_by_its_kind_and_key(admin):
    email = OutboxEmailFactory(subject="")
    assert H1.search(admin.get(f"/letters/show/{email.id}").text)[1] == f"<bdi>E-mail {email.id}</bdi>"
