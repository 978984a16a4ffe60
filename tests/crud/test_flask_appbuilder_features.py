"""What Flask-AppBuilder documents for views and APIs works on our bases, or the start says what to declare instead."""

import enum
import json

import pytest
from flask import redirect
from flask_appbuilder.actions import action
from flask_appbuilder.api import BaseApi, expose
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.models.generic import GenericSession
from flask_appbuilder.models.generic.interface import GenericInterface
from flask_appbuilder.models.sqla.interface import SQLAInterface as StockSQLAInterface
from flask_babel import force_locale, lazy_gettext
from jinja2 import StrictUndefined
from marshmallow import ValidationError, fields, validate
from marshmallow.validate import Length
from marshmallow_sqlalchemy.fields import Related
from sqlalchemy import Enum, String, select
from sqlalchemy.orm import Mapped, mapped_column
from wtforms import StringField

from app.accounts.models import Member
from app.crud import BaseView, ModelRestApi, ModelView, SQLAInterface
from app.crud.api_errors import field_errors
from app.database import UTCDateTime
from app.extensions import Model, appbuilder_of, db
from app.outbox.models import OutboxEmail
from app.parties.models import CoHost, DinnerParty
from config import ConfigurationError
from tests.crud.views import OURS, email_view
from tests.support.client import Visitor
from tests.support.factories import DinnerPartyFactory, MemberFactory, OutboxEmailFactory

# -- one bad part does not break what everybody uses


class SilentApi(BaseApi):
    resource_name = "silent"

    @expose("/")
    def say_nothing(self):
        """Without the YAML of apispec."""
        return self.response(200, message="")


def test_an_api_without_documentation_is_described_as_such(ours):
    page = ours(SilentApi).get("/api/v1/_openapi")
    assert page.status == 200
    assert page.json["paths"]["/api/v1/silent/"]["get"]["responses"]["200"] == {"description": "OK"}


class OnlyListView(ModelView):
    datamodel = SQLAInterface(DinnerParty)
    route_base = "/onlylist"
    include_route_methods = {"list"}
    base_order = ("id", "asc")
    list_title = "Parties"
    label_columns = {"title": "Title", "host": "Host"}
    list_columns = ["title"]
    search_columns = ["host"]
    autocomplete_columns = {"host": ("username", ["username"])}


def test_a_list_without_suggestions_is_searched_by_related_rows(ours):
    DinnerPartyFactory(title="Soup", host__username="ada")
    DinnerPartyFactory(title="Cake", host__username="bea")
    visitor = ours(OnlyListView)
    assert "data-options-url" not in visitor.get("/onlylist/list/").text
    page = visitor.get("/onlylist/list/?_flt_0_host=ada")
    assert "Soup" in page.text
    assert "Cake" not in page.text


class HelloView(BaseView):
    route_base = "/hello"
    default_view = "hello"

    @expose("/")
    def hello(self):
        return "Hello"


def test_a_menu_entry_needs_no_category(new_app, cast):
    own = new_app()
    with own.app_context():
        appbuilder = appbuilder_of(own)
        appbuilder.add_view(HelloView, "Hello", label="Say hello")
        appbuilder.add_link("Elsewhere", href="/elsewhere", label="Elsewhere")
    appbuilder.sm.get_user_menu_access = set
    admin = Visitor(own)
    admin.log_in_as(cast.admin)
    page = admin.get("/manage/")
    assert page.status == 200
    assert 'href="/hello/"' in page.text
    assert "Say hello" in page.text


def test_the_menu_is_an_api_for_programs_only(admin, client_of, cast, ours):
    assert admin.get("/api/v1/menu/").status == 401
    entries = ours().get("/api/v1/menu/")
    assert entries.status == 200
    assert isinstance(entries.json["result"], list)


# -- forms


class OwnForm(DynamicForm):
    subject = StringField("Subject")
    recipient = StringField("Recipient")
    dedupe_key = StringField("Key")


class OwnFormView(email_view(*OURS)):
    route_base = "/own"
    edit_columns = ["subject", "recipient", "dedupe_key"]
    edit_form = OwnForm


def test_a_form_that_a_view_declares_is_shown_stored_and_locked(ours, records):
    visitor = ours(OwnFormView)
    letter = OutboxEmailFactory(subject="Soup", dedupe_key="one")
    form = visitor.get(f"/own/edit/{letter.id}").form(f"/own/edit/{letter.id}")
    assert form.fields["subject"] == "Soup"
    assert visitor.submit(form, subject="Stew").flashes == [("info", "Saved.")]
    assert records.fresh(letter).subject == "Stew"
    assert visitor.submit(form, subject="Cake").status == 409


