"""What Flask-AppBuilder offers beside the table and the form: its other widgets and views, on our pages."""

import re

import pytest
from flask_appbuilder import CompactCRUDMixin as StockCompactCRUDMixin
from flask_appbuilder import ModelView as StockModelView
from flask_appbuilder import MultipleView as StockMultipleView
from flask_appbuilder import PublicFormView as StockPublicFormView
from flask_appbuilder import SimpleFormView as StockSimpleFormView
from flask_appbuilder import widgets
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.models.sqla.interface import SQLAInterface as StockSQLAInterface
from flask_appbuilder.views import IndexView as StockIndexView
from flask_appbuilder.views import MasterDetailView as StockMasterDetailView
from wtforms import StringField
from wtforms.validators import InputRequired

from app.crud import (
    CompactCRUDMixin,
    IndexView,
    MasterDetailView,
    ModelView,
    MultipleView,
    PublicFormView,
    SimpleFormView,
    SQLAInterface,
)
from app.errors import ConfigurationError, DomainError
from app.extensions import db
from app.parties.models import DinnerParty, Rsvp
from tests.support.factories import DinnerPartyFactory, RsvpFactory

HOSTILE = "<script>alert(1)</script>"


class Declared:
    list_title, show_title, add_title, edit_title = "Tables", "Table", "New table", "Change table"
    base_permissions = ["can_list", "can_show", "can_add", "can_edit", "can_delete"]
    base_order = ("title", "asc")
    label_columns = {"title": "Title", "number_seats": "Seats", "name": "Name", "status": "Status"}
    list_columns = show_columns = add_columns = edit_columns = ["title", "number_seats"]
    search_columns = ["title"]


class DeclaredAnswers(Declared):
    list_title = "Answers"
    base_order = ("name", "asc")
    list_columns = show_columns = add_columns = edit_columns = ["name", "status"]
    search_columns = ["name"]


class Tables(Declared, ModelView):
    datamodel = SQLAInterface(DinnerParty)


class Answers(DeclaredAnswers, ModelView):
    datamodel = SQLAInterface(Rsvp)


class Thumbnails(Tables):
    list_widget = widgets.ListThumbnail
    add_widget = edit_widget = widgets.FormVerticalWidget
    show_widget = widgets.ShowVerticalWidget


class Blocks(Tables):
    list_widget = widgets.ListBlock
    add_widget = edit_widget = widgets.FormHorizontalWidget
    show_widget = widgets.ShowBlockWidget


class Items(Tables):
    list_widget = widgets.ListItem
    add_widget = edit_widget = widgets.FormInlineWidget
    show_template = "appbuilder/general/model/show_cascade.html"
    edit_template = "appbuilder/general/model/edit_cascade.html"


class Carousel(Tables):
    list_widget = widgets.ListCarousel


class Links(Tables):
    list_widget = widgets.ListLinkWidget


class Masters(Tables):
    list_widget = widgets.ListMasterWidget


OURS = (Thumbnails, Blocks, Items, Carousel, Links, Masters)


class StockTables(Declared, StockModelView):
    datamodel = StockSQLAInterface(DinnerParty, db.session)
    search_columns = ["title"]


class StockAnswers(DeclaredAnswers, StockModelView):
    datamodel = StockSQLAInterface(Rsvp, db.session)


class StockSeveral(StockMultipleView):
    views = [StockTables, StockAnswers]


class StockMaster(Declared, StockMasterDetailView):
    datamodel = StockSQLAInterface(DinnerParty, db.session)
    related_views = [StockAnswers]


class Wish(DynamicForm):
    text = StringField("Wish", validators=[InputRequired()])


class StockForm(StockSimpleFormView):
    form, form_title = Wish, "Make a wish"


class StockPublicForm(StockPublicFormView):
    form, form_title = Wish, "Make a wish"


class StockIndex(StockIndexView):
    route_base = "/start"


@pytest.fixture
def party(app):
    party = DinnerPartyFactory(title=f"Soup {HOSTILE}", number_seats=8)
    RsvpFactory(party=party, name="Zoe")
    return party


def in_our_look(page):
    assert page.status == 200, page.text[:500]
    assert page.text.count("<h1") == 1
    assert 'class="skip"' in page.text
    assert HOSTILE not in page.text
    assert not re.search(r"<script(?![^>]* src=)|<[^>]* (style|on\w+)=", page.text)
    return True


def test_stock_views_have_a_search_box(ours, party):
    visitor = ours(*STOCK)
    DinnerPartyFactory(title="Pancakes")
    page = visitor.get("/stocktables/list/?_flt_0_title=Soup")
    box = page.form("/stocktables/list/")
    assert 'id="list-search-hint">Title<' in page.text
    found = visitor.get("/stocktables/list/?q=PANC%C3%81")
    assert ("Pancakes" in found.text, "Soup" in found.text) == (True, False)
    # What was searched is in one request only.
    assert "Soup" in visitor.get("/stocktables/list/").text
    assert (box.fields["q"], box.fields["_flt_0_title"]) == ("", "Soup")


@pytest.mark.parametrize("view", OURS)
def test_list_widgets_show_the_rows(ours, party, view):
    page = ours(*OURS).get(f"/{view.__name__.lower()}/list/")
    assert in_our_look(page)
    assert "Soup &lt;script" in page.text


@pytest.mark.parametrize("view", [Thumbnails, Blocks, Items])
def test_show_and_form_widgets_show_the_row(ours, party, view):
    visitor, base = ours(*OURS), f"/{view.__name__.lower()}"
    for path in (f"{base}/show/{party.id}", f"{base}/edit/{party.id}"):
        page = visitor.get(path)
        assert in_our_look(page)
        assert "Soup &lt;script" in page.text
    assert in_our_look(visitor.get(f"{base}/add"))


