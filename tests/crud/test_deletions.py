"""Deleting says what follows, and can be undone for some seconds where nothing has left the house."""

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from flask_appbuilder.security.sqla.models import Role

from app import clock
from app.audit.models import AuditEvent
from app.crud import ModelView, SQLAInterface
from app.crud.deletions import DeletedRow
from app.parties.enums import PartyStatus, RsvpStatus
from app.parties.menu.models import MenuItem
from app.parties.models import DinnerParty, Rsvp
from tests.support.factories import (
    DinnerPartyFactory,
    DishClaimFactory,
    DishSlotFactory,
    InvitationFactory,
    MenuItemFactory,
    RsvpFactory,
)

UNDO = re.compile(r'formaction="([^"]+/restore/[^"]+)"')
PAST = timedelta(days=3)


def delete(visitor, path):
    """Delete a row, and return the page after it and the address of its button to undo that."""
    page = visitor.post(path)
    found = UNDO.search(unescape(" ".join(text for _category, text in page.flashes)) + page.text)
    return page, found and found[1]


def past_party(cast, **given):
    return DinnerPartyFactory(host=cast.host, status=PartyStatus.DONE, starts_at=clock.now() - PAST, **given)


@pytest.mark.both_databases
def test_a_deleted_party_comes_back_with_all_that_went_with_it(admin, cast, records):
    party = past_party(cast, title="Soup")
    guest = RsvpFactory(party=party, member=cast.friend, status=RsvpStatus.YES)
    slot = DishSlotFactory(party=party)
    claim = DishClaimFactory(slot=slot, rsvp=guest)
    InvitationFactory(party=party)
    MenuItemFactory(party=party)
    models = (DinnerParty, Rsvp, type(slot), type(claim), MenuItem)

    def everything():
        return {model: [vars(row) | {"_sa_instance_state": None} for row in records.all(model)] for model in models}

    before = everything()
    page, undo = delete(admin, f"/dinnerparties/delete/{party.id}")
    assert page.status == 200
    assert [records.all(model) for model in models] == [[], [], [], [], []]
    back = admin.post(undo)
    assert back.flashes == [("info", "“Soup” was restored.")]
    assert back.path == f"/dinnerparties/show/{party.id}"
    assert everything() == before
    assert [event.action for event in records.all(AuditEvent)][-2:] == ["party_deleted", "restored"]
    assert records.all(DeletedRow) == []


def test_it_comes_back_once_and_not_after_some_seconds(admin, cast, records):
    party = past_party(cast)
    _page, undo = delete(admin, f"/dinnerparties/delete/{party.id}")
    again = admin.post(f"/dinnerparties/delete/{party.id}")
    assert again.flashes == [("warning", "The selected rows no longer exist.")]
    with time_machine.travel(clock.now() + timedelta(seconds=16), tick=False):
        assert admin.post(undo).flashes == [("warning", "This can no longer be restored.")]
    assert records.all(DinnerParty) == []
    admin.post(undo)
    assert admin.post(undo).flashes == [("warning", "This can no longer be restored.")]
    assert len(records.all(DinnerParty)) == 1


@pytest.mark.both_databases
def test_it_does_not_come_back_where_something_new_is(admin, cast, records):
    party = past_party(cast)
    _page, undo = delete(admin, f"/dinnerparties/delete/{party.id}")
    DinnerPartyFactory(host=cast.host, slug=party.slug, id=party.id + 10)
    page = admin.post(undo)
    assert page.flashes == [("warning", "This cannot be restored, because something new has taken its place.")]
    assert [each.id for each in records.all(DinnerParty)] == [party.id + 10]


def test_others_cannot_restore_it(admin, client_of, cast, visitor, records):
    party = past_party(cast)
    _page, undo = delete(admin, f"/dinnerparties/delete/{party.id}")
    assert client_of(cast.friend).post(undo).status == 403
    assert admin.post("/roles/restore/" + undo.rpartition("/")[2]).flashes[-1][0] == "warning"
    assert admin.get(undo).status == 405
    assert records.all(DinnerParty) == []


def test_deleting_a_party_says_who_is_written_to_and_is_not_undone_then(admin, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=cast.friend, status=RsvpStatus.YES)
    RsvpFactory(party=party, member=cast.stranger, waiting=True)
    question = admin.get(f"/dinnerparties/delete/{party.id}")
    told = " ".join(re.sub("<[^>]+>", " ", question.text).split())
    assert "1 guest holds seats and will be written to." in told
    assert "1 other person who was invited or waits will be written to." in told
    assert re.search(r"Deleted with it: Answers \([23]\)", told)
    assert "This cannot be undone." in told
    page, undo = delete(admin, f"/dinnerparties/delete/{party.id}")
    assert (undo, len(page.flashes)) == (None, 1)
    assert records.all(DeletedRow) == []


def test_cancelling_says_who_is_written_to_before_it_is_done(admin, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=cast.friend, status=RsvpStatus.YES)
    question = admin.post(f"/dinnerparties/action/cancel/{party.id}")
    assert "1 guest holds seats and will be written to." in question.text
    assert question.flashes == [("info", "Nothing has changed yet. Read what will happen, and confirm it.")]
    assert records.all(DinnerParty)[0].status == PartyStatus.PUBLISHED
    done = admin.submit(question.form("/dinnerparties/action_post"))
    assert len(done.flashes) == 1
    assert records.all(DinnerParty)[0].status == PartyStatus.CANCELLED


def test_a_role_comes_back_with_its_permissions(admin, records):
    form = admin.get("/roles/add").form("/roles/add")
    admin.submit(form, name="Cook", permissions=["1", "2"])
    cook = next(role for role in records.all(Role) if role.name == "Cook")
    assert "You can undo this for 10 seconds." in admin.get(f"/roles/delete/{cook.id}").text
    _page, undo = delete(admin, f"/roles/delete/{cook.id}")
    admin.post(undo)
    chosen = admin.get(f"/roles/edit/{cook.id}").form(f"/roles/edit/{cook.id}").fields.getlist("permissions")
    assert sorted(chosen) == ["1", "2"]


class Plates(ModelView):
    datamodel = SQLAInterface(MenuItem)
    route_base = "/plates2"
    base_order = ("id", "asc")
    list_title = show_title = add_title = edit_title = "Plates"
    label_columns = {"name": "Plate"}
    list_columns = show_columns = add_columns = edit_columns = ["name"]
    search_columns = []


class HookedPlates(Plates):
    route_base = "/plates3"

    def pre_delete(self, item):
        item.party.main_dish = "nothing"


@pytest.mark.parametrize(("view", "comes_back"), [(Plates, True), (HookedPlates, False)])
def test_a_plain_view_restores_unless_a_hook_did_more(ours, records, view, comes_back):
    dish = MenuItemFactory(name="Soup")
    visitor = ours(view)
    path = f"{view.route_base}/delete/{dish.id}"
    assert ("You can undo this for 10 seconds." in visitor.get(path).text) is comes_back
    _page, undo = delete(visitor, path)
    assert bool(undo) is comes_back
    if undo:
        assert visitor.post(undo).flashes == [("info", "“Soup” was restored.")]
    assert len(records.all(MenuItem)) == comes_back