def test_a_form_without_a_field_for_a_column_fails_at_startup(app):
    view = type("Lacking", (OwnFormView,), {"edit_columns": ["subject", "kind"]})
    with app.app_context(), pytest.raises(ConfigurationError, match="kind"):
        appbuilder_of(app).add_view_no_menu(view)


class Course(enum.Enum):
    STARTER = "first"
    DESSERT = "last"


class Plate(Model):
    __tablename__ = "test_plate"
    table_number: Mapped[int] = mapped_column(primary_key=True)
    served_at = mapped_column(UTCDateTime, primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    course = mapped_column(Enum(Course), nullable=True)
    size = mapped_column(Enum("small", "large", name="plate_size"), nullable=True)


# Not a table of the site.
Model.metadata.remove(Plate.__table__)


class PlateView(ModelView):
    datamodel = SQLAInterface(Plate)
    route_base = "/plates"
    base_order = ("name", "asc")
    list_title = show_title = add_title = edit_title = "Plates"
    label_columns = {name: name for name in ("table_number", "served_at", "name", "course", "size")}
    list_columns = show_columns = ["name", "course", "size"]
    add_columns = ["table_number", "served_at", "name", "course", "size"]
    edit_columns = ["name", "course", "size"]
    search_columns = ["course", "name"]

    @action("enlarge", "Enlarge", "", "")
    def enlarge(self, items):
        for item in items if isinstance(items, list) else [items]:
            item.size = "large"
        return "Enlarged."


class LabelledPlateView(PlateView):
    route_base = "/labelled"
    choices_columns = {"course": {Course.STARTER: "Something small", Course.DESSERT: "Something sweet"}}


@pytest.fixture
def plates(ours):
    visitor = ours(PlateView, LabelledPlateView)
    with visitor.app.app_context():
        Plate.__table__.drop(db.engine, checkfirst=True)
        Plate.__table__.create(db.engine)
    sent = {"table_number": "1", "served_at": "2026-01-01T20:00", "name": "Soup", "course": "STARTER", "size": "small"}
    assert visitor.post("/plates/add", sent).flashes == [("info", "Saved.")]
    assert visitor.post("/plates/add", {**sent, "name": "Cake", "table_number": "2"}).flashes[0][0] == "info"
    yield visitor
    with visitor.app.app_context():
        Plate.__table__.drop(db.engine)


def links(page, kind):
    return [part.partition('"')[0] for part in page.text.split(f'href="/plates/{kind}/')[1:]]


@pytest.mark.both_databases
def test_a_row_with_a_key_of_two_columns_is_shown_changed_and_deleted(plates, records):
    _cake, soup = links(plates.get("/plates/list/"), "show")
    assert "Soup" in plates.get(f"/plates/show/{soup}").text
    page = plates.get(f"/plates/edit/{soup}")
    (form,) = [form for form in page.forms if "name" in form.names]
    plates.post(f"/plates/edit/{soup}", {**form.fields.to_dict(), "name": "Stew"})
    assert sorted(plate.name for plate in records.all(Plate)) == ["Cake", "Stew"]
    plates.post(f"/plates/action/enlarge/{soup}")
    assert {plate.name: plate.size for plate in records.all(Plate)} == {"Cake": "small", "Stew": "large"}
    plates.post(f"/plates/delete/{soup}")
    assert [plate.name for plate in records.all(Plate)] == ["Cake"]
    for wrong in ("1", "[1]", "[1, 2]", "[", "[null, null]", '[1, {"_type": "datetime", "value": "never"}]'):
        assert plates.get(f"/plates/show/{wrong}").status == 404


@pytest.mark.parametrize("route", ["plates", "labelled"])
def test_an_enumeration_keeps_its_value_and_accepts_another(plates, records, route):
    (_cake, soup) = links(plates.get("/plates/list/"), "show")
    path = f"/{route}/edit/{soup}"
    (form,) = [form for form in plates.get(path).forms if "name" in form.names]
    assert (form.fields["course"], form.fields["size"]) == ("STARTER", "small")
    plates.post(path, form.fields.to_dict())
    stored = select(Plate).where(Plate.name == "Soup")
    assert (records.one(stored).course, records.one(stored).size) == (Course.STARTER, "small")
    (form,) = [form for form in plates.get(path).forms if "name" in form.names]
    plates.post(path, {**form.fields.to_dict(), "course": "DESSERT"})
    assert records.one(stored).course is Course.DESSERT
    assert plates.post(path, {"name": "Soup", "course": "nonsense", "size": "small"}).status == 422


def test_an_enumeration_is_searched_and_shown_by_its_labels(plates):
    assert "Something small" in plates.get("/labelled/list/").text
    assert plates.get("/plates/list/?_flt_0_course=STARTER").text.count("/plates/show/") == 2
    assert plates.get("/labelled/list/?_flt_0_course=Something sweet").text.count("/labelled/show/") == 0
    assert plates.get("/plates/list/?_flt_0_course=nonsense").flashes[0][0] == "warning"


# -- actions and where one goes


class ActingView(email_view(*OURS)):
    route_base = "/acting"
    got: list = []

    @action("note", "Note", "", "")
    def note(self, items):
        self.got.append(items)
        return "Noted."


def test_an_action_gets_the_row_itself_from_its_page_and_a_list_from_the_list(ours):
    visitor = ours(ActingView)
    letter = OutboxEmailFactory()
    ActingView.got.clear()
    assert visitor.post(f"/acting/action/note/{letter.id}").flashes == [("info", "Noted.")]
    visitor.post("/acting/action_post", {"action": "note", "rowid": [str(letter.id)]})
    one, several = ActingView.got
    assert (one.id, [each.id for each in several]) == (letter.id, [letter.id])


class RedirectingView(email_view(*OURS)):
    route_base = "/redirecting"

    def post_add_redirect(self):
        return redirect("/added")

    def post_edit_redirect(self):
        return redirect("/edited")

    def post_delete_redirect(self):
        return redirect("/deleted")


def test_a_view_decides_where_one_goes_after_saving(ours):
    visitor = ours(RedirectingView)
    letter = OutboxEmailFactory(dedupe_key="one")
    form = visitor.get(f"/redirecting/edit/{letter.id}").form(f"/redirecting/edit/{letter.id}")
    assert visitor.submit(form, subject="New").path == "/edited"
    assert visitor.post(f"/redirecting/delete/{letter.id}").path == "/deleted"


# -- the API


class CustomFilter(BaseFilter):
    name = "Shouted"
    arg_name = "shouted"

    def apply(self, query, value):
        return query.where(DinnerParty.title == value.upper())


def refuse_soup(value):
    if value == "soup":
        raise ValidationError("No soup here.")
    if value == "stew":
        raise ValidationError(lazy_gettext("Saved."))


class SearchedApi(ModelRestApi):
    datamodel = SQLAInterface(DinnerParty)
    resource_name = "searched"
    base_order = ("id", "asc")
    list_columns = show_columns = ["title"]
    add_columns = edit_columns = ["title", "venue"]
    search_columns = ["title", "number_seats", "host"]
    search_filters = {"title": [CustomFilter]}
    validators_columns = {"title": refuse_soup, "venue": [Length(max=3), Length(min=1, error="Say where.")]}


class RolesApi(ModelRestApi):
    datamodel = SQLAInterface(Member)
    resource_name = "graded"
    base_order = ("id", "asc")
    list_columns = show_columns = add_columns = edit_columns = ["username"]
    search_columns = ["roles"]


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("col", "opr", "value", "found"),
    [
        ("title", "in", ["Soup", "Cake"], ["Soup", "Cake"]),
        ("title", "not_in", ["Soup"], ["Cake", "PIE"]),
        ("number_seats", "in", [4, "8"], ["Soup", "Cake"]),
        ("title", "shouted", "pie", ["PIE"]),
        ("host", "rel_o_m", "ada", ["Soup"]),
        ("host", "nrel_o_m", "ada", ["Cake", "PIE"]),
        ("title", "ct", ["S", "p"], ["Soup"]),
    ],
)
def test_an_api_is_filtered_by_lists_relations_and_own_filters(ours, col, opr, value, found):
    visitor = ours(SearchedApi)
    hosts = {name: MemberFactory(username=name) for name in ("ada", "bea")}
    for title, name, seats in (("Soup", "ada", 4), ("Cake", "bea", 8), ("PIE", "bea", 9)):
        DinnerPartyFactory(title=title, host=hosts[name], number_seats=seats)
    sent = hosts[value].id if col == "host" else value
    query = json.dumps({"filters": [{"col": col, "opr": opr, "value": sent}]})
    page = visitor.get("/api/v1/searched/", query_string={"q": query})
    assert page.status == 200, page.text
    assert [each["title"] for each in page.json["result"]] == found


