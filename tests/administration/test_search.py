"""The search for pages, parties and members: as a page, and as JSON for the palette."""

import pytest

from app.administration import search
from tests.support.factories import DinnerPartyFactory, MemberFactory
from tests.support.statements import count_statements

JSON = {"Accept": "application/json"}


def found(visitor, text):
    page = visitor.get(f"/manage/search?q={text}", headers=JSON)
    assert page.response.mimetype == "application/json"
    return [(hit["label"], hit["kind"]) for hit in page.json]


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("outb", ("Outbox", "Mail")),
        ("ÉLO dur", ("Élodie Durand", "User")),
        ("noche", ("Noche de moles", "Dinner party")),
        ("add dinner", ("Add a dinner party", "Dinner parties")),
    ],
)
def test_pages_forms_parties_and_members_are_found_by_name(admin, cast, text, hit):
    MemberFactory(username="elo", first_name="Élodie", last_name="Durand")
    DinnerPartyFactory(host=cast.host, title="Noche de moles")
    assert found(admin, text) == [hit]


def test_without_a_script_it_is_a_page(admin, cast):
    party = DinnerPartyFactory(host=cast.host, title="Noche de moles")
    assert 'href="/manage/search"' in admin.get("/").text
    page = admin.submit(admin.get("/manage/search").form("/manage/search", index=0), q="noche")
    assert f'href="/dinnerparties/show/{party.id}"' in page.text
    assert "Nothing was found." in admin.get("/manage/search?q=nothing+of+this").text


def test_a_search_is_bounded(admin, cast):
    DinnerPartyFactory.create_batch(search.MAX_ROWS + 2, host=cast.host)
    admin.get("/manage/search?q=dinner", headers=JSON)
    with count_statements() as statements:
        hits = found(admin, "dinner+number")
    assert len(hits) == search.MAX_ROWS
    assert len(statements) <= 7, "\n".join(statements)
    assert len(found(admin, "")) <= search.MAX_HITS
    assert admin.get("/manage/search?q=" + "a" * 5000).status == 200


def test_nobody_finds_what_they_may_not_open(visitor, host, cast):
    DinnerPartyFactory(host=cast.stranger, title="Secret soup")
    for reader in (host, visitor):
        page = reader.get("/manage/search?q=secret", headers=JSON)
        assert "Secret soup" not in page.text
    assert host.get("/manage/search").status == 403
    assert "palette" not in host.get("/").text
