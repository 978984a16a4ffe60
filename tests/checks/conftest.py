"""What a check of `flask doctor` finds."""

import pytest

from app import checks, doctor  # noqa: F401 - checks register themselves


@pytest.fixture
def find(app, monkeypatch):
    """Run a check with some settings; return its findings as (level, text with advice)."""

    def run(name, **settings):
        for setting, value in settings.items():
            monkeypatch.setitem(app.config, setting, value)
        with app.app_context():
            found = doctor.CHECKS[name].findings()
        return [(each.level.name, f"{each.text} {each.advice}".strip()) for each in found]

    return run
