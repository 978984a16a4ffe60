from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict

from app.accounts.models import Member
from app.crud.fields import (
    AutocompleteField,
    JsonField,
    LocalDateTimeField,
    TimezoneField,
    clean_line,
    clean_text,
    show_at_field,
)
from app.errors import DomainError


class When(FlaskForm):
    class Meta:
        csrf = False

    starts_at = LocalDateTimeField("When", zone_field="timezone", required=True)
    timezone = TimezoneField("Where")


def filled(app, **typed):
    with app.test_request_context():
        form = When(MultiDict(typed))
        form.validate()
        return SimpleNamespace(
            at=form.starts_at.data,
            zone=form.timezone.data,
            errors=form.errors,
            html=str(form.starts_at()) + str(form.timezone()),
        )


@pytest.mark.parametrize(
    ("typed", "zone", "moment"),
    [
        ("2026-07-01T20:00", "Europe/Madrid", datetime(2026, 7, 1, 18, tzinfo=UTC)),
        ("2026-01-01T20:00:30", "America/New_York", datetime(2026, 1, 2, 1, 0, 30, tzinfo=UTC)),
        ("2026-07-01 20:00:00", "Europe/Madrid", datetime(2026, 7, 1, 18, tzinfo=UTC)),
        # An ambiguous local time: the earlier one
        ("2026-10-25T02:30", "Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-07-01T20:00", "", datetime(2026, 7, 1, 20, tzinfo=UTC)),
        ("2026-07-01T20:00", "asia/tokyo", datetime(2026, 7, 1, 11, tzinfo=UTC)),
    ],
)
def test_a_local_time_is_converted_from_its_time_zone(app, typed, zone, moment):
    found = filled(app, starts_at=typed, timezone=zone)
    assert not found.errors
    assert found.at == moment


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("2026-03-29T02:30", "Europe/Berlin"),
        ("tomorrow", "UTC"),
        ("2026-02-30T20:00", "UTC"),
        ("0001-01-01T00:00", "Asia/Tokyo"),
        ("9999-12-31T23:59", "America/New_York"),
        ("", "UTC"),
        ("\0", "UTC"),
    ],
)
def test_a_nonexistent_local_time_is_refused_and_kept(app, typed, zone):
    found = filled(app, starts_at=typed, timezone=zone)
    assert list(found.errors) == ["starts_at"]
    assert typed == "\0" or f'value="{typed}"' in found.html


@pytest.mark.parametrize("zone", ["Mars/Olympus", "America", "../../etc/passwd", "localtime", "1"])
def test_an_unknown_time_zone_is_refused_once_and_kept(app, zone):
    found = filled(app, starts_at="2026-07-01T20:00", timezone=zone)
    assert list(found.errors) == ["timezone"]
    assert f'value="{zone}"' in found.html


def test_a_time_is_shown_in_its_time_zone(app):
    party = SimpleNamespace(starts_at=datetime(2026, 7, 1, 18, tzinfo=UTC), timezone="Europe/Madrid")
    with app.test_request_context():
        assert 'type="datetime-local" value="2026-07-01T20:00"' in str(When(obj=party).starts_at())


def test_time_zones_are_suggested_without_javascript(app):
    html = filled(app).html
    assert 'list="timezone-options"' in html
    assert "<option>Europe/Madrid</option>" in html


class Who(FlaskForm):
    class Meta:
        csrf = False

    host = AutocompleteField("Host", model=Member, key="username", endpoint="DinnerPartyModelView.options")


def test_a_row_is_chosen_by_its_natural_key(app, cast):
    with app.test_request_context():
        form = Who(MultiDict({"host": " HOST "}))
        assert form.validate()
        assert form.host.data.id == cast.host.id
        html = str(form.host())
    assert 'data-options-url="/dinnerparties/options/host"' in html
    assert cast.friend.username not in html


@pytest.mark.parametrize("typed", ["nobody", "a\0b", "1", "x" * 5000, "<script>"])
def test_an_unknown_natural_key_is_refused_and_kept(app, cast, typed):
    with app.test_request_context():
        form = Who(MultiDict({"host": typed}))
        assert not form.validate()
        html = str(form.host())
        assert len(form.host.errors) == 1
    assert "<script>" not in html
    assert typed[:4].replace("\0", "").replace("<", "&lt;")[:4] in html


class Wishes(FlaskForm):
    wish = JsonField()


@pytest.mark.parametrize(
    ("typed", "value"),
    [('{"soup": ["hot", 1.5, null]}', {"soup": ["hot", 1.5, None]}), ('"é"', "é"), ("0", 0), ("  ", None)],
)
def test_json_is_stored_as_its_value_and_shown_again(app, typed, value):
    with app.test_request_context(method="POST"):
        form = Wishes(MultiDict({"wish": typed}), meta={"csrf": False})
        assert form.validate()
        assert form.wish.data == value
        shown = Wishes(None, wish=value, meta={"csrf": False}).wish()
    assert ("soup" in shown) == ("soup" in typed)


@pytest.mark.parametrize("typed", ["{", "NaN", '{"a": Infinity}', '"\\u0000"', '"\\ud800"', "[" * 5000])
def test_what_is_no_json_is_refused_and_kept(app, typed):
    with app.test_request_context(method="POST"):
        form = Wishes(MultiDict({"wish": typed}), meta={"csrf": False})
        assert not form.validate()
        assert form.errors == {"wish": ["This is not valid JSON."]}
        assert form.wish._value() == typed  # noqa: SLF001 - what WTForms' widgets show


def test_control_characters_and_surrounding_whitespace_are_removed():
    assert clean_text("  a\0b\x07\r\nc\t ") == "ab\nc"
    assert clean_line(" a \n b ") == "a b"
    assert clean_text("\u202eעברית 🍷") == "\u202eעברית 🍷"
    assert clean_text(None) is clean_line(None) is None


def test_a_domain_error_is_shown_at_its_field_or_above_the_form(app):
    with app.test_request_context():
        form = When(MultiDict())
        show_at_field(form, DomainError("too late", field="starts_at"))
        show_at_field(form, DomainError("not now"))
        show_at_field(form, DomainError("not here", field="elsewhere"))
        assert form.starts_at.errors == ["too late"]
        assert form.form_errors == ["not now", "not here"]
