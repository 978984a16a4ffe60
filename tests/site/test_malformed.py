"""Malformed requests get an error page of the site, and leave the data consistent.

DINNERPARTY_THOROUGH=yes sends a hundred times as many.
"""

import re
from collections import Counter
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select

from app.accounts import tokens
from app.accounts.enums import TokenPurpose
from app.accounts.models import ADMIN, Member
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties.enums import OfferState, RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from app.parties.waiting_list.models import WaitOffer
from tests.site.malformed import LARGE, Malformed, Spoiler
from tests.support import THOROUGH
from tests.support.factories import (
    PASSWORD,
    DinnerPartyFactory,
    MemberFactory,
    OutboxEmailFactory,
    RegistrationFactory,
    RsvpFactory,
    WaitOfferFactory,
)

ROUND = 110
REQUESTS = ROUND * (200 if THOROUGH else 2)
WHO = ("anonymous", "guest", "admin")
# Internals that no response may contain; no request does.
INSIDE = re.compile(
    # An administrator who sends a test e-mail is told why the mail server cannot be reached.
    r"(?<!mail server: )(?:Traceback|sqlalchemy|psycopg|sqlite|werkzeug|/app/\w+\.py|ab_user|dinner_party\b|login_session"
    r"|constraint failed|syntax error|violates|\b[A-Z]\w+Error\b|SELECT .* FROM|\(Background on this)",
)
PARTY = {
    "title": "Dinner", "starts_at": "2030-06-01T19:00", "timezone": "Europe/Madrid", "ends_at": "2030-06-01T22:00",
    "venue": "Home", "address": "1 Street", "main_dish": "Soup", "description": "Come", "number_seats": "8",
    "visibility": "public",
}  # fmt: skip
PERSON = {"email": "new@example.com", "first_name": "New", "last_name": "One", "password": PASSWORD, "timezone": "UTC"}


