"""Co-hosts, and copies of a party."""

from datetime import UTC, datetime, timedelta

import pytest

from app import clock
from app.outbox.models import OutboxEmail
from app.parties.menu.models import MenuItem
from app.parties.models import CoHost, DinnerParty
from tests.support.factories import DinnerPartyFactory, MemberFactory, RsvpFactory


def invite(host, party, username):
    page = host.get(f"/parties/{party.slug}/hosts")
    return host.submit(page.form("/hosts"), username=username)


def test_a_co_host_can_edit_the_party_but_not_cancel_it(client_of, cast, party, records):
    page = invite(client_of(cast.host), party, cast.friend.username.upper())
    assert page.flashes == [("info", f"{cast.friend.display_name} is now a co-host.")]
    letter = records.one(OutboxEmail)
    assert (letter.kind, letter.recipient) == ("co_host", cast.friend.email)
    friend = client_of(cast.friend)
    page = friend.get(f"/parties/{party.slug}/edit")
    friend.submit(page.form("/edit"), venue="The garden")
    assert records.fresh(party).venue == "The garden"
    assert friend.get(f"/parties/{party.slug}/kitchen").status == 200
    assert friend.post(f"/parties/{party.slug}/cancel").status == 403
    assert friend.post(f"/parties/{party.slug}/hosts", {"username": cast.stranger.username}).status == 403
    assert f"/parties/{party.slug}" in friend.get(f"/user/{cast.friend.username}").text


def test_a_draft_is_seen_by_its_co_hosts(client_of, cast):
    draft = DinnerPartyFactory(host=cast.host, draft=True)
    assert client_of(cast.friend).get(f"/parties/{draft.slug}").status == 404
    invite(client_of(cast.host), draft, cast.friend.username)
    assert client_of(cast.friend).get(f"/parties/{draft.slug}").status == 200


@pytest.mark.parametrize(
    ("username", "told"),
    [
        (
            "nobody-at-all",
            (
                "danger",
                "Nobody has this username, and no member who has answered to one of your parties has this name or e-mail address.",
            ),
        ),
        ("host", ("info", "Host Doe is already a host of this party.")),
        ("", ("danger", "Please correct the fields that are marked.")),
    ],
)
def test_a_member_who_cannot_host_is_refused_with_a_reason(client_of, cast, party, username, told):
    assert invite(client_of(cast.host), party, username).flashes == [told]


def test_a_co_host_can_be_removed_and_can_leave(client_of, cast, party, records):
    host = client_of(cast.host)
    for guest in (cast.friend, cast.stranger):
        invite(host, party, guest.username)
    page = host.post(f"/parties/{party.slug}/hosts/friend/remove")
    assert page.flashes == [("info", "Friend Doe is no longer a host of this party.")]
    page = host.post(f"/parties/{party.slug}/hosts/friend/remove")
    assert page.flashes == [("warning", "Nothing changed: they were not a host of this party.")]
    page = client_of(cast.stranger).post(f"/parties/{party.slug}/hosts/stranger/remove")
    assert page.flashes == [("info", "Stranger Doe is no longer a host of this party.")]
    assert records.count(CoHost) == 0


def test_a_copy_is_a_draft_with_the_same_settings_at_the_same_hour(client_of, cast, records):
    clock.set_now(datetime(2030, 4, 10, 12, tzinfo=UTC))
    # Daylight saving time started in Madrid on the 31st of March.
    before = datetime(2030, 3, 28, 19, 0, tzinfo=UTC)
    party = DinnerPartyFactory(host=cast.host, title="Paella", starts_at=before, timezone="Europe/Madrid")
    host = client_of(cast.host)
    host.submit(host.get(f"/parties/{party.slug}/menu").form("/menu"), **{"dishes-0-name": "Paella"})
    page = host.post(f"/parties/{party.slug}/copy")
    assert page.flashes == [("info", "Copy created as a draft; pick a date.")]
    twin = max(records.all(DinnerParty), key=lambda row: row.id)
    assert (twin.title, twin.status, twin.number_seats, twin.seats_taken) == ("Paella", "draft", 8, 1)
    assert twin.starts_at == before + timedelta(weeks=2) - timedelta(hours=1)
    assert [item.name for item in records.all(MenuItem) if item.party_id == twin.id] == ["Paella"]


def test_only_hosts_can_copy_a_party(client_of, cast, party):
    assert client_of(cast.friend).post(f"/parties/{party.slug}/copy").status == 403


# -- searching


def met(cast, member, **columns):
    """Let a member answer to another party of the host."""
    return RsvpFactory(party=DinnerPartyFactory(host=cast.host), member=member, **columns)


@pytest.mark.both_databases
def test_a_host_adds_by_name_or_address_whom_they_have_met(client_of, cast, party, records):
    host = client_of(cast.host)
    met(cast, cast.friend)
    twin = MemberFactory(first_name="Friendly", last_name="Doe")
    met(cast, twin)
    page = invite(host, party, "friend")
    assert page.flashes == [("info", "Friend Doe is now a co-host.")]
    page = invite(host, party, "doe")
    assert page.flashes == [("info", "Choose whom you mean. Nobody was added yet.")]
    form = next(form for form in page.forms if ("username", twin.username) in form.buttons)
    assert host.submit(form, button=("username", twin.username)).flashes == [("info", "Friendly Doe is now a co-host.")]
    assert records.count(CoHost) == 2
    # As it stood on the guest list.
    met(cast, cast.stranger)
    assert invite(host, party, cast.stranger.email.upper()).flashes == [("info", "Stranger Doe is now a co-host.")]


def test_who_has_an_account_is_not_told(client_of, cast, party, records):
    """Not by an address, and not by the new address of somebody whom the host has met."""
    host = client_of(cast.host)
    met(cast, cast.stranger, email="earlier@example.com")
    pages = [
        invite(host, party, typed)
        for typed in (cast.friend.email, "nobody@example.com", cast.stranger.email, cast.admin.display_name)
    ]
    assert len({page.flashes[0] for page in pages}) == 1
    for typed in (cast.friend.email, cast.stranger.email, "f"):
        assert host.get(f"/parties/{party.slug}/hosts/people?q={typed}").json == []
    found = host.get(f"/parties/{party.slug}/hosts/people?q=earlier").json
    assert found == [{"value": "stranger", "label": "Stranger Doe (earlier@example.com)"}]
    assert client_of(cast.friend).get(f"/parties/{party.slug}/hosts/people?q=earlier").status == 403
    assert records.count(CoHost) == 0
