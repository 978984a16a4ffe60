"""Asking for the data of a chart as somebody."""

import pytest
from flask import g

from app.dashboards import data
from app.extensions import db


@pytest.fixture
def ask(app):
    """Return the data of a source as a member sees them, or a visitor."""

    def ask(member, source, inputs=()):
        with app.test_request_context("/"):
            if member is not None:
                g._login_user = db.session.merge(member, load=False)  # noqa: SLF001 - as Flask-Login does
            return data.load(source, dict(inputs))

    return ask


@pytest.fixture
def rows(ask):
    """Return the rows of a named query, as lists."""

    def rows(member, query, **parameters):
        return [list(row) for row in ask(member, {"query": query, "parameters": parameters}).rows]

    return rows
