"""The argument `q` of the generated APIs: whatever it is, the answer is a list or an error of the client."""

import json
from urllib.parse import quote

import prison
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import setup
from app.crud.api import ModelRestApi
from app.database import transaction
from app.extensions import appbuilder_of
from tests.parties.api_client import ApiClient
from tests.support import THOROUGH

# Names that exist in some API, and names that exist in none.
COLUMNS = ["id", "title", "name", "username", "starts_at", "number_seats", "status", "roles", "second_factor_required"]
NAMES = st.sampled_from([*COLUMNS, "host", "host.password", "password", "", "__class__", "metadata", "é"])
OPERATORS = st.sampled_from(
    ["eq", "neq", "gt", "lt", "ct", "nct", "sw", "ew", "in", "not_in", "rel_o_m", "rel_m_m", ""]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from(
        [-1, 0, 2**31, 2**63, 10**30, 1.5, 1e308, "", "1", "x", "-", "%", "2030-01-01", "9999-12-31T23:59"]
    ),
    st.floats(),
    st.text(max_size=20),
)
ANYTHING = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))
FILTERS = st.fixed_dictionaries(
    {"col": NAMES | SCALARS, "opr": OPERATORS | SCALARS, "value": SCALARS | st.lists(SCALARS, max_size=3)},
    optional={"more": ANYTHING, "self": ANYTHING},
)
ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "filters": st.lists(FILTERS, max_size=3) | ANYTHING,
        "order_column": NAMES | ANYTHING,
        "order_direction": st.sampled_from(["asc", "desc", "up"]) | ANYTHING,
        "page": SCALARS,
        "page_size": SCALARS,
        "columns": st.lists(NAMES | SCALARS, max_size=3) | ANYTHING,
        "select_columns": st.lists(NAMES | SCALARS, max_size=3) | ANYTHING,
        "keys": st.lists(st.sampled_from(["none", "list_columns", "x"]), max_size=2) | ANYTHING,
        "add_columns": st.dictionaries(NAMES, ANYTHING, max_size=2) | ANYTHING,
        "edit_columns": ANYTHING,
        "more": ANYTHING,
    },
)


@pytest.fixture
def ask(new_app, cast):
    """Return a function that sends `q` to each generated API, and returns the statuses by address."""
    app = new_app(FAB_ADD_SECURITY_API="yes")
    with app.app_context(), transaction():
        setup.store_permissions(appbuilder_of(app))
        apis = [view.resource_name for view in appbuilder_of(app).baseviews if isinstance(view, ModelRestApi)]
    program = ApiClient(app, cast.admin)
    client, told = program.client, {"Authorization": f"Bearer {program.key}"}

    def send(text, path=""):
        return {name: client.get(f"/api/v1/{name}/{path}?q={quote(text, safe='')}", headers=told) for name in apis}

    return send


@pytest.mark.both_databases
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=2_000 if THOROUGH else 20
)
@given(argument=ARGUMENTS, as_json=st.booleans(), path=st.sampled_from(["", "", "_info", "1"]))
def test_no_argument_is_an_error_of_the_server(ask, argument, as_json, path):
    text = json.dumps(argument) if as_json else prison.dumps(argument)
    statuses = {name: answer.status_code for name, answer in ask(text, path).items()}
    assert set(statuses.values()) <= {200, 400, 404}, statuses


def test_what_is_not_valid_is_named(ask):
    said = {
        "“filters.0” is not valid": {"filters": [{"col": "name", "opr": "eq", "value": "a", "more": 1}]},
        "“filters.1” is not valid": {"filters": [{"col": "id", "opr": "eq", "value": 1}, {"col": "name", "opr": "eq"}]},
        "“page” is not valid": {"page": "x"},
        "“q” is not valid": [1],
        "no filter “host.password eq a”": {"filters": [{"col": "host.password", "opr": "eq", "value": "a"}]},
        "no filter “id like 1”": {"filters": [{"col": "id", "opr": "like", "value": 1}]},
        "could not be understood": {"order_column": "password", "order_direction": "asc"},
    }
    for text, argument in said.items():
        for name, answer in ask(prison.dumps(argument)).items():
            assert answer.status_code == 400, (name, argument)
            assert text in answer.get_json()["message"], (name, argument)
