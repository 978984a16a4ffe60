"""Lists of the generated APIs read the listed columns only, and send what marshmallow makes of whole rows."""

import pytest

from app import setup
from app.crud.api import ModelRestApi
from app.crud.row_values import RowValues
from app.database import transaction
from app.extensions import appbuilder_of
from tests.parties.api_client import ApiClient
from tests.support.factories import DinnerPartyFactory
from tests.support.statements import count_statements

ARGUMENTS = ("", "(page:1,page_size:2)", "(columns:!(id),keys:!(none))", "(page:99,page_size:2,order_column:id)")


@pytest.mark.both_databases
def test_a_list_is_the_same_with_and_without_whole_rows(new_app, cast, monkeypatch):
    DinnerPartyFactory.create_batch(3, rsvp_deadline=None)
    DinnerPartyFactory(full=True)
    app = new_app(FAB_ADD_SECURITY_API="yes")
    with app.app_context(), transaction():
        setup.store_permissions(appbuilder_of(app))
    program = ApiClient(app, cast.admin)
    told, apis = {"Authorization": f"Bearer {program.key}"}, 0
    for api in appbuilder_of(app).baseviews:
        if not isinstance(api, ModelRestApi):
            continue
        for argument in ARGUMENTS:
            address = f"/api/v1/{api.resource_name}/?q={argument}"
            quick = program.client.get(address, headers=told)
            with monkeypatch.context() as slowly:
                slowly.setattr(api, "_row_values", lambda _schema: None)
                slow = program.client.get(address, headers=told)
            assert quick.status_code == 200, address
            assert quick.get_data() == slow.get_data(), address
        apis += isinstance(api._row_values(api.list_model_schema), RowValues)  # noqa: SLF001 - nobody else can tell
    assert apis >= 5


def test_a_list_of_parties_reads_what_it_lists(app, cast):
    DinnerPartyFactory(host=cast.host)
    program = ApiClient(app, cast.admin)
    with count_statements() as statements:
        found = program.client.get("/api/v1/dinnerparties/", headers={"Authorization": f"Bearer {program.key}"})
    (read,) = [statement for statement in statements if statement.startswith("SELECT") and "seats_taken" in statement]
    assert found.get_json()["result"][0]["host"] == {"username": "host"}
    assert [name for name in ("password", "first_name", "hidden_reason", "picture") if name in read] == []
