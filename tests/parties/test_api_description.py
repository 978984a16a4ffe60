"""The OpenAPI document describes every endpoint of the API, and nothing else."""

import re

import pytest

from app.navigation import PARTY_APIS
from tests.parties.api_client import ApiClient
from tests.support.factories import DinnerPartyFactory

METHODS = {"get", "post", "put", "patch", "delete"}
ARGUMENT = re.compile(r"<(?:[^<>]*:)?([^<>:]+)>")


@pytest.fixture
def document(app, cast):
    answer = ApiClient(app, cast.friend).client.get("/api/v1/_openapi")
    assert answer.status_code == 200
    return answer.get_json()


def operations(document):
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_url_is_documented_with_all_its_methods(app, document):
    served = {
        (ARGUMENT.sub(r"{\1}", str(rule)), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if str(rule).startswith(("/api/v1/", "/api/<version>/"))
    }
    assert {(path, method) for path, method, _operation in operations(document)} == served
    assert {method for _path, method in served} == METHODS


def test_every_operation_has_an_id_a_success_and_error_responses(document):
    names = [operation["operationId"] for _path, _method, operation in operations(document)]
    assert len(set(names)) == len(names)
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        answers = operation["responses"]
        assert any(status.startswith("2") for status in answers), where
        assert {"429", "500", "503"} <= set(answers), where
        if operation.get("security"):
            assert {"401", "403"} <= set(answers), where
        if "{" in path:
            assert "404" in answers, where
        if method in {"put", "patch"}:
            assert {"400", "422"} <= set(answers), where
        assert all(answer.get("description") or "$ref" in answer for answer in answers.values()), where


def test_every_member_endpoint_documents_its_request_and_response(document):
    described = {name for path, _method, operation in operations(document) if path.startswith("/api/v1/parties")
                 for name in [operation["operationId"]] if operation["summary"]}  # fmt: skip
    ours = {
        f"{api.__name__}.{name}" for api in PARTY_APIS for name, member in vars(api).items() if hasattr(member, "_urls")
    }
    assert described == ours
    for path, method, operation in operations(document):
        if not path.startswith("/api/v1/parties"):
            continue
        assert operation["security"] == [{"jwt": []}, {"api_key": []}]
        done = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
        told = done["content"]["application/json"]["schema"]
        if method == "get":
            assert set(told["required"]) == {"result"}, path
        else:
            assert {"code", "message", "category"} <= set(told["required"]), path
            assert told["properties"]["code"]["enum"], path


def test_the_openapi_document_is_valid(document):
    """As far as OpenAPI 3.0 requires it."""
    assert document["openapi"].startswith("3.0")
    assert {"title", "version"} <= set(document["info"])
    assert {"jwt", "api_key", "jwt_refresh"} == set(document["components"]["securitySchemes"])
    for reference in references(document):
        assert resolves(document, reference), reference
    for path, method, operation in operations(document):
        declared = [each for each in operation.get("parameters", []) if each["in"] == "path"]
        assert {each["name"] for each in declared} == set(re.findall(r"{(\w+)}", path)), (method, path)
        assert all(each["required"] is True and each["schema"] for each in declared), (method, path)
        assert all(re.fullmatch("[1-5][0-9][0-9]", status) for status in operation["responses"]), (method, path)
        for scheme in operation.get("security", []):
            assert set(scheme) <= set(document["components"]["securitySchemes"]), (method, path)
        assert method not in {"get", "delete"} or "requestBody" not in operation, (method, path)
    for kind in document["components"].values():
        assert all(re.fullmatch(r"[a-zA-Z0-9._-]+", name) for name in kind)


def test_responses_match_their_schemas(app, cast, document):
    """Every field, and no other."""
    party = DinnerPartyFactory(host=cast.host, slug="fondue")
    program = ApiClient(app, cast.host)
    for path in ("", "/mine", "/fondue", "/fondue/waiting-list", "/fondue/kitchen", "/fondue/guests", "/fondue/menu"):
        described = document["paths"][f"/api/v1/parties{path.replace(party.slug, '{slug}')}"]["get"]
        schema = described["responses"]["200"]["content"]["application/json"]["schema"]
        assert differences(document, schema, program.get(path)) == [], path


def test_members_who_may_see_parties_can_read_the_openapi_document(app, visitor):
    assert visitor.get("/api/v1/_openapi").status == 200
    assert visitor.get("/api/v7/_openapi").status == 404


def differences(document, schema, told, where="answer"):
    """Return where a response differs from its schema."""
    while "$ref" in schema:
        schema = follow(document, schema["$ref"])
    if told is None or "allOf" in schema:
        return []
    if schema.get("type") == "array":
        return [each for item in told for each in differences(document, schema["items"], item, where)]
    described = schema.get("properties")
    if schema.get("type") != "object" or described is None:
        return []
    wrong = [f"{where}: {name}" for name in set(described) ^ set(told)]
    return wrong + [
        each for name in set(described) & set(told) for each in differences(document, described[name], told[name], name)
    ]


def references(node):
    if isinstance(node, dict):
        yield from [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def follow(document, reference):
    assert reference.startswith("#/")
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


def resolves(document, reference):
    try:
        return bool(follow(document, reference))
    except KeyError:
        return False
