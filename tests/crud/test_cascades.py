"""Fields whose choices the browser loads: keys that are checked, and choices that depend on another field."""

import pytest
from flask_appbuilder.fieldwidgets import Select2AJAXWidget, Select2SlaveAJAXWidget
from sqlalchemy import ForeignKey, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from app.crud import AJAXSelectField, ModelView, SQLAInterface
from app.database import transaction
from app.extensions import db


class Base(DeclarativeBase):
    """Not that of the application: these tables are in none of its migrations."""


class Country(Base):
    __tablename__ = "test_country"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))

    def __str__(self):
        return self.name


class City(Base):
    __tablename__ = "test_city"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    country_id: Mapped[int] = mapped_column(ForeignKey("test_country.id"))
    country: Mapped[Country] = relationship()

    def __str__(self):
        return self.name


class Trip(Base):
    __tablename__ = "test_trip"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    country_id: Mapped[int] = mapped_column(ForeignKey("test_country.id"))
    city_id: Mapped[int] = mapped_column(ForeignKey("test_city.id"))
    country: Mapped[Country] = relationship()
    city: Mapped[City] = relationship()

    def __str__(self):
        return self.name


TRIPS = SQLAInterface(Trip)
FIELDS = {
    "country": AJAXSelectField(
        "Country", datamodel=TRIPS, col_name="country", widget=Select2AJAXWidget("/trips/api/column/add/country")
    ),
    "city": AJAXSelectField(
        "City",
        datamodel=TRIPS,
        col_name="city",
        widget=Select2SlaveAJAXWidget("country", "/trips/api/column/add/city?_flt_0_country={{ID}}"),
    ),
}


class Trips(ModelView):
    datamodel = TRIPS
    base_order = ("name", "asc")
    list_title, show_title, add_title, edit_title = "Trips", "Trip", "New trip", "Change trip"
    label_columns = {"name": "Name", "country": "Country", "city": "City"}
    list_columns = show_columns = add_columns = edit_columns = ["name", "country", "city"]
    base_permissions = ["can_list", "can_show", "can_add", "can_edit"]
    add_form_extra_fields = edit_form_extra_fields = FIELDS


def fill(app):
    with app.app_context():
        Base.metadata.create_all(db.engine)
        with transaction() as session:
            spain, germany = Country(name="Spain"), Country(name="Germany")
            session.add_all([spain, germany])
            session.add_all([City(name="Berlin", country=germany), City(name="Cádiz", country=spain)])


@pytest.fixture
def visitor(ours):
    visitor = ours(Trips)
    fill(visitor.app)
    return visitor


def test_the_choices_depend_on_the_other_field(visitor):
    assert [each["text"] for each in visitor.get("/trips/api/column/add/country").json] == ["Spain", "Germany"]
    assert visitor.get("/trips/api/column/add/city?_flt_0_country=1").json == [{"id": "2", "text": "Cádiz"}]


@pytest.mark.parametrize("filters", ["_flt_0_country=x", "_flt_0_country=77", "_flt_0_name=Berlin", "_flt_0_x=1"])
def test_no_other_filter_is_accepted(visitor, filters):
    assert visitor.get(f"/trips/api/column/add/city?{filters}").json == []


def test_only_fields_that_load_their_choices_have_them(visitor, monkeypatch):
    assert visitor.get("/trips/api/column/add/name").status == 404
    assert visitor.get("/trips/api/column/list/city").status == 404
    monkeypatch.setattr(visitor.app.extensions["appbuilder"].sm, "has_access", lambda *_: False)
    assert visitor.get("/trips/api/column/add/city").status == 401


def test_a_row_is_stored_by_keys_and_a_wrong_key_is_kept_for_correction(visitor):
    form = visitor.get("/trips/add").form("/trips/add")
    page = visitor.submit(form, name="Rest", country="1", city="99")
    assert page.status == 422
    assert "“99” was not found." in page.text
    assert page.form("/trips/add").fields.to_dict() | {"csrf_token": ""} == {
        "csrf_token": "",
        "name": "Rest",
        "country": "1",
        "city": "99",
        "next": "/trips/list/",
    }
    page = visitor.submit(page.form("/trips/add"), city="2")
    assert page.flashes == [("info", "Saved.")]
    with visitor.app.app_context():
        assert tuple(db.session.execute(text("SELECT name, country_id, city_id FROM test_trip")).one()) == (
            "Rest",
            1,
            2,
        )
    form = visitor.get("/trips/edit/1").form("/trips/edit/1")
    assert (form.fields["country"], form.fields["city"]) == ("1", "2")
    assert visitor.submit(form).flashes == [("info", "Saved.")]