class Site:
    """A populated site and its three kinds of readers, renewed for every round, because some requests succeed."""

    def __init__(self, app: Any, new_visitor: Any, number: int, seed: str) -> None:
        self.app, self.new_visitor = app, new_visitor
        self.guest = MemberFactory(username=f"guest{number}")
        self.admin = MemberFactory(username=f"boss{number}", admin=True)
        self.party = DinnerPartyFactory(host=self.guest, slug=f"the-party-{number}", number_seats=4)
        answer = RsvpFactory(party=self.party, member=MemberFactory(username=f"friend{number}"))
        RsvpFactory(party=self.party, member=MemberFactory(username=f"late{number}"), waiting=True)
        offer = WaitOfferFactory(party=self.party)
        registration = RegistrationFactory(username=f"newcomer{number}")
        letter = OutboxEmailFactory(failed=True)
        keys = [str(row.id) for row in (self.guest, self.party, answer, offer, registration, letter)]
        known = {
            "pk": keys,
            "slug": [self.party.slug],
            "username": [self.guest.username],
            "token": [registration.token, *self._links()],
            "name": [
                *("activate", "deactivate", "cancel", "withdraw", "resend", "ban", "unban", "sign_out", "unlock"),
                *("send_password_link", "reset_second_factor", "send_again", "discard", "expire"),
            ],
            "number": ["1", "2"],
            "column": ["host", "party", "member", "roles", "title"],
            "filename": ["app.css", "app.js"],
            "version": ["v1"],
        }
        document = {**PARTY, "number_seats": 8, "duration_minutes": 60, "host": self.guest.id, "status": "published",
                    "starts_at": "2030-06-01T19:00:00"}  # fmt: skip
        addresses = sorted(app.url_map.iter_rules(), key=str)
        self.spoiler = Spoiler(seed, addresses, known, self._forms(number), document)
        self.visitors = {who: self._visitor(who) for who in WHO}
        self.answered: Counter[int] = Counter()

    def _links(self) -> list[str]:
        purposes = (
            TokenPurpose.RESET_PASSWORD,
            TokenPurpose.CHANGE_EMAIL,
            TokenPurpose.UNDO_EMAIL,
            TokenPurpose.KEEP_ACCOUNT,
            TokenPurpose.SECOND_STEP,
        )
        with self.app.app_context(), transaction():
            data = {"email": "moved@example.com", "remember": False, "duty": None, "kept": None}
            return [tokens.issue(purpose, self.guest, data=data) for purpose in purposes]

    def _forms(self, number: int) -> dict[str, dict[str, str]]:
        member = {"username": f"new{number}", **PERSON}
        generated = {**PARTY, "host": self.guest.username, "status": "published", "version": "1"}
        return {
            "HostingView.new": {**PARTY, "action": "publish"},
            "HostingView.edit": {**PARTY, "version": "1"},
            "RsvpView.rsvp": {"answer": "yes", "party_size": "2", "min_party": "1", "note": "We are late."},
            "RsvpView.offer": {"decision": "claim"},
            "RsvpView.rsvp_by_id": {"party_id": str(self.party.id)},
            "InvitationsView.show": {"email": "new@example.com", "name": "New", "number": "2", "locale": "en"},
            "InvitationsView.many": {"text": "New;new@example.com;2", "list_locale": "en", "action": "invite"},
            "InvitationsView.contacts": {"contact": "1", "contacts_locale": "en"},
            "InvitationsView.again": {"round": "1"},
            "InvitationsView.link": {"round": "0", "action": "renew"},
            "JoinView.answer_at_once": {"answer": "yes", "name": "New", "party_size": "2", "once": "a"},
            "LinkRequestView.ask": {"email": "new@example.com", "name": "New"},
            "RegistrationView.form": member,
            "RegistrationView.resend": {"email": "new@example.com"},
            "RegistrationView.invited": member,
            "MemberInvitationModelView.add": {"email": "new@example.com", "locale": "en"},
            "LoginView.login": {"username": self.guest.username, "password": PASSWORD},
            "LoginView.again": {"password": PASSWORD},
            "PasswordView.forgot": {"email": self.guest.email},
            "PasswordView.reset": {"new_password": PASSWORD},
            "PasswordView.change": {"password": PASSWORD, "new_password": f"{PASSWORD}, always"},
            "ProfileView.edit": {"first_name": "A", "last_name": "B", "locale": "es", "timezone": "UTC", "diets": "vegan"},
            "EmailChangeView.change": {"email": "moved@example.com"},
            "SecondStepView.form": {"code": "123456"},
            "SecondFactorView.app": {"code": "123456", "offer": "x"},
            "PasskeyView.add": {"name": "Key", "credential": "{}"},
            "PasskeyView.login": {"credential": "{}"},
            "PasskeyView.second_step": {"credential": "{}"},
            "ApiKeyView.new": {"name": "Key", "scope": "read", "days": "30"},
            "MyDataView.erase": {"password": PASSWORD},
            "LocaleView.switch": {"locale": "ar", "next": "/parties/"},
            "DinnerPartyModelView.add": generated,
            "DinnerPartyModelView.edit": generated,
            "UserModelView.add": {**member, "active": "y", "locale": "en"},
            "UserModelView.edit": {**member, "active": "y", "locale": "en"},
            "RoleModelView.add": {"name": f"Role {number}", "permissions": "1"},
            "RoleModelView.edit": {"name": f"Role {number}", "permissions": "1"},
            **{
                f"{view}.action_post": {"action": action, "rowid": "1"}
                for view, action in (("DinnerPartyModelView", "cancel"), ("RsvpModelView", "withdraw"), ("WaitOfferModelView", "expire"),
                                     ("PartyReportModelView", "dismiss"), ("InvitationModelView", "revoke_invitation"),
                                     ("OutboxEmailModelView", "resend"), ("UserModelView", "deactivate"),
                                     ("RegistrationModelView", "resend"),
                                     ("MemberInvitationModelView", "send_again"))
            },
        }  # fmt: skip

    def _visitor(self, who: str) -> Any:
        visitor = self.new_visitor()
        if who != "anonymous":
            visitor.log_in(getattr(self, who).username, PASSWORD)
            body = {"username": getattr(self, who).username, "password": PASSWORD, "provider": "db"}
            visitor.key = visitor.client.post("/api/v1/security/login", json=body).get_json()["access_token"]
        return visitor

    def failure(self, who: str, asked: Malformed) -> str | None:
        """Send one request; return the problems of the response."""
        visitor = self.visitors[who]
        headers = list(asked.headers)
        if asked.path.startswith("/api/") and who != "anonymous" and "Authorization" not in dict(headers):
            headers.append(("Authorization", f"Bearer {visitor.key}"))
        data: Any = asked.body
        if asked.fields is not None:
            data = encode([("csrf_token", visitor.csrf_token()), *asked.fields])
            headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        elif asked.body is not None:
            headers.append(("X-CSRFToken", visitor.csrf_token()))
        client = self.app.test_client(use_cookies=False) if "Cookie" in dict(headers) else visitor.client
        try:
            answer = client.open(asked.path, method=asked.method, headers=headers, data=data, buffered=True)
        except Exception as error:  # noqa: BLE001 - the whole list is wanted
            return f"{who} {asked}: {error!r:.400}"
        self.answered[answer.status_code] += 1
        told = (
            INSIDE.search(answer.get_data().decode(errors="replace"))
            if answer.mimetype not in {"text/css", "text/javascript"}
            else None
        )
        if answer.status_code >= 500 or told:
            return f"{who} {asked}: {answer.status_code} {told}"
        return None


