"""What cannot be deleted, because other rows refer to it: which ones, and how many."""

import pytest
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from app.crud import ModelView, SQLAInterface
from app.crud.actions import action
from app.database import transaction
from app.extensions import db

pytestmark = pytest.mark.both_databases


class Base(DeclarativeBase):
    """Not that of the application: these tables are in none of its migrations."""


class Shelf(Base):
    __tablename__ = "test_shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("test_shelf.id"))
    boxes: Mapped[list["Box"]] = relationship(back_populates="shelf", cascade="all, delete-orphan")

    def __str__(self):
        return self.name


class Box(Base):
    __tablename__ = "test_box"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("test_shelf.id"))
    shelf: Mapped[Shelf] = relationship(back_populates="boxes")


class Lid(Base):
    __tablename__ = "test_lid"

    id: Mapped[int] = mapped_column(primary_key=True)
    box_id: Mapped[int] = mapped_column(ForeignKey("test_box.id"))


class Tag(Base):
    __tablename__ = "test_tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    shelf_id: Mapped[int] = mapped_column(ForeignKey("test_shelf.id"))
    shelf: Mapped[Shelf] = relationship()


class Shelves(ModelView):
    datamodel = SQLAInterface(Shelf)
    base_order = ("id", "asc")
    list_title, show_title, add_title, edit_title = "Shelves", "Shelf", "New shelf", "Change shelf"
    label_columns = {"name": "Name"}
    list_columns = show_columns = add_columns = edit_columns = ["name"]
    base_permissions = ["can_list", "can_show", "can_delete", "can_clear", "can_muldelete"]

    @action("clear", "Clear", None, "")
    def clear(self, items):
        self.delete_rows(items)

    # As in Flask-AppBuilder's documentation.
    @action("muldelete", "Delete", "Delete all?", "")
    def muldelete(self, items):
        self.datamodel.delete_all(items)


class Tags(ModelView):
    datamodel = SQLAInterface(Tag)
    base_order = ("id", "asc")
    list_title, show_title, add_title, edit_title = "Tags & <labels>", "Tag", "New tag", "Change tag"
    label_columns = {"name": "Name", "shelf": "Shelf"}
    list_columns = show_columns = add_columns = edit_columns = search_columns = ["name", "shelf"]
    autocomplete_columns = {"shelf": ("name", ["name"])}
    base_permissions = ["can_list", "can_show"]


@pytest.fixture
def visitor(ours):
    visitor = ours(Shelves, Tags)
    with visitor.app.app_context():
        Base.metadata.create_all(db.engine)
        with transaction() as session:
            low, high, free = Shelf(id=1, name="low"), Shelf(id=2, name="high"), Shelf(id=3, name="free")
            session.add_all([low, high, free])
            session.flush()
            high.parent_id = low.id
            session.add_all([Tag(name=name, shelf=low) for name in "ab"])
            box = Box(shelf=high)
            session.add(box)
            session.flush()
            session.add_all([Lid(box_id=box.id), Lid(box_id=box.id), Box(shelf=free)])
    yield visitor
    with visitor.app.app_context():
        Base.metadata.drop_all(db.engine)


def test_it_is_said_where_and_linked(visitor):
    page = visitor.post("/shelves/delete/1")
    assert page.flashes == [
        ("danger", "It is still in use elsewhere and cannot be deleted: Shelves (1) and Tags & <labels> (2).")
    ]
    assert '<a href="/tags/list/?_flt_0_shelf=low">Tags &amp; &lt;labels&gt; (2)</a>' in page.text
    assert ">low</" in visitor.get("/tags/list/?_flt_0_shelf=low").text


def test_rows_that_would_be_deleted_too_count_with_what_refers_to_them(visitor):
    page = visitor.post("/shelves/delete/2")
    assert page.flashes == [("danger", "It is still in use elsewhere and cannot be deleted: 2 other entries.")]
    assert visitor.post("/shelves/delete/3").flashes == [("info", "Deleted.")]


@pytest.mark.parametrize("action", ["clear", "muldelete"])
def test_an_action_says_it_too(visitor, action):
    page = visitor.post("/shelves/action_post", {"action": action, "rowid": ["1", "2"]})
    assert page.flashes == [
        ("danger", "It is still in use elsewhere and cannot be deleted: Tags & <labels> (2) and 2 other entries.")
    ]
    assert '<a href="/tags' not in page.text


@pytest.mark.parametrize("action", ["clear", "muldelete"])
def test_an_action_deletes_all_rows_or_none(visitor, action):
    shown = "/shelves/show/3"
    assert visitor.post("/shelves/action_post", {"action": action, "rowid": ["1", "3"]}).flashes[0][0] == "danger"
    assert visitor.get(shown).status == 200
    assert visitor.post("/shelves/action_post", {"action": action, "rowid": ["3"]}).flashes == [("info", "Done.")]
    assert visitor.get(shown).status == 404


def test_a_list_that_the_reader_may_not_open_is_not_linked(visitor, monkeypatch):
    manager = visitor.app.extensions["appbuilder"].sm
    monkeypatch.setattr(manager, "has_access", lambda _permission, view: view != "Tags")
    page = visitor.post("/shelves/delete/1")
    assert "Tags & <labels> (2)" in page.flashes[0][1]
    assert 'href="/tags/list/?' not in page.text
