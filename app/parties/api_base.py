"""The base of the members' API: authentication, error responses, and the OpenAPI description.

Each endpoint declares its input and output once. The declaration validates the request and describes the endpoint.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from flask import Response, abort, jsonify, request
from flask_appbuilder.api import BaseApi
from flask_appbuilder.const import PERMISSION_PREFIX
from flask_appbuilder.security.decorators import permission_name
from flask_appbuilder.utils.limit import Limit
from flask_babel import refresh
from flask_jwt_extended import decode_token, verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException
from flask_limiter.util import get_remote_address
from jwt import PyJWTError
from marshmallow import Schema, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from app.accounts.api_keys import service as api_key_service
from app.crud.api_errors import MESSAGES, JsonErrorResponses, field_errors
from app.crud.openapi import OpenApi as StockOpenApi
from app.errors import REFUSED, Category, DomainError
from app.extensions import appbuilder_of, db
from app.parties import access, texts
from app.parties.access import PartyAccess
from app.parties.texts import Flash

UNSAFE = ["DELETE", "PATCH", "POST", "PUT"]
# Error codes for programs. The message beside them is translated, for people.
CODES = {400: "unreadable", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 422: "invalid"}
CHANGED_MEANWHILE, UNCHANGED = "changed_meanwhile", "unchanged"
CATEGORIES = ["info", "warning", "danger"]
# Refusals of many endpoints.
PARTY_NOT_FOUND = {404: "There is no such party, or it is private"}
NOT_THE_HOST = {403: "You are not a host of this party", **PARTY_NOT_FOUND}
FINGERPRINT_FIELD = {
    "seen": {
        "type": "string",
        "description": "Fingerprint of the stored values. Send it with a change: the change is refused if the values have changed",
    }
}

Method = Callable[..., Response]
# A schema, or a description as OpenAPI has it.
Described = type[Schema] | Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """The declaration of an endpoint.

    `takes` is the schema of the request, `gives` that of `result` in the response; `codes` are the codes of success.
    """

    permission: str
    takes: type[Schema] | None = None
    # The description of a body that the endpoint reads itself.
    body: Described | None = None
    gives: Described | None = None
    status: int = 200
    codes: tuple[str, ...] = ()
    # Descriptions of the other statuses; a tuple adds the properties that the response has beside the usual ones.
    refusals: Mapping[int, Any] = field(default_factory=dict)
    parameters: tuple[Mapping[str, Any], ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


def endpoint(permission: str, **declared: Any) -> Callable[[Method], Method]:
    """Decorate a method as an endpoint that needs `permission`. It gets the validated input of `takes` as `sent`."""
    operation = Operation(permission, **declared)

    def decorate(method: Method) -> Method:
        @wraps(method)
        def wrapper(self: "PartyApiBase", *args: Any, **kwargs: Any) -> Response:
            return self.authenticate() or self.dispatch(operation, lambda **sent: method(self, *args, **kwargs, **sent))

        wrapper.operation = operation  # type: ignore[attr-defined]
        return permission_name(permission)(wrapper)

    return decorate


def _rate_limit_key() -> str:
    """Return the key of the rate limit: the member, for all their keys and tokens, or else the IP address."""
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    try:
        if appbuilder_of().sm.extract_api_key_from_request():
            found = api_key_service.find(secret.strip())
            return f"member {found[1].id}" if found else str(get_remote_address())
        # The signature suffices here; whether the token is still valid is checked later.
        return f"member {decode_token(secret)['sub']}" if scheme else str(get_remote_address())
    except (JWTExtendedException, PyJWTError, ValueError, SQLAlchemyError):
        return str(get_remote_address())


class PartyApiBase(PartyAccess, JsonErrorResponses, BaseApi):
    """A base of APIs under /api/v1/parties. They use the services and permissions of the pages.

    Members authenticate with an API key or a token, never with a cookie.
    """

    resource_name = "parties"
    openapi_spec_tag = "Dinner parties"
    limits = [Limit(access.CHANGES_PER_MINUTE, key_func=_rate_limit_key, methods=UNSAFE)]

    # -- authentication

    def authenticate(self) -> Response | None:
        """Log the member in for this request. Return None, or the response for an unknown API key or token."""
        manager = self.appbuilder.sm
        secret = manager.extract_api_key_from_request()
        if secret is not None:
            if manager.validate_api_key(secret) is None:
                return self.response_401()
        else:
            verify_jwt_in_request()
        # The language is now that of the member.
        refresh()
        return None

    def get_editable(self, slug: str) -> Any:
        """Return the party for its hosts and for administrators; 403 for others, or 404 if they must not know that it exists."""
        party = self.get_visible(slug).party
        if not (self.is_host(party) or self.is_staff()):
            abort(403)
        return party

    # -- dispatch

    def dispatch(self, operation: Operation, call: Method) -> Response:
        """Check the permission, call the endpoint, and turn errors into responses."""
        if not self.appbuilder.sm.has_access(PERMISSION_PREFIX + operation.permission, self.class_permission_name):
            return self.response_403()
        try:
            return call(sent=self.read_body(operation.takes)) if operation.takes else call()
        except ValidationError as error:
            return self.response_422(field_errors(error.messages_dict))
        except DomainError as error:
            return self.refuse(error)
        except StaleDataError:
            db.session.rollback()
            return self.respond(409, CHANGED_MEANWHILE, texts.changed_meanwhile())
        except HTTPException as error:
            if error.response is not None or error.code not in CODES:
                raise
            return self._error_response(error.code)

    @staticmethod
    def read_body(schema: type[Schema]) -> dict[str, Any]:
        """Return the validated JSON object of the request. Raises ValidationError; aborts with 400 if it is no object."""
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            abort(400)
        values: dict[str, Any] = schema().load(body)
        return values

    # -- responses

    @staticmethod
    def response(status: int, /, **values: Any) -> Response:
        """Return a JSON response. Unlike Flask-AppBuilder's method, it allows a value with the name `code`."""
        response = jsonify(values)
        response.status_code = status
        return response

    def respond(self, status: int, code: str, flash: Flash, **result: Any) -> Response:
        """Return a response with a `code` for the program and the translated message for a person."""
        text, category = flash
        return self.response(status, code=code, message=str(text), category=category, **result)

    def refuse(self, error: DomainError) -> Response:
        """Return the response for an error: 422 if it concerns a field, otherwise 409."""
        if error.field:
            text = str(error)
            return self.response(
                422, code=CODES[422], message=text, category=error.category, errors={error.field: [text]}
            )
        return self.respond(409, error.code, (str(error), error.category))

    def response_422(self, message: Any = None) -> Response:
        """Return the response for invalid input, with the errors of each field."""
        details = {"errors": message} if isinstance(message, dict) else {}
        return self.response(422, code=CODES[422], message=str(MESSAGES[422]), category="danger", **details)

    def _error_response(self, code: int) -> Response:
        category: Category = "danger"
        return self.respond(code, CODES.get(code, REFUSED), (str(MESSAGES[code]), category))

    # -- OpenAPI

    def operation_helper(
        self,
        path: str | None = None,  # noqa: ARG002 - the signature of apispec
        operations: dict[str, Any] | None = None,
        methods: list[str] | None = None,
        func: Any = None,
        **_kwargs: Any,
    ) -> None:
        """Describe an endpoint by its declaration. apispec calls this."""
        for method in methods or ():
            if operations is not None:
                # A copy, because apispec replaces the schemas in it by references.
                operations[method.lower()] = deepcopy(self._describe(func))

    def _describe(self, func: Any) -> dict[str, Any]:
        operation: Operation = func.operation
        summary, _dot, more = " ".join((func.__doc__ or "").split()).partition(". ")
        urls = " ".join(url for url, _methods in func._urls)  # noqa: SLF001 - FAB stores the routes there
        in_path = [described for name, described in PATH_PARAMETERS.items() if f"{name}>" in urls]
        described: dict[str, Any] = {
            "operationId": f"{self.endpoint}.{func.__name__}",
            "summary": summary.rstrip("."),
            "security": [{"jwt": []}, {"api_key": []}],
            "parameters": [*in_path, *operation.parameters],
            "responses": {
                str(operation.status): {"description": "Done", "content": _json(_envelope(operation))},
                **{
                    str(status): _describe_response(operation, status, description)
                    for status, description in operation.refusals.items()
                },
            },
        }
        if more:
            described["description"] = more
        if body := operation.takes or operation.body:
            described["requestBody"] = {"required": True, "content": _json(body)}
        if operation.takes:
            described["responses"].setdefault("400", {"$ref": "#/components/responses/400"})
            described["responses"].setdefault("422", {"$ref": "#/components/responses/422"})
        return described


PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    name: {"in": "path", "name": name, "required": True, "description": description, "schema": {"type": kind}}
    for name, kind, description in (
        ("slug", "string", "The party: the last part of the URL of its page"),
        ("username", "string", "The username of a member"),
        ("dish_id", "integer", "The number of a requested dish"),
        ("promise_id", "integer", "The number of a guest's claim"),
        ("invitation_id", "integer", "The number of an invitation"),
        ("guest_id", "integer", "The number of a guest, as in the guest list"),
        ("code", "string", "The code on a guest's ticket"),
        ("dashboard_id", "string", "The dashboard: the last part of the URL of its page"),
        ("number", "integer", "The number of a version"),
        ("upload_id", "string", "The key of an uploaded file"),
        ("link_id", "integer", "The number of a link"),
    )
}


def _json(schema: Described) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _describe_response(operation: Operation, status: int, refusal: Any) -> dict[str, Any]:
    """Describe a response with another status than the usual one."""
    if status < 300:
        return {"description": refusal, "content": _json(_envelope(operation))}
    description, more = refusal if isinstance(refusal, tuple) else (refusal, None)
    problem: dict[str, Any] = {"$ref": "#/components/schemas/Problem"}
    if more:
        problem = {"allOf": [problem, {"type": "object", "properties": more}]}
    return {"description": description, "content": _json(problem)}


def _envelope(operation: Operation) -> dict[str, Any]:
    """Describe the usual response: its message, if the endpoint changes something, and its result."""
    message: dict[str, Any] = {}
    if operation.codes:
        message = {
            "code": {"type": "string", "enum": list(operation.codes)},
            "message": {"type": "string", "description": "For a person, in the language of the member"},
            "category": {"type": "string", "enum": CATEGORIES},
        }
    result = {"result": operation.gives} if operation.gives else {}
    return {
        "type": "object",
        "required": [*message, *result],
        "properties": {**message, **result, **operation.more},
    }


PAGE_PARAMETER = {
    "in": "query",
    "name": "page",
    "description": "The page, counted from 1",
    "schema": {"type": "integer", "minimum": 1, "default": 1},
}
PAGED_FIELDS = {"page": {"type": "integer"}, "has_next": {"type": "boolean"}}


class OpenApi(StockOpenApi):
    """The OpenAPI document, for everybody who can see parties."""

    class_permission_name = "PartyView"
