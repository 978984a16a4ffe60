"""The newest rules of time zones that a machine has are used by everything in the process."""

import logging
import os
import subprocess
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import flask_babel
import pytest
from flask import render_template_string

import config
from app import zone_rules
from app.i18n import selectors
from app.i18n.selectors import force_locale
from app.parties.calendar.zones import definition as definition_of
from tests.support import zones

VANCOUVER = "America/Vancouver"
DINNER = datetime(2040, 1, 16, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _rules_of_this_machine():
    yield
    zone_rules.use_newest()


@pytest.mark.parametrize(
    ("package", "system", "expected"),
    [
        ("2026f", "2025b", "package"),
        ("2025b", "2026f", "system"),
        ("2026f", "2026f", "package"),
        ("2026b", "2026a", "package"),
        ("2026z", "2026za", "system"),
        ("2025b", "", "package"),
    ],
)
def test_the_newest_rules_are_used(tmp_path, package, system, expected):
    rules = {VANCOUVER: zones.RULES[zones.NEW][VANCOUVER]}
    folders = [zones.write(tmp_path / name, version, rules) for name, version in
               {"package": package, "system": system}.items()]  # fmt: skip
    zone_rules.use_newest([*folders, tmp_path / "missing"])
    assert zone_rules.version() == {"package": package, "system": system}[expected]
    assert f"from {tmp_path / expected}" in zone_rules.described()


def test_the_version_of_a_mac_or_bsd_is_read(tmp_path):
    zones.write(tmp_path, "", {}).joinpath("+VERSION").write_text("2099a\n")
    zone_rules.use_newest([zone_rules.PACKAGE, tmp_path])
    assert zone_rules.version() == "2099a"


def test_a_zone_that_the_newest_folder_lacks_comes_from_the_package(tmp_path):
    zone_rules.use_newest([zones.write(tmp_path, "2099a", {})])
    assert datetime(2026, 7, 1, tzinfo=ZoneInfo("Europe/Madrid")).tzname() == "CEST"


def test_files_of_an_old_system_do_not_win_over_the_package(tmp_path):
    """A fresh interpreter reads the rules before it knows any zone. Python alone would take the system's."""
    zones.write(tmp_path, zones.OLD, zones.RULES[zones.OLD])
    code = (
        "from zoneinfo import ZoneInfo; from datetime import datetime; ZoneInfo('America/Vancouver'); import app\n"
        "print(datetime(2027, 1, 15, 19, tzinfo=ZoneInfo('America/Vancouver')).utcoffset())"
    )
    environ = {**os.environ, "PYTHONTZPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=config.ROOT, env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["-1", "day,", "17:00:00"]


@pytest.mark.parametrize(("version", "clock"), [(zones.OLD, 18), (zones.NEW, 19)])
def test_python_flask_babel_and_icalendar_use_the_same_rules(app, tmp_path, version, clock):
    with zones.in_use(tmp_path, version), app.app_context(), force_locale("en", VANCOUVER):
        assert DINNER.astimezone(ZoneInfo(VANCOUVER)).hour == clock
        assert flask_babel.to_user_timezone(DINNER).hour == clock
        assert flask_babel.to_utc(datetime.fromisoformat(f"2040-01-15T{clock}:00")) == DINNER.replace(tzinfo=None)
        assert render_template_string("{{ d|datetimeformat('H') }}", d=DINNER) == str(clock)
        definition = definition_of(VANCOUVER, ZoneInfo(VANCOUVER), DINNER, DINNER)
        offset = {zones.OLD: b"TZOFFSETTO:-0800", zones.NEW: b"TZOFFSETTO:-0700"}[version]
        assert offset in definition.to_ical()


def test_newer_rules_are_used_without_a_restart(app, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(zone_rules, "SYSTEM", (zones.write(tmp_path, zones.OLD, zones.RULES[zones.OLD]),))
    zone_rules.use_newest()
    before = zone_rules.version()
    zones.write(tmp_path, "2099a", {**zones.RULES[zones.NEW], "Europe/Atlantis": "AAA-2"})
    monkeypatch.setattr(zone_rules.IN_USE, "next_check", 0.0)
    with caplog.at_level(logging.INFO, "app.zone_rules"):
        app.test_client().get("/health")
    assert (before < "2099a", zone_rules.version()) == (True, "2099a")
    assert "Time zone rules: 2099a, from " in caplog.text
    assert selectors.is_timezone("Europe/Atlantis")


def test_files_that_are_no_places_cannot_be_chosen():
    assert not selectors.timezones() & {"Factory", "localtime", "posixrules"}
