"""The API of the site as a source of data: read inside the process, with the rights of the reader and no others."""

import pytest
from flask import request
from flask_login import current_user

from app.charts.model import Refusal
from app.dashboards.data import own_api
from app.extensions import db
from tests.support.factories import DinnerPartyFactory


@pytest.mark.both_databases
def test_each_reader_gets_what_the_api_gives_them(ask, cast):
    party = DinnerPartyFactory(host=cast.host, private=True)
    source = {"api": f"/api/v1/parties/{party.slug}"}
    assert ask(cast.host, {**source, "key": "result"})["title"] == party.title
    assert ask(cast.stranger, source) == Refusal("The API of this site answered with status 404.")
    assert ask(cast.host, {**source, "key": "result"})["title"] == party.title
    assert ask(None, source) == Refusal("Log in to see these data.")
    listed = ask(cast.admin, {"api": "/api/v1/dinnerparties/?q=(page_size:1)"})
    assert listed["result"][0]["title"] == party.title
    assert isinstance(ask(cast.host, {"api": "/api/v1/dinnerparties/"}), Refusal)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/parties/",
            "/api/v1/nothing",
            "/api/v1/../../users/list/",
            "/api/v1/security/login",
            "//evil.example/api/v1/parties",
        ),
        *(
            "https://evil.example/api/v1/parties/",
            "/api/v1/parties/\\..",
            "/api/v1/parties/é",
            "/api/v1/parties/\r\nX: y",
        ),
        *("", "/api/v1/parties/" + "a" * 1000, "/static/css/site.css"),
    ],
)
def test_nothing_but_endpoints_that_answer_get_is_read(ask, cast, path):
    assert ask(cast.admin, {"api": path}) == Refusal(f"The API of this site has no path “{path[:100]}” to read.")


def test_a_request_inside_another_ends_there(app, ask, cast, monkeypatch):
    with (
        app.test_request_context("/", environ_overrides={own_api.INSIDE: True}),
        pytest.raises(ValueError, match="another"),
    ):
        own_api.read("/api/v1/parties")
    monkeypatch.setattr(own_api, "MAX_BYTES", 10)
    assert ask(cast.host, {"api": "/api/v1/parties"}) == Refusal("The answer of the API is too large, or not JSON.")


def test_the_outer_request_goes_on_as_it_was(app, reading_as, cast):
    party = DinnerPartyFactory(host=cast.host)
    with reading_as(cast.host, "/here"):
        own_api.read(f"/api/v1/parties/{party.slug}")
        assert (request.path, current_user.username) == ("/here", "host")
        assert db.session.is_active
