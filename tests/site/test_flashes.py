"""The flashes of a page: their kinds, and a template that shows only some of them."""

import pytest
from flask import flash, render_template_string

PAGE = '{% extends "appbuilder/base.html" %}'
ONLY_BAD_NEWS = PAGE + '{% set flash_kinds = ["warning", "danger"] %}'


@pytest.fixture
def shown(app, monkeypatch):
    """Return the texts of the flashes that a page with the given template shows."""

    def render(template):
        with app.test_request_context():
            for category in ("info", "success", "warning", "danger", "error"):
                flash(f"This is {category}", category)
            text = render_template_string(template, appbuilder=app.extensions["appbuilder"])
            return [
                each for each in ("info", "success", "warning", "danger", "error") if f"<p>This is {each}</p>" in text
            ]

    return render


def test_a_page_shows_all_flashes(shown):
    assert shown(PAGE) == ["info", "success", "warning", "danger", "error"]


def test_a_template_can_show_only_some_kinds(shown):
    assert shown(ONLY_BAD_NEWS) == ["warning", "danger", "error"]


def test_a_template_can_ask_for_the_flashes_of_a_category(shown):
    template = PAGE + (
        "{% block messages %}{% for text in get_flashed_messages(category_filter=['warning']) %}<p>{{ text }}</p>"
        "{% endfor %}{% endblock %}"
    )
    assert shown(template) == ["warning"]
