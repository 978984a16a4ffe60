"""A form that is saved as it was opened changes nothing, also where the stored value is more than an input can show."""

import enum
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import JSON, BigInteger, Boolean, Date, DateTime, Enum, Float, Numeric, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.crud import ModelRestApi, ModelView, SQLAInterface
from app.database import UTCDateTime
from app.extensions import Model, db


class Taste(enum.Enum):
    SWEET = "sugar"
    SALTY = "salt"


class Ingredient(Model):
    """A column of each type that forms know."""

    __tablename__ = "test_ingredient"
    id: Mapped[int] = mapped_column(primary_key=True)
    name = mapped_column(String(100), nullable=True)
    notes = mapped_column(Text, nullable=True)
    is_fresh = mapped_column(Boolean, nullable=True)
    calories = mapped_column(BigInteger, nullable=True)
    shelf = mapped_column(SmallInteger, nullable=True)
    price = mapped_column(Numeric(14, 4), nullable=True)
    weight = mapped_column(Float, nullable=True)
    bought_on = mapped_column(Date, nullable=True)
    opened_at = mapped_column(DateTime, nullable=True)
    used_at = mapped_column(UTCDateTime, nullable=True)
    taste = mapped_column(Enum(Taste), nullable=True)
    unit = mapped_column(String(10), nullable=True)
    more = mapped_column(JSON, nullable=True)


# Not a table of the site.
Model.metadata.remove(Ingredient.__table__)
COLUMNS = [column.name for column in Ingredient.__table__.columns if column.name != "id"]
FULL = {
    "name": " two  spaces\nand a line ",
    "notes": "\r\nwritten by a program \x07",
    "is_fresh": False,
    "calories": 2**40,
    "shelf": 3,
    "price": Decimal("1.2345"),
    "weight": 0.1 + 0.2,
    "bought_on": date(2026, 1, 2),
    "opened_at": datetime(2026, 1, 2, 3, 4, 5, 678),  # noqa: DTZ001 - the column has no zone
    "used_at": datetime(2026, 10, 25, 1, 30, 15, 5, tzinfo=UTC),
    "taste": Taste.SALTY,
    "unit": "barrel",
    "more": {"a": [1.5, None]},
}


class IngredientView(ModelView):
    datamodel = SQLAInterface(Ingredient)
    route_base = "/ingredients"
    base_order = ("id", "asc")
    list_title = show_title = add_title = edit_title = "Ingredients"
    label_columns = {name: name for name in COLUMNS}
    list_columns = show_columns = ["name"]
    add_columns = edit_columns = COLUMNS
    search_columns = ()
    choices_columns = {"unit": {"g": "grams"}}


class IngredientApi(ModelRestApi):
    datamodel = SQLAInterface(Ingredient)
    resource_name = "ingredients"
    base_order = ("id", "asc")
    list_columns = show_columns = add_columns = edit_columns = COLUMNS
    search_columns = ()


@pytest.fixture
def kitchen(ours):
    """A visitor of a site with this table, and functions that store and read its row."""
    visitor = ours(IngredientView, IngredientApi)
    with visitor.app.app_context():
        Ingredient.__table__.drop(db.engine, checkfirst=True)
        Ingredient.__table__.create(db.engine)
    yield visitor
    with visitor.app.app_context():
        Ingredient.__table__.drop(db.engine)


def store(visitor, values):
    with visitor.app.app_context():
        db.session.add(Ingredient(**values))
        db.session.commit()


def stored(visitor):
    with visitor.app.app_context():
        row = db.session.get(Ingredient, 1)
        return {name: getattr(row, name) for name in COLUMNS}


@pytest.mark.both_databases
@pytest.mark.parametrize("values", [FULL, dict.fromkeys(COLUMNS)], ids=["full", "empty"])
def test_a_form_that_is_saved_as_it_was_opened_changes_nothing(kitchen, values):
    store(kitchen, values)
    saved = kitchen.submit(kitchen.get("/ingredients/edit/1").form("/ingredients/edit/1"))
    assert saved.flashes == [("info", "Saved.")], saved.text
    assert stored(kitchen) == values


def test_what_is_typed_is_stored_all_the_same(kitchen):
    store(kitchen, FULL)
    form = kitchen.get("/ingredients/edit/1").form("/ingredients/edit/1")
    typed = {"name": "salt", "notes": "", "is_fresh": "y", "price": "1.2346", "opened_at": "2026-01-02T03:05"}
    assert kitchen.submit(form, **typed).flashes == [("info", "Saved.")]
    now = stored(kitchen)
    assert (now["name"], now["notes"], now["is_fresh"], now["price"]) == ("salt", "", True, Decimal("1.2346"))
    assert (now["opened_at"].minute, now["opened_at"].second) == (5, 0)


OTHERS = {
    "name": "salt",
    "notes": "from the sea",
    "is_fresh": "y",
    "calories": "8",
    "price": "9.99",
    "weight": "1.5",
    "bought_on": "2027-01-01",
    "opened_at": "2027-01-01T10:00",
    "used_at": "2027-01-01T10:00",
    "taste": "SWEET",
    "more": '{"a": [null, 1.5]}',
}


@pytest.mark.parametrize("values", [FULL, dict.fromkeys(COLUMNS)], ids=["full", "empty"])
def test_an_old_form_that_changes_nothing_takes_over_what_others_have_saved(kitchen, values):
    store(kitchen, values)
    old = kitchen.get("/ingredients/edit/1").form("/ingredients/edit/1")
    theirs = kitchen.get("/ingredients/edit/1").form("/ingredients/edit/1")
    assert kitchen.submit(theirs, **OTHERS).flashes == [("info", "Saved.")]
    saved = stored(kitchen)
    page = kitchen.submit(old)
    assert page.status == 409
    assert kitchen.submit(page.form("/ingredients/edit/1")).flashes == [("info", "Saved.")]
    assert stored(kitchen) == saved


@pytest.mark.parametrize("changed", [{"more": [2, 1]}, {"used_at": "2026-10-25T01:30:16Z"}, {"notes": ""}])
def test_every_change_gives_a_row_another_etag(kitchen, changed):
    store(kitchen, {**FULL, "more": [1, 2], "notes": None})
    etag = kitchen.get("/api/v1/ingredients/1").headers["ETag"]
    assert kitchen.open("PUT", "/api/v1/ingredients/1", json=changed).headers["ETag"] != etag


@pytest.mark.parametrize("name", ["calories", "shelf"])
def test_a_number_that_its_column_cannot_hold_is_refused_at_the_field(kitchen, name):
    store(kitchen, FULL)
    form = kitchen.get("/ingredients/edit/1").form("/ingredients/edit/1")
    page = kitchen.submit(form, **{name: str(2**63)})
    assert (page.status, page.flashes[0][0]) == (422, "danger")
    assert stored(kitchen) == FULL


def test_a_program_can_send_back_what_it_has_read(kitchen):
    empty = dict.fromkeys(COLUMNS)
    store(kitchen, empty)
    read = kitchen.get("/api/v1/ingredients/1").json["result"]
    assert kitchen.open("PUT", "/api/v1/ingredients/1", json=read).status == 200
    assert stored(kitchen) == empty
