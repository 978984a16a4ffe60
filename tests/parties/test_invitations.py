"""Invitations: one by one, from the address book, resent and revoked."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import vobject
from sqlalchemy import select

from app import clock
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail, Unsubscription
from app.parties.invitations.models import Contact
from app.parties.models import DinnerParty, Invitation, Rsvp
from app.parties.rsvps import leaving
from tests.support.factories import DinnerPartyFactory, InvitationFactory, RsvpFactory
from tests.support.statements import count_statements

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:vobject")
IRIS = "iris@example.org"


def address(party, *parts):
    return "/".join([f"/parties/{party.slug}/invitations", *map(str, parts)])


def invite(host, party, email=IRIS, **typed):
    page = host.get(address(party))
    return host.submit(page.form("/invitations"), email=email, **typed)


def counted(added=0, skipped=0, bad=0):
    text = f"{added} invited, {skipped} already invited, {bad} invalid addresses."
    return [("warning" if skipped or bad else "info", text)]


def again(host, party, invitation):
    page = host.get(address(party))
    return host.submit(page.form(f"/invitations/{invitation.id}/again"))


def revoke(host, party, invitation):
    page = host.get(address(party))
    return host.submit(page.form(f"/invitations/{invitation.id}/revoke"))


def emails(records, kind="party_invitation"):
    return [letter for letter in records.all(OutboxEmail) if letter.kind == kind]


def link(letter):
    return f"/invitations/{letter.secret}"


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, title="Fondue", private=True)


# -- inviting


def test_an_invited_person_gets_an_email_with_a_personal_link(host, party, visitor, records):
    page = invite(host, party, name="Iris", number="3")
    assert page.flashes == counted(added=1)
    assert IRIS in page.text
    row = records.one(Invitation)
    assert (row.email, row.name, row.max_party, row.locale, row.round) == (IRIS, "Iris", 3, "en", 1)
    assert row.sent_at is not None
    letter = records.one(OutboxEmail)
    assert (letter.recipient, letter.name, letter.topic) == (IRIS, "Iris", "invitations")
    assert letter.subject == "Host Doe invites you: Fondue"
    assert "This invitation is for up to 3 people, including you." in letter.text
    assert letter.secret not in letter.text + letter.html
    page = visitor.get(link(letter))
    assert "You are answering as Iris, iris@example.org." in page.text


@pytest.mark.parametrize(
    ("locale", "direction", "subject"),
    [
        ("en", 'lang="en" dir="ltr"', "Host Doe invites you: Fondue"),
        ("es", 'lang="es" dir="ltr"', ""),
        ("ar", 'lang="ar" dir="rtl"', ""),
    ],
)
def test_the_email_is_in_the_chosen_language(host, party, records, locale, direction, subject):
    invite(host, party, locale=locale)
    letter = records.one(OutboxEmail)
    assert letter.locale == locale
    assert direction in letter.html
    assert subject in letter.subject
    assert "Fondue" in letter.subject
    assert "\n" not in letter.subject


def test_the_email_carries_a_calendar_event_without_a_hidden_address(host, cast, records):
    party = DinnerPartyFactory(host=cast.host, address_for_guests=True, address="1 Secret Street")
    invite(host, party, name="Iris")
    letter = records.one(OutboxEmail)
    # It asks for no answer, which would not arrive.
    assert vobject.readOne(letter.calendar).method.value == "PUBLISH"
    assert "Secret" not in letter.calendar + letter.text + letter.html


@pytest.mark.parametrize(
    "email", ["", "iris", "iris@", "@example.org", "a b@example.org", "iris@localhost", "i@example.org>x"]
)
def test_an_invalid_email_address_is_refused_and_kept_in_the_form(host, party, records, email):
    page = invite(host, party, email, name="Iris")
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    assert page.form("/invitations").fields["name"] == "Iris"
    assert records.count(Invitation) == 0


def test_nobody_who_is_invited_or_coming_is_invited_again(host, party, cast, records):
    assert invite(host, party).flashes == counted(added=1)
    assert invite(host, party, IRIS.upper()).flashes == counted(skipped=1)
    RsvpFactory(party=party, member=cast.friend)
    assert invite(host, party, cast.friend.email).flashes == counted(skipped=1)
    assert invite(host, party, cast.host.email).flashes == counted(skipped=1)
    assert len(emails(records)) == 1


def test_a_guest_who_declined_can_be_invited(host, party, cast, records):
    answer = RsvpFactory(party=party, member=cast.friend, declined=True)
    assert invite(host, party, cast.friend.email).flashes == counted(added=1)
    assert records.fresh(answer).invitation_id == records.one(Invitation).id


def test_a_member_is_invited_by_email_and_sees_the_invitation_on_their_page(host, party, client_of, cast, records):
    assert invite(host, party, cast.friend.email).flashes == counted(added=1)
    friend = client_of(cast.friend)
    mine = f"/user/{cast.friend.username}"
    assert "Fondue" in friend.get(mine).text
    page = friend.get(f"/parties/{party.slug}")
    friend.submit(page.form("/rsvp"), button=("answer", "no"))
    assert "Fondue" not in friend.get(mine).text
    assert "Fondue" not in host.get(mine).text
    assert records.one(Invitation).opened_at is not None


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"past": True}, "This party is over. You can no longer invite guests."),
        ({"status": "done"}, "This party is over. You can no longer invite guests."),
        ({"cancelled": True}, "This party was cancelled. You can no longer invite guests."),
    ],
)
def test_nobody_is_invited_to_a_party_that_does_not_take_place(host, cast, records, state, told):
    party = DinnerPartyFactory(host=cast.host, **state)
    invitation = InvitationFactory(party=party)
    assert told in host.get(address(party)).text
    page = host.post(address(party), {"email": IRIS, "number": "1", "locale": "en"})
    assert page.flashes == [("danger", told)]
    page = host.post(address(party, invitation.id, "again"), {"round": "1"})
    assert page.flashes == [("danger", told)]
    assert (records.count(Invitation), records.count(OutboxEmail)) == (1, 0)


def test_nobody_is_invited_after_the_deadline(host, cast, records):
    party = DinnerPartyFactory(host=cast.host, rsvp_deadline=clock.now() - timedelta(hours=1))
    told = "The answer deadline has passed. Set a later one before you invite anyone."
    page = host.post(address(party), {"email": IRIS, "number": "1", "locale": "en"})
    assert page.flashes == [("danger", told)]


@pytest.mark.parametrize("who", ["friend", "stranger", "admin", "translator"])
def test_only_hosts_see_and_send_invitations(client_of, cast, party, records, who):
    RsvpFactory(party=party, member=cast.friend)
    invitation = InvitationFactory(party=party)
    client = client_of(getattr(cast, who))
    before = records.dump()
    for page in (
        client.get(address(party)),
        client.post(address(party), {"email": IRIS, "number": "1", "locale": "en"}),
        client.post(address(party, "list"), {"text": IRIS, "list_locale": "en", "action": "invite"}),
        client.post(address(party, "link"), {"round": "0"}),
        client.post(address(party, invitation.id, "again"), {"round": "1"}),
        client.post(address(party, invitation.id, "revoke")),
    ):
        assert page.status == 403
    assert records.dump() == before


def test_the_email_of_an_invitation_names_the_co_host_who_sent_it(host, client_of, cast, party, records):
    host.post(f"/parties/{party.slug}/hosts", {"username": cast.friend.username})
    assert invite(client_of(cast.friend), party).flashes == counted(added=1)
    (letter,) = emails(records)
    assert letter.subject.startswith(cast.friend.display_name)
    assert records.one(Contact).owner_id == cast.friend.id


def test_invitations_are_limited_for_each_day(host, party, app, records, monkeypatch):
    monkeypatch.setitem(app.config, "INVITATION_DAILY_LIMIT", 2)
    text = "\n".join(f"guest{number}@example.org" for number in range(3))
    fields = {"text": text, "list_locale": "en", "action": "invite"}
    page = host.post(address(party, "list"), fields)
    told = "2 invited, 0 already invited, 0 invalid addresses. 1 invitation exceeds the daily limit. Continue tomorrow."
    assert page.flashes == [("warning", told)]
    assert invite(host, party).flashes == [("warning", "1 invitation exceeds the daily limit. Continue tomorrow.")]
    assert len(emails(records)) == records.count(Invitation) == records.count(Contact) == 2
    clock.set_now(clock.now() + timedelta(days=1, seconds=1))
    assert host.log_in("host", "a good dinner needs time")
    assert invite(host, party).flashes == counted(added=1)


def test_an_unsubscribed_person_is_listed_but_gets_no_email(host, party, app, records):
    with app.app_context(), transaction():
        db.session.add(Unsubscription(email=IRIS.upper(), topic="invitations"))
    assert invite(host, party).flashes == counted(added=1)
    assert records.count(OutboxEmail) == 0
    assert records.one(Invitation).sent_at is not None


@pytest.mark.both_databases
def test_two_concurrent_hosts_invite_a_person_once(client_of, host, cast, party, records):
    host.post(f"/parties/{party.slug}/hosts", {"username": cast.friend.username})
    browsers = [host, client_of(cast.friend)]
    forms = [browser.get(address(party)).form("/invitations") for browser in browsers]
    start, pages = threading.Barrier(2), []

    def send(browser, form):
        start.wait()
        pages.append(browser.submit(form, email=IRIS))

    threads = [threading.Thread(target=send, args=pair) for pair in zip(browsers, forms, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(page.flashes for page in pages) == sorted([counted(added=1), counted(skipped=1)])
    assert records.count(Invitation) == 1
    assert len(emails(records)) == 1


# -- drafts


@pytest.fixture
def draft(cast):
    return DinnerPartyFactory(host=cast.host, title="Fondue", draft=True)


def publish(host, draft):
    page = host.get(f"/parties/{draft.slug}/edit")
    return host.submit(page.form("/edit"), button=("action", "publish"))


def test_invitations_to_a_draft_are_emailed_when_it_is_published(host, draft, records, smtp):
    page = invite(host, draft)
    assert page.flashes == counted(added=1)
    assert "Not sent yet" in page.text
    invite(host, draft, "otto@example.org")
    invite(host, draft, "oops@example.org")
    revoke(host, draft, max(records.all(Invitation), key=lambda row: row.id))
    assert records.count(OutboxEmail) == 0
    assert publish(host, draft).flashes == [("info", "Party published. 2 invitations queued.")]
    assert {letter.recipient for letter in emails(records)} == {IRIS, "otto@example.org"}
    assert "Not sent yet" not in host.get(address(draft)).text


@pytest.mark.usefixtures("no_mail_server")
def test_without_a_mail_server_the_host_is_told_to_share_the_link(host, draft, records):
    invite(host, draft)
    page = publish(host, draft)
    assert page.flashes == [("warning", "Published, but this site sends no e-mail: give your guests their links.")]
    assert len(emails(records)) == 1


def test_a_draft_without_invitations_is_published_as_usual(host, draft):
    assert publish(host, draft).flashes == [("info", "Party “Fondue” published.")]


# -- resending and revoking


def test_resending_an_invitation_renews_its_link(host, party, new_visitor, records):
    invite(host, party)
    (first,) = emails(records)
    guest = new_visitor()
    guest.get(link(first))
    page = again(host, party, records.one(Invitation))
    assert page.flashes == [("info", f"{IRIS} was invited again. Earlier links no longer work.")]
    old, new = emails(records)
    assert (old.state, old.secret, new.state) == ("failed", None, "queued")
    # Sessions that opened the old link have no access, either.
    assert guest.get(f"/parties/{party.slug}").status == 404
    assert new_visitor().get(link(first)).flashes == [("danger", "This invitation is not valid any more.")]
    assert new_visitor().get(link(new)).path == f"/parties/{party.slug}"


def test_resending_an_invitation_from_two_tabs_sends_it_once(host, party, records):
    invite(host, party)
    form = host.get(address(party)).form("/again")
    host.submit(form)
    assert host.submit(form).flashes == [("warning", "Nothing changed: they have just been invited again.")]
    assert records.one(Invitation).round == 2


def test_resending_invitations_is_limited(host, party, records):
    invite(host, party)
    for _time in range(2):
        again(host, party, records.one(Invitation))
    page = again(host, party, records.one(Invitation))
    assert page.flashes == [("warning", f"{IRIS} was invited several times today. Try again tomorrow.")]
    assert len(emails(records)) == 3


def test_a_removed_guest_can_reply_once_invited_again(host, party, app, visitor, records):
    invite(host, party)
    visitor.get(link(emails(records)[0]))
    page = visitor.get(f"/parties/{party.slug}")
    visitor.submit(page.form("/rsvp"), button=("answer", "yes"))
    with app.app_context(), transaction():
        leaving.remove(db.session.scalars(select(Rsvp).where(Rsvp.email == IRIS)).one())
    again(host, party, records.one(Invitation))
    answer = next(row for row in records.all(Rsvp) if row.email == IRIS)
    assert answer.status == "cancelled"
    visitor.get(link(emails(records)[-1]))
    page = visitor.get(f"/parties/{party.slug}")
    visitor.submit(page.form("/rsvp"), button=("answer", "yes"))
    assert records.fresh(answer).status == "yes"


def test_a_revoked_invitation_is_invalid_but_its_rsvp_stays(host, party, visitor, records):
    invite(host, party)
    (letter,) = emails(records)
    visitor.get(link(letter))
    visitor.submit(visitor.get(f"/parties/{party.slug}").form("/rsvp"), button=("answer", "yes"))
    page = revoke(host, party, records.one(Invitation))
    assert page.flashes == [("info", f"The invitation for {IRIS} was withdrawn.")]
    assert "Invitation withdrawn" in page.text
    assert visitor.get(link(letter)).flashes == [("danger", "This invitation is not valid any more.")]
    assert visitor.get(f"/parties/{party.slug}").status == 404
    assert records.fresh(party).seats_taken == 2
    page = host.post(address(party, records.one(Invitation).id, "revoke"))
    assert page.flashes == [("warning", "Nothing changed: this invitation has already been withdrawn.")]
    again(host, party, records.one(Invitation))
    assert records.one(Invitation).revoked_at is None


def test_a_pending_email_is_not_sent_once_the_invitation_is_revoked(host, party, records):
    invite(host, party)
    revoke(host, party, records.one(Invitation))
    (letter,) = emails(records)
    assert (letter.state, letter.secret) == ("failed", None)


def test_an_invitation_of_another_party_is_not_found(host, cast, party):
    other = InvitationFactory(party=DinnerPartyFactory(host=cast.friend))
    for number in (other.id, 99999999999999999999):
        assert host.post(address(party, number, "revoke")).status == 404


def test_an_invitation_used_by_another_member_can_be_sent_again(host, party, client_of, cast, new_visitor, records):
    invite(host, party)
    friend = client_of(cast.friend)
    friend.get(link(emails(records)[0]))
    friend.submit(friend.get(f"/parties/{party.slug}").form("/rsvp"), button=("answer", "yes"))
    page = host.get(address(party))
    assert f"as {cast.friend.display_name}" in page.text
    again(host, party, records.one(Invitation))
    guest = new_visitor()
    guest.get(link(emails(records)[-1]))
    page = guest.submit(guest.get(f"/parties/{party.slug}").form("/rsvp"), button=("answer", "yes"))
    assert page.flashes[0][0] == "info"
    assert records.fresh(party).seats_taken == 3


# -- later e-mails


def test_people_without_an_rsvp_are_emailed_about_changes_and_the_cancellation(host, party, visitor, records):
    for name in ("iris", "otto", "nora", "quit"):
        invite(host, party, f"{name}@example.org")
    by_name = {row.email.partition("@")[0]: row for row in records.all(Invitation)}
    otto = next(letter for letter in emails(records) if letter.recipient.startswith("otto"))
    visitor.get(link(otto))
    visitor.submit(visitor.get(f"/parties/{party.slug}").form("/rsvp"), button=("answer", "no"))
    revoke(host, party, by_name["quit"])
    page = host.get(f"/parties/{party.slug}/edit")
    assert host.submit(page.form("/edit"), venue="The barn").flashes == [
        ("info", "Saved. 2 guests will get an updated calendar entry.")
    ]
    told = emails(records, "invitation_changed")
    assert sorted(letter.recipient for letter in told) == [IRIS, "nora@example.org"]
    assert "The barn" in told[0].text
    assert vobject.readOne(told[0].calendar).method.value == "PUBLISH"
    assert visitor.get(link(told[0])).path == f"/parties/{party.slug}"
    page = host.post(f"/parties/{party.slug}/cancel")
    assert page.flashes == [("warning", "Party cancelled; 2 guests will be told.")]
    told = emails(records, "invitation_cancelled")
    event = vobject.readOne(told[0].calendar)
    assert (len(told), event.method.value, event.vevent.status.value) == (2, "CANCEL", "CANCELLED")


def test_people_without_an_rsvp_are_not_emailed_about_a_hidden_address(host, cast, records):
    party = DinnerPartyFactory(host=cast.host, address_for_guests=True)
    invite(host, party)
    page = host.get(f"/parties/{party.slug}/edit")
    host.submit(page.form("/edit"), address="2 Market Street")
    assert emails(records, "invitation_changed") == []


# -- address book


def test_earlier_contacts_are_suggested(host, party, cast, records):
    invite(host, party, name="Iris")
    invite(host, party, "otto@example.org")
    other = DinnerPartyFactory(host=cast.host)
    page = host.get(address(other))
    assert "People you have invited before" in page.text
    iris, otto = (str(row.id) for row in records.all(Contact))
    page = host.submit(page.form("/contacts"), contact=[iris])
    assert page.flashes == counted(added=1)
    assert (records.all(Invitation)[-1].email, records.all(Invitation)[-1].name) == (IRIS, "Iris")
    assert f'form="forget-{iris}"' not in page.text
    assert f'form="forget-{otto}"' in page.text
    assert host.submit(page.form("/contacts")).flashes == [("warning", "Choose at least one person.")]
    page = host.submit(page.form(f"/contacts/{otto}/remove"))
    assert page.flashes == [("info", "Removed from your address book.")]
    page = host.post(address(other, "contacts", otto, "remove"))
    assert page.flashes == [("warning", "Nothing changed: they were not in your address book.")]
    assert records.one(Contact).email == IRIS


def test_the_address_book_keeps_the_latest_name(host, party, cast, records):
    invite(host, party, name="Iris")
    invite(host, DinnerPartyFactory(host=cast.host), IRIS.upper(), name="Iris Invited")
    invite(host, DinnerPartyFactory(host=cast.host), IRIS)
    assert records.one(Contact).name == "Iris Invited"


def test_the_address_book_is_private_to_its_host(host, party, client_of, cast, records):
    invite(host, party)
    friend, theirs = client_of(cast.friend), DinnerPartyFactory(host=cast.friend)
    assert "People you have invited before" not in friend.get(address(theirs)).text
    key = str(records.one(Contact).id)
    page = friend.post(address(theirs, "contacts"), {"contact": key, "contacts_locale": "en"})
    assert page.flashes == [("warning", "Choose at least one person.")]
    page = friend.post(address(theirs, "contacts", key, "remove"))
    assert page.flashes == [("warning", "Nothing changed: they were not in your address book.")]
    assert records.count(Contact) == 1


# -- page


def test_the_list_shows_the_state_of_each_invitation(host, party, cast, records):
    now = clock.now()
    moments = {"opened_at": now - timedelta(hours=2), "reminded_at": now}
    rows = {
        "Invitation sent": InvitationFactory(party=party),
        "Link was opened": InvitationFactory(party=party, opened_at=now),
        "Reminder sent": InvitationFactory(party=party, **moments),
        "Invitation withdrawn": InvitationFactory(party=party, revoked=True),
        "Not sent yet": InvitationFactory(party=party, sent_at=None),
        "Has answered": InvitationFactory(party=party, email=cast.friend.email),
    }
    RsvpFactory(party=party, member=cast.friend, party_size=2)
    text = host.get(address(party)).text
    for words, invitation in rows.items():
        row = text.split(invitation.email)[1].split("</tr>")[0]
        assert f">{words}</span>" in row, words
    assert "Coming" in text.split(cast.friend.email)[1].split("</tr>")[0]


@pytest.mark.both_databases
def test_a_long_list_is_paginated_and_takes_few_statements(host, party):
    InvitationFactory.create_batch(3, party=party)
    host.get(address(party))
    with count_statements() as few:
        host.get(address(party))
    InvitationFactory.create_batch(120, party=party)
    with count_statements() as many:
        page = host.get(address(party))
    assert len(many) <= min(len(few), 8), "\n".join(many)
    assert page.text.count("/again") == 100
    assert host.get(f"{address(party)}?page=2").text.count("/again") == 23
    assert host.get(f"{address(party)}?page=x").status == 200


def test_the_email_uses_the_time_zone_of_the_party(host, cast, records):
    evening = datetime(2030, 7, 1, 18, 30, tzinfo=UTC)
    clock.set_now(evening - timedelta(days=30))
    party = DinnerPartyFactory(host=cast.host, starts_at=evening, timezone="Europe/Madrid")
    with_login = host.log_in("host", "a good dinner needs time")
    assert with_login
    invite(host, party)
    assert "8:30" in records.one(OutboxEmail).text.replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_inviting_and_sharing_do_not_make_an_open_form_stale(host, draft, records):
    """Nor does the share link."""
    form = host.get(f"/parties/{draft.slug}/edit").form("/edit")
    host.post(address(draft, "link"), {"round": "0"})
    invite(host, draft)
    assert host.submit(form, button=("action", "save_draft"), venue="Hut").flashes[0][0] == "info"
    assert records.one(DinnerParty).venue == "Hut"


def test_an_anonymised_invitation_cannot_be_resent(host, party, records):
    invitation = InvitationFactory(party=party, email="erased-7@invalid", name="", revoked=True)
    page = host.get(address(party))
    assert "Guest whose data was deleted" in page.text
    assert "erased-7" not in page.text
    page = host.post(address(party, invitation.id, "again"), {"round": "1"})
    assert page.flashes == [
        ("warning", "The data of this person has been deleted. There is no e-mail address to write to.")
    ]
    assert records.count(OutboxEmail) == 0
