"""The table of Flask-AppBuilder's attributes is complete, is the document, and is obeyed at the start."""

import inspect

import pytest
from flask_appbuilder.models.group import aggregate_count

from app.accounts.security import SecurityManager
from app.crud import (
    DirectByChartView,
    GroupByChartView,
    IndexView,
    MasterDetailView,
    ModelRestApi,
    ModelView,
    MultipleView,
    PublicFormView,
    SimpleFormView,
    SQLAInterface,
)
from app.crud.fab_attributes import BASES, document
from app.extensions import appbuilder_of
from app.outbox.models import OutboxEmail
from config import ROOT, ConfigurationError
from tests.crud.views import TextView

OURS = (ModelView, ModelRestApi, SecurityManager, GroupByChartView, MasterDetailView)
SHOWN = (*OURS, DirectByChartView, IndexView, MultipleView, PublicFormView, SimpleFormView)
REFUSED = [
    pytest.param(ours, name, id=f"{ours.__name__}.{name}")
    for ours in OURS
    for base in BASES
    if issubclass(ours, base.stock)
    for name in base.refused
]


class LetterApi(ModelRestApi):
    datamodel = SQLAInterface(OutboxEmail)
    resource_name = "letters"
    base_order = ("id", "asc")
    list_columns = show_columns = add_columns = edit_columns = ["subject"]
    search_columns = []


class LetterChart(GroupByChartView):
    datamodel = SQLAInterface(OutboxEmail)
    chart_title = "Letters"
    label_columns = {"kind": "Kind"}
    definitions = [{"label": "Letters", "group": "kind", "series": [(aggregate_count, "kind")]}]


class Letters(MasterDetailView):
    datamodel = SQLAInterface(OutboxEmail)
    base_order = ("id", "asc")
    list_title = "Letters"
    label_columns = {"kind": "Kind"}
    list_columns = ["kind"]


PARENTS = {ModelView: TextView, ModelRestApi: LetterApi, GroupByChartView: LetterChart, MasterDetailView: Letters}


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.stock.__name__)
def test_no_attribute_of_flask_appbuilder_is_missing(base):
    assert {name for name, _told in base.rows()} == {name for name in vars(base.stock) if not name.startswith("_")}


def test_every_class_that_ours_are_built_on_is_in_the_table():
    stock = {each for ours in SHOWN for each in ours.__mro__ if each.__module__.startswith("flask_appbuilder.")}
    known = {base.stock for base in BASES}
    missing = {each for each in stock - known if any(not name.startswith("_") for name in vars(each))}
    assert {each.__name__ for each in missing} == {"AbstractSecurityManager", "BaseManager"}
    inherited = {name for each in missing for name in vars(each) if not name.startswith("_")}
    assert inherited - {name for base in BASES for name, _told in base.rows()} == {"pre_process", "post_process"}


def test_no_attribute_is_told_twice():
    for base in BASES:
        names = [*base.same.split(), *base.differs, *base.refused]
        assert len(names) == len(set(names))


def test_the_document_is_written_from_the_table():
    assert (ROOT / "docs" / "fab_attributes.md").read_text("utf-8") == document()


@pytest.mark.parametrize(("ours", "name"), REFUSED)
def test_an_attribute_without_effect_stops_the_start(app, ours, name):
    parent = PARENTS.get(ours, ours)
    before = inspect.getattr_static(parent, name)
    value = (lambda *_: None) if callable(before) and not isinstance(before, type) else type("Own", (), {})
    declared = type("Declared", (parent,), {name: value})
    with app.app_context(), pytest.raises(ConfigurationError, match=f"Declared must not declare {name}: "):
        declared(appbuilder_of(app)) if ours is SecurityManager else declared()


def test_flask_appbuilders_links_lead_somewhere(app):
    with app.test_request_context():
        appbuilder = appbuilder_of(app)
        assert appbuilder.get_url_for_userinfo == "/account/profile/"
        assert appbuilder.get_url_for_locale("es") == "/"
        assert appbuilder.get_url_for_login_with("/x") == "/login/?next=/x"


def test_a_chart_of_an_unknown_type_stops_the_start(app):
    with app.app_context(), pytest.raises(ConfigurationError, match="a chart_type among AreaChart"):
        type("Gauge", (LetterChart,), {"chart_type": "GaugeChart"})()
