"""Properties of every template."""

from pathlib import Path

from jinja2.filters import FILTERS
from jinja2.utils import _PassArg

import app as package

TEMPLATES = Path(package.__file__).parent / "templates"
MAILS = TEMPLATES / "mail"
BODIES = {"subject.txt", "body.txt", "body.html"}


def test_every_template_compiles(app):
    names = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.*"))
    broken = {}
    for name in names:
        try:
            app.jinja_env.get_template(name)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other templates are to be tried
            broken[name] = repr(error)
    assert len(names) > 100
    assert broken == {}


def test_no_template_filter_is_evaluated_at_compile_time(app):
    ours = {name for name, function in app.jinja_env.filters.items() if FILTERS.get(name) is not function}
    assert {"is_item_visible", "value", "date_time"} <= ours
    # Only filters that take the context are evaluated at render time.
    assert all(app.jinja_env.filters[name].jinja_pass_arg == _PassArg.context for name in ours)


def test_each_email_template_has_a_one_line_subject_and_two_bodies():
    mails = {
        folder.name: {path.name: path for path in folder.iterdir()} for folder in MAILS.iterdir() if folder.is_dir()
    }
    assert len(mails) > 20
    assert {name: set(files) for name, files in mails.items() if set(files) != BODIES} == {}
    subjects = {name: files["subject.txt"].read_text(encoding="utf-8").strip() for name, files in mails.items()}
    assert {name: subject for name, subject in subjects.items() if len(subject.splitlines()) != 1} == {}
