"""Every URL of the site, for each kind of reader. Views that are added later are included automatically."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect, select
from werkzeug.routing import Rule

from app import audit
from app.accounts import tokens
from app.accounts.enums import TokenPurpose
from app.accounts.models import Member, Registration
from app.dashboards.configuration import checking as configuration
from app.dashboards.links import service as dashboard_links
from app.dashboards.models import Dashboard
from app.database import transaction
from app.extensions import appbuilder_of, db
from app.outbox import unsubscribe_token
from app.outbox.models import EmailTopic
from app.parties.models import DinnerParty, Rsvp
from app.parties.secret_links import share_token, ticket_code
from tests.support.client import Visitor
from tests.support.factories import (
    ApiKeyFactory,
    DashboardFactory,
    DashboardMemberFactory,
    DashboardVersionFactory,
    DinnerPartyFactory,
    DirectoryPersonFactory,
    DishClaimFactory,
    GroupFactory,
    GuestMessageFactory,
    InboundMessageFactory,
    InvitationFactory,
    JobFactory,
    MemberInvitationFactory,
    MenuItemFactory,
    OutboxEmailFactory,
    PartyReportFactory,
    PartySeriesFactory,
    RegistrationFactory,
    ReminderFactory,
    RsvpFactory,
    UnreachableAddressFactory,
    WaitOfferFactory,
)
from tests.support.pictures import give_picture

FILES = ("/csv", ".csv", ".css", ".ics", ".json", ".png", ".svg", "picture", "/download/<string:filename>")
# What the dashboard of the site shows: charts, a refusal, inputs.
FIGURES = {
    "version": 1,
    "layout": "grid",
    "modules": [
        {
            "id": "figure",
            "title": "Guests",
            "type": "bar",
            "data": {"values": [{"month": "May", "guests": 3}, {"month": "June", "guests": 5}]},
            "row": 1,
            "width": 6,
            "height": 300,
            "refresh_seconds": 60,
            "inputs": [
                {"name": "months", "label": "Months", "type": "number", "default": 12, "help": "Until today"},
                {"name": "kind", "type": "select", "options": [["a", "Alpha"], ["b", "Beta"]]},
                {"name": "season", "type": "radio", "options": ["winter", "summer"], "default": "winter"},
                {"name": "all", "label": "All guests", "type": "checkbox", "default": True},
            ],
        },
        {
            "id": "film",
            "title": "Film",
            "family": "Basic",
            "type": "youtube",
            "data": {"values": ""},
            "row": 1,
            "width": 6,
            "height": 300,
        },
    ],
}
READERS = ("anonymous", "host", "friend", "stranger", "translator", "admin")
# Values that match no row; each replaces every argument of a URL.
STRANGE = ("0", "-1", "nothing", "99999999999999999999", "%00", "%F0%9F%8D%B2", "..%2f..", "x" * 300)


@dataclass(frozen=True)
class PopulatedSite:
    """A site in use: every URL has its row."""

    app: Flask
    party: DinnerParty
    registration: Registration
    # The tokens of links, by endpoint.
    tokens: dict[str, str]
    # The value of the column, which host and party share.
    picture: str
    # A confirmed guest, and the code of their ticket.
    answer: Rsvp
    code: str

    @property
    def token(self) -> str:
        """The token of the registration's link."""
        return self.tokens["RegistrationView.activation"]

    def rules(self, *methods: str) -> Iterator[tuple[Rule, str]]:
        """Return the rules that accept one of `methods`, with that method."""
        for rule in sorted(self.app.url_map.iter_rules(), key=str):
            for method in sorted((rule.methods or set()).intersection(methods)):
                yield rule, method

    def pages(self) -> list[Rule]:
        """Return the rules of HTML pages, without APIs and files."""
        apart = ("/api/", "/static/", "/swagger/")
        return [
            rule
            for rule, _method in self.rules("GET")
            if not str(rule).startswith(apart) and not str(rule).endswith(FILES)
        ]

    def address(self, rule: Rule) -> str:
        """Return a URL of `rule` that exists."""
        return self._fill(rule, {name: self._value(rule, name) for name in rule.arguments})

    def strange_addresses(self, rule: Rule, values: Iterable[str]) -> list[str]:
        """Return URLs of `rule` that cannot exist, with each of `values` in the place of its arguments."""
        return [self._fill(rule, dict.fromkeys(rule.arguments, value)) for value in values if rule.arguments]

    def _value(self, rule: Rule, name: str) -> str:
        known = {
            "filename": "app.css" if rule.endpoint == "static" else self.picture,
            "slug": "the-dashboard" if str(rule).startswith("/dashboards") else self.party.slug,
            "dashboard_id": "the-dashboard",
            "module": "figure",
            "token": self.tokens.get(rule.endpoint, "unknown"),
            "username": self.party.host.username,
            "version": "v1",
            "pk": self._key(rule),
            "answer_id": str(self.answer.id),
            "code": self.code,
        }
        return known.get(name, "1")

    def _key(self, rule: Rule) -> str:
        """Return the key of a row of the view of `rule`."""
        views = {view.endpoint: view for view in appbuilder_of(self.app).baseviews}
        view = views.get(rule.endpoint.rpartition(".")[0])
        return self.key_of(view) if hasattr(view, "datamodel") else "1"

    def key_of(self, view: Any) -> str:
        """Return the key of a row of a generated view."""
        model = view.datamodel.obj
        with self.app.app_context():
            return str(db.session.scalars(select(inspect(model).primary_key[0]).limit(1)).one())

    @staticmethod
    def _fill(rule: Rule, values: dict[str, str]) -> str:
        # Not url_for(), which would refuse the invalid values that are to be tested.
        parts = [values.get(content, "") if dynamic else content for dynamic, content in rule._trace]  # noqa: SLF001
        return "".join(parts).removeprefix("|")