def encode(pairs: list[tuple[str, str]]) -> bytes:
    """Return a form's body; bytes are sent as they are."""
    return urlencode(pairs, errors="surrogatepass").encode("ascii")


def find_inconsistencies(app: Any) -> list[str]:
    with app.app_context():
        seated = (
            select(func.coalesce(func.sum(Rsvp.party_size), 0))
            .where(Rsvp.party_id == DinnerParty.id, Rsvp.status == RsvpStatus.YES)
            .scalar_subquery()
        )
        held = (
            select(func.coalesce(func.sum(WaitOffer.seats), 0))
            .where(WaitOffer.party_id == DinnerParty.id, WaitOffer.state == OfferState.PENDING)
            .scalar_subquery()
        )
        wrong = list(
            db.session.scalars(
                select(DinnerParty).where(
                    (DinnerParty.seats_taken != seated + held) | (DinnerParty.seats_taken > DinnerParty.number_seats)
                )
            )
        )
        said = [f"party {party.id} counts {party.seats_taken} of {party.number_seats}" for party in wrong]
        admins = db.session.scalar(
            select(func.count()).select_from(Member).where(Member.active.is_(True), Member.roles.any(name=ADMIN))
        )
        if not admins:
            said.append("nobody can administer the site")
        letters = db.session.scalars(select(OutboxEmail)).all()
        said += [
            f"letter {letter.id}"
            for letter in letters
            if re.search(r"[\r\n\0]", letter.recipient + letter.subject + letter.name)
        ]
    return said


@pytest.mark.slow
@pytest.mark.both_databases
def test_no_malformed_request_breaks_the_site(app, new_visitor, database_kind):
    MemberFactory(username="keeper", admin=True)
    broken, wrong = [], []
    answered: Counter[int] = Counter()
    for number in range(REQUESTS // ROUND):
        site = Site(app, new_visitor, number, f"{number}")
        for each in range(ROUND):
            who = WHO[each % len(WHO)]
            asked = site.spoiler.request()
            failure = site.failure(who, asked)
            broken += [failure] if failure else []
        answered += site.answered
        wrong += [f"after round {number}: {said}" for said in find_inconsistencies(app)]
    assert not broken, f"{len(broken)} of {REQUESTS}:\n" + "\n".join(broken)
    assert not wrong, "\n".join(wrong)
    print(sum(answered.values()), "requests:", dict(sorted(answered.items())))  # noqa: T201 - shown by pytest -rP
    # Many requests reach validation, and some are accepted.
    assert answered.keys() >= {200, 303, 400, 403, 404, 405}
    assert answered[409] + answered[422]


def test_ten_megabytes_are_refused_with_a_message(visitor):
    page = visitor.post("/login/", {"username": "x" * LARGE})
    assert page.status == 413
    assert "The data you sent is too large." in page.text