STOCK = (StockTables, StockAnswers, StockSeveral, StockMaster, StockForm, StockPublicForm, StockIndex)


@pytest.mark.parametrize(
    "path",
    [
        "/stocktables/list/",
        "/stocktables/list/?_flt_0_title=Soup",
        "/stocktables/list/?page_StockTables=abc&psize_StockTables=-1",
        f"/stocktables/list/?page_StockTables=0&psize_StockTables={'9' * 30}",
        "/stockseveral/list/?page_StockAnswers=abc",
        "/stocktables/add",
        "/stocktables/edit/1",
        "/stocktables/show/1",
        "/stockseveral/list/",
        "/stockmaster/list/",
        "/stockmaster/list/1",
        "/stockform/form",
        "/stockpublicform/form",
        "/start/",
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_stock_views_have_our_look(ours, party, path):
    assert in_our_look(ours(*STOCK).get(path))


# -- the same on our bases


class Several(MultipleView):
    views = [Tables, Answers]


class Master(Declared, MasterDetailView):
    datamodel = SQLAInterface(DinnerParty)
    related_views = [Answers]


class Compact(CompactCRUDMixin, Declared, ModelView):
    datamodel = SQLAInterface(DinnerParty)


class WishForm(SimpleFormView):
    form, form_title = Wish, "Make a wish"

    def form_post(self, form):
        if form.text.data == "gold":
            raise DomainError("No gold.", field="text")


class PublicWishForm(PublicFormView):
    form, form_title = Wish, "Make a wish"


class Index(IndexView):
    route_base = "/begin"


BASES = (Tables, Answers, Several, Master, Compact, WishForm, PublicWishForm, Index)


@pytest.mark.parametrize("path", ["/wishform/form", "/publicwishform/form", "/begin/"])
def test_our_bases_have_our_look(ours, path):
    assert in_our_look(ours(*BASES).get(path))


def test_several_lists_stand_on_one_page_and_turn_their_pages_alone(ours, party):
    RsvpFactory(party=party, name="Adam")
    page = ours(*BASES).get("/several/list/?psize_Answers=1&page_Answers=2")
    assert in_our_look(page)
    assert "<h1>Tables · Answers</h1>" in page.text
    assert "Soup &lt;script" in page.text
    assert "Zoe" in page.text
    assert "Adam" not in page.text


def test_invalid_arguments_of_a_part_are_ignored(ours, party):
    for argument in (
        "page_Answers=x",
        "psize_Answers=1000000000000000000000",
        "_oc_Answers=party.host.password&_od_Answers=asc",
    ):
        assert in_our_look(ours(*BASES).get(f"/several/list/?{argument}"))


def test_a_part_is_hidden_from_those_who_may_not_open_it_alone(ours, party, monkeypatch):
    visitor = ours(*BASES)
    manager = visitor.app.extensions["appbuilder"].sm
    monkeypatch.setattr(manager, "has_access", lambda _permission, view: view != "Answers")
    page = visitor.get("/several/list/")
    assert "Soup &lt;script" in page.text
    assert "Zoe" not in page.text


def test_a_master_shows_what_belongs_to_the_chosen_row(ours, party):
    other = DinnerPartyFactory(title="Salad")
    RsvpFactory(party=other, name="Adam")
    visitor = ours(*BASES)
    page = visitor.get("/master/list/")
    assert in_our_look(page)
    assert f'href="/master/list/{other.id}' in page.text
    assert "Adam" not in page.text
    page = visitor.get(f"/master/list/{other.id}")
    assert in_our_look(page)
    assert "Adam" in page.text
    assert "Zoe" not in page.text
    assert visitor.get("/master/list/77777").status == 404
    assert visitor.get("/master/list/x").status == 404


def edit_form(page):
    return next(form for form in page.forms if form.method == "POST" and "row_version" in form.names)


def test_the_forms_of_a_compact_view_stand_above_its_list(ours, party, records):
    visitor = ours(*BASES)
    page = visitor.get(f"/compact/edit/{party.id}")
    assert in_our_look(page)
    assert "Entries" in page.text or "1 entry" in page.text
    page = visitor.submit(edit_form(page), title="", number_seats="8")
    assert page.status == 422
    assert page.flashes == [("danger", "Please correct the fields that are marked.")]
    page = visitor.submit(edit_form(page), title="Stew", number_seats="8")
    assert (page.status, page.path, page.flashes) == (200, "/compact/list/", [("info", "Saved.")])
    assert ">Stew<" in page.text
    assert in_our_look(visitor.get("/compact/add"))


def test_a_form_of_its_own_keeps_what_was_typed(ours):
    visitor = ours(*BASES)
    form = visitor.get("/wishform/form").form("/wishform/form")
    page = visitor.submit(form, text="")
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    page = visitor.submit(form, text="gold")
    assert (page.status, page.flashes) == (422, [("danger", "No gold.")])
    assert page.form("/wishform/form").fields["text"] == "gold"
    page = visitor.submit(form, text="soup")
    assert (page.status, page.flashes) == (200, [("info", "Done.")])


def test_the_stock_mixin_is_refused_where_it_could_not_work():
    view = type("Unfit", (StockCompactCRUDMixin, Tables), {})
    with pytest.raises(ConfigurationError, match=r"app\.crud\.CompactCRUDMixin"):
        view()
