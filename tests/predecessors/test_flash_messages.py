"""Tutorials on flash messages: categories, shown once, dismissible."""

import pytest
from flask import flash, render_template_string


@pytest.mark.parametrize(
    ("category", "shown"),
    [("info", "info"), ("warning", "warning"), ("danger", "danger"), ("success", "info"), ("error", "danger"),
     ("message", "info")],
)  # fmt: skip
def test_any_category_is_shown_once_and_can_be_dismissed(new_visitor, category, shown, locale):
    visitor = new_visitor()
    with visitor.client.session_transaction() as session:
        session["_flashes"] = [(category, "Soup is served.")]
    page = visitor.get("/")
    assert page.flashes == [(shown, "Soup is served.")]
    assert 'class="dismiss"' in page.text
    assert visitor.get("/").flashes == []


def test_equal_flashes_are_shown_once(new_visitor):
    visitor = new_visitor()
    with visitor.client.session_transaction() as session:
        session["_flashes"] = [("info", "Soup is served.")] * 3 + [("warning", "Soup is served.")]
    assert visitor.get("/").flashes == [("info", "Soup is served."), ("warning", "Soup is served.")]


def test_a_bulk_action_of_many_rows_keeps_the_cookie_small(admin, member):
    rows = [str(member().id) for _number in range(150)]
    page = admin.open("POST", "/users/action_post", follow=False, data={"csrf_token": admin.csrf_token(),
        "action": "deactivate", "rowid": rows})  # fmt: skip
    assert page.status == 303
    assert max(len(cookie) for cookie in page.headers.getlist("Set-Cookie")) < 4000


def test_a_template_shows_only_some_categories(app, locale):
    template = '{% extends "appbuilder/base.html" %}{% set flash_kinds = ["warning", "danger"] %}'
    with app.test_request_context(headers={"Accept-Language": locale}):
        flash("Soup is served.", "info")
        flash("The soup is cold.", "warning")
        page = render_template_string(template, appbuilder=app.extensions["appbuilder"])
    assert "The soup is cold." in page
    assert "Soup is served." not in page
