"""No list, page or job reads a large table as a whole, or sorts many rows: PostgreSQL's plans on a site with many rows."""

# ruff: noqa: SLF001 - what views offer is theirs to know.
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, g, get_flashed_messages
from flask_login import AnonymousUserMixin
from sqlalchemy import select

from app import scheduler
from app.accounts.models import Member
from app.accounts.privacy import data_export
from app.accounts.users import account_deletion, merging
from app.crud import large_tables
from app.crud.views import ModelView
from app.database import transaction
from app.extensions import db
from tests.site.conftest import populate_site
from tests.support import crowd, plans
from tests.support.client import Visitor
from tests.support.databases import PRISTINE, application, close_connections
from tests.support.factories import DinnerPartyFactory, MemberFactory, RowFactory, RsvpFactory

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]
MANY, FEWER, FEW = 40_000, 10_000, 100
GROWING = ("ab_user", "dinner_party", "rsvp", "letter", "audit_event")
# In few rows, and in none.
WORDS = ("c4ca4238", "nowhere else", "zq")
EXCEPTIONS = {
    # Once an hour. Whether the address of a guest has an account, and so is kept, is known only by looking.
    "cleanup": "reads the invitations and answers of parties that are long over",
    # Administrators open it to see a year as a whole.
    "/statistics/": "counts the answers and offers of all months that it shows",
}


@pytest.fixture(scope="module")
def large(_postgresql, tmp_path_factory) -> Iterator[Flask]:
    """A site with many rows in every table that grows. The tests of this module share it."""
    place = _postgresql.place
    place.create("large", template=PRISTINE)
    app = application(place.url("large"), tmp_path_factory.mktemp("large"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large_tables, "LARGE", FEWER - 1)
        with app.app_context(), db.engine.begin() as connection:
            crowd.fill(connection, FEWER, {**dict.fromkeys(GROWING, MANY), "ab_group": FEW})
        with app.app_context(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            crowd.settle(connection)
        yield app
    close_connections(app)


@pytest.fixture(autouse=True)
def _rows_of_the_large_site(large):
    RowFactory.app = large
    for limiter in large.extensions["limiter"]:
        limiter.enabled = False


def faults(app: Flask, collected: dict[str, plans.Statements]) -> dict[str, list[str]]:
    """Return what is wrong with the plans of statements, by where they were sent."""
    found: dict[str, list[str]] = {}
    with app.app_context(), db.engine.connect() as connection:
        for where, statements in collected.items():
            for statement, parameters in statements.items():
                found.setdefault(where, []).extend(plans.faults(connection, statement, parameters))
    return {where: wrong for where, wrong in found.items() if wrong and where not in EXCEPTIONS}


def queries(view: ModelView) -> Iterator[str]:
    """Yield the arguments of the list of a view with each order, search and filter that it offers."""
    name, filters = type(view).__name__, view._possible_filters
    yield ""
    for column in view.offered_orders():
        yield from (f"_oc_{name}={column}&_od_{name}={direction}" for direction in ("asc", "desc"))
    if filters.text_columns():
        yield from (f"q={text}" for text in WORDS)
    for column, positions in filters.offered().items():
        yield from (f"_flt_{position}_{column}={value(view, column)}" for position in positions)


def value(view: ModelView, column: str) -> Any:
    """Return what to filter a column by."""
    choices = dict(view._choices(column))
    if view.datamodel.is_relation(column):
        related = view.datamodel.get_related_interface(column)
        row = db.session.scalars(select(related.obj).limit(1)).first()
        key = view.named_relations.get(column, (None,))[0]
        return getattr(row, key) if key and row else row and related.get_pk_value(row)
    return next(iter(choices), {"number": 3, "datetime-local": "2024-03-03"}.get(view._kind(column), WORDS[0]))


def test_each_list_order_search_and_filter_that_is_offered_has_an_index(large):
    collected: dict[str, plans.Statements] = {}
    for view in large.appbuilder.baseviews:
        if not isinstance(view, ModelView):
            continue
        with large.test_request_context():
            asked = list(queries(view))
        for query in asked:
            with large.test_request_context(f"/?{query}"):
                g._login_user = AnonymousUserMixin()
                arguments, _applied = view._apply_arguments()
                assert get_flashed_messages() == [], query
                with plans.collect(collected.setdefault(f"{view.route_base}?{query}", {})):
                    view.datamodel.page(
                        view._filters.get_joined_filters(view._base_filters),
                        arguments.order,
                        size=view.page_size,
                        columns=(*view.list_columns, *view.load_columns),
                    )
                    db.session.rollback()
    assert len(collected) > 150
    assert faults(large, collected) == {}


def test_large_lists_offer_less(large):
    views = {view.route_base: view for view in large.appbuilder.baseviews if isinstance(view, ModelView)}
    with large.test_request_context():
        parties = views["/dinnerparties"]
        assert parties.offered_orders() == ["id", "title", "starts_at"]
        assert parties._possible_filters.text_columns() == ["title", "slug", "venue", "area", "main_dish"]
        # Starts, ends, contains, equal.
        assert parties._possible_filters.offered()["title"] == [0, 1, 2, 3]
        assert "number_seats" not in parties._possible_filters.offered()
        assert views["/menuitems"]._possible_filters.text_columns() == []


def test_pages_read_little(large):
    reader = MemberFactory(admin=True)
    party = DinnerPartyFactory(host=reader, slug="the-party", share_round=1)
    site = populate_site(large, party, RsvpFactory(party=party), reader)
    visitor = Visitor(large)
    visitor.log_in_as(reader)
    collected: dict[str, plans.Statements] = {}
    for rule in site.pages():
        with plans.collect(collected.setdefault(str(rule), {})):
            visitor.get(site.address(rule), follow=False)
    for path in (
        "/parties/?page=999999",
        "/parties/?q=dinner",
        "/",
        "/dinnerparties/list/?page_DinnerPartyModelView=9999",
    ):
        with plans.collect(collected.setdefault(path, {})):
            assert Visitor(large).get(path).status == 200
    assert faults(large, collected) == {}


def test_jobs_read_little(large):
    collected: dict[str, plans.Statements] = {}
    for job in (*scheduler.JOBS, scheduler.EMAILS):
        with large.app_context():
            # What the crowd left undone. The next run is one like each hour's.
            job.run()
            with plans.collect(collected.setdefault(job.name, {})):
                job.run()
    assert faults(large, collected) == {}


def test_what_one_member_has_is_found_by_index(large):
    collected: dict[str, plans.Statements] = {}
    with large.app_context():
        member, other = (db.session.get_one(Member, crowd.FIRST + n) for n in (1, 2))
        with plans.collect(collected.setdefault("export", {})):
            data_export.export(member).close()
        with plans.collect(collected.setdefault("change of address", {})), transaction():
            member.email = "another@example.com"
        with plans.collect(collected.setdefault("merge", {})), transaction():
            merging.merge(other, member, by=None)
        with plans.collect(collected.setdefault("erasure", {})), transaction():
            account_deletion.erase(member, lambda _removals: None)
    assert faults(large, collected) == {}
