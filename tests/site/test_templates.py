"""Properties of every template."""

from pathlib import Path

import flask_appbuilder
from flask_appbuilder import baseviews, views, widgets
from flask_appbuilder.charts import views as chart_views
from flask_appbuilder.charts import widgets as chart_widgets
from flask_appbuilder.security import views as security_views
from flask_appbuilder.widgets import RenderTemplateWidget
from jinja2 import meta
from jinja2.filters import FILTERS
from jinja2.utils import _PassArg

import app as package
from app.extensions import appbuilder_of

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


def _is_widget(value):
    return isinstance(value, type) and issubclass(value, RenderTemplateWidget) and value is not RenderTemplateWidget


def _named_by(thing):
    """Yield the templates that a view or class of views names, and those of its widgets."""
    for name in dir(thing):
        value = getattr(thing, name, None)
        if _is_widget(value):
            yield value.template
        elif name.endswith("template") and isinstance(value, str) and value.endswith(".html"):
            yield value


def _starting_points(app):
    """Return the templates of all registered views, and of the widgets and bases that a plugin's views may have."""
    with app.app_context():
        named = {name for view in appbuilder_of().baseviews for name in _named_by(view)}
    for module in (views, baseviews, chart_views):
        named |= {name for each in vars(module).values() if isinstance(each, type) for name in _named_by(each)}
    for module in (widgets, chart_widgets, security_views):
        named |= {each.template for each in vars(module).values() if _is_widget(each)}
    # Every page extends it, by its name in the settings.
    return named | {app.config.get("FAB_BASE_TEMPLATE", "appbuilder/baselayout.html")}


def test_no_view_falls_back_to_a_template_of_flask_appbuilder(app):
    theirs = Path(flask_appbuilder.__file__).parent / "templates"
    waiting, known, fallbacks = sorted(_starting_points(app)), set(), set()
    assert len(waiting) > 30
    while waiting:
        name = waiting.pop()
        source, path, _is_fresh = app.jinja_env.loader.get_source(app.jinja_env, name)
        if Path(path).is_relative_to(theirs):
            fallbacks.add(name)
        referred = set(meta.find_referenced_templates(app.jinja_env.parse(source))) - {None}
        waiting += referred - known
        known |= referred
    assert fallbacks == set()


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
