"""Asking for the data of a chart as somebody."""

import contextlib

import pytest
from flask import g

from app.dashboards.data import service as data
from app.extensions import db


@pytest.fixture
def reading_as(app):
    """Make a request of a member, or of a visitor."""

    @contextlib.contextmanager
    def reading_as(member, path="/"):
        with app.test_request_context(path):
            if member is not None:
                g._login_user = db.session.merge(member, load=False)  # noqa: SLF001 - as Flask-Login does
            yield

    return reading_as


@pytest.fixture
def ask(reading_as):
    """Return the data of a source as a member sees them, or a visitor."""

    def ask(member, source, inputs=()):
        with reading_as(member):
            return data.load(source, dict(inputs))

    return ask


@pytest.fixture
def rows(ask):
    """Return the rows of a named query, as lists."""

    def rows(member, query, **parameters):
        return [list(row) for row in ask(member, {"query": query, "parameters": parameters}).rows]

    return rows