@pytest.mark.parametrize(
    ("col", "opr", "value"),
    [("title", "in", "Soup"), ("number_seats", "in", ["many"]), ("title", "in", ["x"] * 101), ("host", "rel_m_m", 1)],
)
def test_an_api_refuses_lists_that_are_none(ours, col, opr, value):
    query = json.dumps({"filters": [{"col": col, "opr": opr, "value": value}]})
    assert ours(SearchedApi).get("/api/v1/searched/", query_string={"q": query}).status == 400


def test_an_api_is_filtered_by_a_collection(ours, records):
    member = MemberFactory(username="ada")
    with ours(RolesApi).app.app_context():
        role = db.session.get(Member, member.id).roles[0].id
    query = json.dumps({"filters": [{"col": "roles", "opr": "rel_m_m", "value": role}]})
    page = ours(RolesApi).get("/api/v1/graded/", query_string={"q": query})
    assert [each["username"] for each in page.json["result"]] == ["ada"]


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({"title": "soup"}, {"title": ["No soup here."]}),
        ({"title": "stew"}, {"title": ["Saved."]}),
        ({"venue": "Kitchen"}, {"venue": ["At most 3 characters are allowed."]}),
        ({"venue": ""}, {"venue": ["Say where."]}),
    ],
)
def test_a_validators_own_words_are_shown(ours, sent, errors):
    party = DinnerPartyFactory()
    page = ours(SearchedApi).open("PUT", f"/api/v1/searched/{party.id}", json=sent)
    assert (page.status, page.json["errors"]) == (422, errors)


