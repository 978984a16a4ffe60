"""One field of several rows, or of one row in its cell, set in the list of parties."""

import re

import pytest

from app.crud import flashes
from app.database import transaction
from app.extensions import db
from app.parties.enums import Visibility
from app.parties.models import DinnerParty
from tests.support.factories import DinnerPartyFactory

LIST = "/dinnerparties/list/"
SET = "/dinnerparties/set/visibility"


@pytest.fixture
def parties(cast):
    return DinnerPartyFactory.create_batch(2, host=cast.host)


def opened(admin, parties, column="visibility"):
    """The form for a column of the chosen rows, as the button of the list opens it."""
    form = admin.get(LIST).form("/action_post")
    form.action = f"/dinnerparties/set/{column}"
    return admin.submit(form, rowid=[str(party.id) for party in parties])


def test_a_field_of_the_chosen_rows_is_set(admin, parties, records, cast):
    untouched = DinnerPartyFactory(host=cast.host)
    page = opened(admin, parties)
    assert page.flashes == [("info", "One more step: choose the new value.")]
    assert "Visibility of 2 rows" in page.text
    done = admin.submit(page.form("/set/visibility"), visibility="private")
    assert (done.path, done.flashes) == (LIST, [("info", "2 rows changed.")])
    assert [records.fresh(party).visibility for party in (*parties, untouched)] == ["private", "private", "public"]


def test_a_row_that_somebody_else_has_changed_is_kept_and_told(admin, parties, records, app):
    page = opened(admin, parties)
    with app.app_context(), transaction():
        db.session.get_one(DinnerParty, parties[0].id).visibility = Visibility.UNLISTED
    done = admin.submit(page.form("/set/visibility"), visibility="private")
    ((category, text),) = done.flashes
    assert category == "warning"
    assert text.startswith("1 row changed. 1 row was not changed:")
    assert [records.fresh(party).visibility for party in parties] == ["unlisted", "private"]


def test_a_value_that_a_rule_refuses_changes_nothing(admin, parties, records):
    page = admin.get(f"/dinnerparties/set/number_seats?rowid={parties[0].id}")
    assert page.form("/set/number_seats").fields["number_seats"] == "8"
    wrong = admin.submit(page.form("/set/number_seats"), number_seats="many")
    assert (wrong.status, wrong.flashes) == (422, [("danger", str(flashes.CORRECT_THE_FIELDS))])
    assert 'value="many"' in wrong.text
    none = admin.submit(wrong.form("/set/number_seats"), number_seats="0")
    assert [category for category, _text in none.flashes] != ["info"]
    assert records.fresh(parties[0]).number_seats == 8


def test_a_cell_leads_to_its_field_and_back_to_the_list(admin, parties, records):
    page = admin.get(f"{LIST}?q=dinner")
    assert f'href="/dinnerparties/set/number_seats?rowid={parties[0].id}"' in page.text
    form = admin.get(f"/dinnerparties/set/number_seats?rowid={parties[0].id}").form("/set/number_seats")
    done = admin.submit(form, number_seats="9", next=f"{LIST}?q=dinner")
    assert (done.url.endswith(f"{LIST}?q=dinner"), done.flashes) == (True, [("info", "1 row changed.")])
    assert records.fresh(parties[0]).number_seats == 9


def test_each_row_that_was_set_has_it_in_its_history_and_can_be_undone(admin, parties, records):
    admin.submit(opened(admin, parties).form("/set/visibility"), visibility="private")
    pages = [admin.get(f"/dinnerparties/history/{party.id}") for party in parties]
    for page in pages:
        text = " ".join(re.sub("<[^>]+>", " ", page.text).split())
        assert "Changed an entry" in text
        assert "Visibility Public Private" in text
    undone = admin.submit(pages[0].form(f"/dinnerparties/undo/{parties[0].id}"))
    assert undone.flashes == [("info", f"The last change of “{parties[0].title}” was undone.")]
    assert [records.fresh(party).visibility for party in parties] == ["public", "private"]


def test_what_was_set_in_a_cell_can_be_undone(admin, parties, records):
    form = admin.get(f"/dinnerparties/set/number_seats?rowid={parties[0].id}").form("/set/number_seats")
    admin.submit(form, number_seats="9")
    page = admin.get(f"/dinnerparties/history/{parties[0].id}")
    assert "Seats 8 9" in " ".join(re.sub("<[^>]+>", " ", page.text).split())
    admin.submit(page.form(f"/dinnerparties/undo/{parties[0].id}"))
    assert records.fresh(parties[0]).number_seats == 8


def test_only_declared_columns_of_rows_that_exist_can_be_set(admin, host, parties, records):
    assert admin.get(f"/dinnerparties/set/host?rowid={parties[0].id}").status == 404
    assert admin.get(f"{SET}?rowid=999").status == 404
    assert admin.get(f"/rsvps/set/status?rowid={parties[0].id}").status == 404
    assert host.get(f"{SET}?rowid={parties[0].id}").status == 403
    refused = host.post(SET, {"rowid": parties[0].id, f"version-{parties[0].id}": "x", "visibility": "private"})
    assert refused.status == 403
    assert admin.post(SET, {"visibility": "private"}).flashes == [("warning", "Select at least one row.")]
    assert records.fresh(parties[0]).visibility == "public"
