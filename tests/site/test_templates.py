"""What holds for every template."""

from pathlib import Path

import pytest
from jinja2.filters import FILTERS
from jinja2.utils import _PassArg

import app as package

TEMPLATES = Path(package.__file__).parent / "templates"
MAILS = sorted(path.name for path in (TEMPLATES / "mail").iterdir() if path.is_dir())


@pytest.mark.parametrize("name", sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.*")))
def test_it_compiles(app, name):
    app.jinja_env.get_template(name)


def test_no_filter_of_ours_answers_once_for_all_readers(app):
    ours = {name for name, function in app.jinja_env.filters.items() if FILTERS.get(name) is not function}
    assert {"is_item_visible", "value", "date_time"} <= ours
    # Only what takes the context is left for when a page is rendered.
    assert all(app.jinja_env.filters[name].jinja_pass_arg == _PassArg.context for name in ours)


@pytest.mark.parametrize("mail", MAILS)
def test_a_mail_is_a_subject_of_one_line_and_two_bodies(mail):
    files = {path.name: path.read_text(encoding="utf-8") for path in (TEMPLATES / "mail" / mail).iterdir()}
    assert set(files) == {"subject.txt", "body.txt", "body.html"}
    assert len(files["subject.txt"].strip().splitlines()) == 1