def all_that_marshmallow_says():
    """Yield the messages of its fields and validators, filled in."""
    said = {
        text
        for each in (*vars(fields).values(), Related)
        if isinstance(each, type)
        for text in getattr(each, "default_error_messages", {}).values()
    }
    for each in vars(validate).values():
        if isinstance(each, type) and issubclass(each, validate.Validator):
            said |= {text for name, text in vars(each).items() if name.startswith(("message", "default_message"))}
    filled_in = {"{max}": "3", "{min_op}": "greater than", "{max_op}": "less than"}
    for said_here in said:
        text = said_here
        for name, value in filled_in.items():
            text = text.replace(name, value)
        # The others are parts of these.
        if not text[0].islower():
            yield text


def test_nothing_that_marshmallow_says_is_shown_in_english(app):
    texts = list(all_that_marshmallow_says())
    assert len(texts) > 30
    with app.test_request_context(), force_locale("es"):
        assert [text for text in texts if field_errors([text]) == [text]] == []


def test_a_schema_of_an_api_has_its_own_words(app):
    with app.test_request_context(), force_locale("es"):
        assert field_errors({"wish": ["Ask the cook."]}) == {"wish": ["Ask the cook."]}
        assert field_errors(["Must be one of: soup, stew."]) == ["Esto debe ser uno de estos valores: soup, stew."]


# -- what is refused


class People(GenericInterface):
    """A source of data that is no table."""


@pytest.mark.parametrize("datamodel", [People(OutboxEmail, GenericSession()), StockSQLAInterface(OutboxEmail)])
def test_a_source_of_data_that_is_not_ours_fails_at_startup(app, datamodel):
    views = [
        type("Elsewhere", (OwnFormView,), {"datamodel": datamodel}),
        type("ElsewhereApi", (RolesApi,), {"datamodel": datamodel}),
    ]
    for view in views:
        with app.app_context(), pytest.raises(ConfigurationError, match="SQLAInterface"):
            appbuilder_of(app).add_view_no_menu(view)


def test_an_api_of_a_model_with_two_keys_fails_at_startup(app):
    api = type("CoHostApi", (RolesApi,), {"datamodel": SQLAInterface(CoHost)})
    with app.app_context(), pytest.raises(ConfigurationError, match="one primary key"):
        appbuilder_of(app).add_api(api)


@pytest.mark.parametrize("page", ["list/", "show/{0}", "add", "edit/{0}", "delete/{0}"])
def test_pages_are_rendered_where_undefined_names_are_errors(ours, monkeypatch, page):
    visitor = ours(ActingView)
    letter = OutboxEmailFactory()
    monkeypatch.setattr(visitor.app.jinja_env, "undefined", StrictUndefined)
    visitor.app.jinja_env.cache.clear()
    answer = visitor.get(f"/acting/{page.format(letter.id)}")
    visitor.app.jinja_env.cache.clear()
    assert answer.status == 200
