"""The page of FAB_API_SWAGGER_UI."""

import pytest
from playwright.sync_api import expect

from app import setup
from tests.conftest import _start_anew
from tests.support.factories import RowFactory


@pytest.fixture
def app(new_app):
    app = new_app({"FAB_API_SWAGGER_UI": True})
    RowFactory.app = app
    for limiter in app.extensions["limiter"]:
        _start_anew(limiter, enabled=False)
    with app.app_context():
        setup.prepare()
    return app


def test_administrators_read_the_api_on_a_page(page, log_in, cast):
    log_in(page, cast.admin)
    page.goto("/swagger/v1")
    expect(page.get_by_text("/api/v1/security/login").first).to_be_visible()
    page.get_by_text("/api/v1/security/login").first.click()
    expect(page.get_by_text("Name, password or code are wrong").first).to_be_visible()
    assert page.goto("/swagger/v7").status == 404


def test_visitors_do_not(page):
    page.goto("/swagger/v1")
    expect(page).to_have_url("/login/?next=/swagger/v1")