def links(
    app: Flask, member: Member, registration: Registration, party: DinnerParty, dashboard: Dashboard
) -> dict[str, str]:
    """Return the tokens of links, by endpoint."""
    with app.app_context(), transaction():
        _link, shared = dashboard_links.create(dashboard, party.host, 7)
        return {
            "RegistrationView.activation": registration.token,
            "RegistrationView.invited": MemberInvitationFactory().token,
            "PasswordView.reset": tokens.issue(TokenPurpose.RESET_PASSWORD, member),
            "EmailChangeView.confirm": tokens.issue(
                TokenPurpose.CHANGE_EMAIL, member, data={"email": "new@example.com"}
            ),
            "EmailChangeView.undo": tokens.issue(TokenPurpose.UNDO_EMAIL, member, data={"email": "old@example.com"}),
            "InvitationView.open": InvitationFactory(party=party).token,
            "JoinView.link": share_token(party),
            "SharedDashboardView.show": shared,
            "UnsubscribeView.show": unsubscribe_token.dump_token(member.email, EmailTopic.MESSAGES),
            "MyDataView.keep": tokens.issue(TokenPurpose.KEEP_ACCOUNT, member),
        }


def populate_site(app: Flask, party: DinnerParty, answer: Rsvp, member: Member, **texts: Any) -> PopulatedSite:
    """Store a row for each URL of the site; `texts` are user input by the name of a factory."""
    WaitOfferFactory(party=party)
    for factory in (MenuItemFactory, ReminderFactory, GuestMessageFactory, PartyReportFactory):
        factory(party=party, **texts.get(factory.__name__, {}))
    PartySeriesFactory(first=party, **texts.get("PartySeriesFactory", {}))
    DishClaimFactory(slot__party=party, **texts.get("DishClaimFactory", {}))
    DirectoryPersonFactory(person=member, **texts.get("DirectoryPersonFactory", {}))
    shown = {"configuration": configuration.check(FIGURES), **texts.get("DashboardFactory", {})}
    dashboard = DashboardFactory(owner=party.host, slug="the-dashboard", **shown)
    DashboardMemberFactory(dashboard=dashboard, member=member)
    DashboardVersionFactory(dashboard=dashboard, **texts.get("DashboardVersionFactory", {}))
    GroupFactory(**texts.get("GroupFactory", {}))
    ApiKeyFactory(member=member, **texts.get("ApiKeyFactory", {}))
    InvitationFactory(party=party, **texts.get("InvitationFactory", {}))
    registration = RegistrationFactory(**texts.get("RegistrationFactory", {}))
    for factory in (OutboxEmailFactory, InboundMessageFactory, UnreachableAddressFactory, JobFactory):
        factory(**texts.get(factory.__name__, {}))
    with app.app_context(), transaction():
        audit.record("activated", "registration", name="newcomer")
        code = ticket_code(answer)
    picture = give_picture(app, party, party.host)
    return PopulatedSite(
        app, party, registration, links(app, member, registration, party, dashboard), picture, answer, code
    )


@pytest.fixture
def populated_site(cast: Any, app: Flask) -> PopulatedSite:
    """The site with a party, an RSVP, an offer, a registration, an e-mail and an audit log entry."""
    party = DinnerPartyFactory(host=cast.host, slug="the-party", share_round=1)
    return populate_site(app, party, RsvpFactory(party=party, member=cast.friend), cast.stranger)


@pytest.fixture
def reader(
    cast: Any, new_visitor: Callable[[], Visitor], client_of: Callable[[Member], Visitor]
) -> Callable[[str], Visitor]:
    """Return the browser of one of READERS."""
    return lambda name: new_visitor() if name == "anonymous" else client_of(getattr(cast, name))
