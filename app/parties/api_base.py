"""The base of the members' API: who is asking, how refusals are told, and what is documented.

A verb is declared by what it takes and gives; the same declaration reads what is sent and describes it.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from flask import Response, abort, g, jsonify, request
from flask_appbuilder.api import BaseApi
from flask_appbuilder.const import PERMISSION_PREFIX
from flask_appbuilder.security.decorators import permission_name
from flask_appbuilder.utils.limit import Limit
from flask_babel import gettext as _
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
from app.crud.api import MESSAGES, JsonErrorResponses, field_errors
from app.crud.openapi import OpenApi as StockOpenApi
from app.errors import REFUSED, Category, DomainError
from app.extensions import appbuilder_of, db
from app.parties import access
from app.parties.access import PartyAccess
from app.parties.texts import Flash

UNSAFE = ["DELETE", "PATCH", "POST", "PUT"]
# What a program tells refusals apart by; what people read of them is in their language.
CODES = {400: "unreadable", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 422: "invalid"}
CHANGED_MEANWHILE, UNCHANGED = "changed_meanwhile", "unchanged"
CATEGORIES = ["info", "warning", "danger"]
# What many verbs have in common.
PARTY_NOT_FOUND = {404: "There is no such party, or it is private"}
NOT_THE_HOST = {403: "It is somebody else's", **PARTY_NOT_FOUND}
FINGERPRINT_FIELD = {
    "seen": {
        "type": "string",
        "description": "To be sent along with a change: it is refused if this is not so any more",
    }
}

Method = Callable[..., Response]
# A schema, or a description as OpenAPI has it.
Described = type[Schema] | Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """What a verb takes and gives. `codes` are those it may succeed with; a list gives several of `gives`."""

    permission: str
    takes: type[Schema] | None = None
    gives: Described | None = None
    status: int = 200
    codes: tuple[str, ...] = ()
    # A reason, or a reason and what else is told of it; of a status that is none, its meaning.
    refusals: Mapping[int, Any] = field(default_factory=dict)
    parameters: tuple[Mapping[str, Any], ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


def endpoint(permission: str, **declared: Any) -> Callable[[Method], Method]:
    """Make an endpoint for members who have `permission`; what it `takes` is read, and given to it as `sent`."""
    operation = Operation(permission, **declared)

    def decorate(method: Method) -> Method:
        @wraps(method)
        def wrapper(self: "PartyApiBase", *args: Any, **kwargs: Any) -> Response:
            return self.authenticate() or self.dispatch(operation, lambda **sent: method(self, *args, **kwargs, **sent))

        wrapper.operation = operation  # type: ignore[attr-defined]
        return permission_name(permission)(wrapper)

    return decorate


def _rate_limit_key() -> str:
    """Tell a limit who is asking: a member, by whichever key or token, or else an address."""
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    try:
        if appbuilder_of().sm.extract_api_key_from_request():
            found = api_key_service.find(secret.strip())
            return f"member {found[1].id}" if found else str(get_remote_address())
        # Signed by us; whether it still opens anything is asked later.
        return f"member {decode_token(secret)['sub']}" if scheme else str(get_remote_address())
    except (JWTExtendedException, PyJWTError, ValueError, SQLAlchemyError):
        return str(get_remote_address())


class PartyApiBase(PartyAccess, JsonErrorResponses, BaseApi):
    """What a member may do on the pages of parties, for their programs: by the same services, with the same permissions.

    They are known by an API key or a token, and never by a cookie.
    """

    resource_name = "parties"
    openapi_spec_tag = "Dinner parties"
    limits = [Limit(access.RSVPS_PER_MINUTE, key_func=_rate_limit_key, methods=UNSAFE)]

    # -- who is asking

    def authenticate(self) -> Response | None:
        """Note who is asking; return what somebody unknown is answered."""
        manager = self.appbuilder.sm
        secret = manager.extract_api_key_from_request()
        if secret is not None:
            if manager.validate_api_key(secret) is None:
                return self.response_401()
        else:
            verify_jwt_in_request()
            # Whatever else asks who this is, is told the same.
            g._login_user = g.user  # noqa: SLF001 - Flask-Login's name
        # Whoever they are, they have a language.
        refresh()
        return None

    def get_editable(self, slug: str) -> Any:
        """Return a party of whoever is asking; 404 when they may not know of it, 403 when it is somebody else's."""
        party = self.get_visible(slug).party
        if not (self.is_host(party) or self.is_staff()):
            abort(403)
        return party

    # -- doing what was asked

    def dispatch(self, operation: Operation, act: Method) -> Response:
        """Do what a verb does for whoever may, and tell what kept them from it."""
        if not self.appbuilder.sm.has_access(PERMISSION_PREFIX + operation.permission, self.class_permission_name):
            return self.response_403()
        try:
            return act(sent=self.read(operation.takes)) if operation.takes else act()
        except ValidationError as error:
            return self.response_422(field_errors(error.messages_dict))
        except DomainError as error:
            return self.refuse(error)
        except StaleDataError:
            db.session.rollback()
            text = _("The party has changed in the meantime. Please review it.")
            return self.respond(409, CHANGED_MEANWHILE, (text, "warning"))
        except HTTPException as error:
            if error.response is not None or error.code not in CODES:
                raise
            return self._answer(error.code)

    @staticmethod
    def read(schema: type[Schema]) -> dict[str, Any]:
        """Return what was sent; raises ValidationError for what is not valid, and answers what is no object."""
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            abort(400)
        read: dict[str, Any] = schema().load(body)
        return read

    # -- what is answered

    @staticmethod
    def response(status: int, /, **told: Any) -> Response:
        """Return an answer in JSON. Flask-AppBuilder's takes the status by the name of what programs are told."""
        response = jsonify(told)
        response.status_code = status
        return response

    def respond(self, status: int, code: str, said: Flash, **result: Any) -> Response:
        """Return an answer: `code` for the program, what a person is told, and what it is about."""
        text, category = said
        return self.response(status, code=code, message=str(text), category=category, **result)

    def refuse(self, error: DomainError) -> Response:
        """Return why a rule of the table keeps somebody from something."""
        if error.field:
            text = str(error)
            return self.response(
                422, code=CODES[422], message=text, category=error.category, errors={error.field: [text]}
            )
        return self.respond(409, error.code, (str(error), error.category))

    def response_422(self, message: Any = None) -> Response:
        """Answer what is not valid, with the fields it is about."""
        details = {"errors": message} if isinstance(message, dict) else {}
        return self.response(422, code=CODES[422], message=str(MESSAGES[422]), category="danger", **details)

    def _answer(self, code: int) -> Response:
        category: Category = "danger"
        return self.respond(code, CODES.get(code, REFUSED), (str(MESSAGES[code]), category))

    # -- what is documented

    def operation_helper(
        self,
        path: str | None = None,  # noqa: ARG002 - the signature of apispec
        operations: dict[str, Any] | None = None,
        methods: list[str] | None = None,
        func: Any = None,
        **_kwargs: Any,
    ) -> None:
        """Describe a verb by what it declares."""
        for method in methods or ():
            if operations is not None:
                # A copy: schemas in it become references to those of this document.
                operations[method.lower()] = deepcopy(self._described(func))

    def _described(self, func: Any) -> dict[str, Any]:
        operation: Operation = func.operation
        summary, _dot, more = " ".join((func.__doc__ or "").split()).partition(". ")
        described: dict[str, Any] = {
            "operationId": f"{self.endpoint}.{func.__name__}",
            "summary": summary.rstrip("."),
            "security": [{"jwt": []}, {"api_key": []}],
            "parameters": [*self._path_parameters(func), *operation.parameters],
            "responses": {
                str(operation.status): {"description": "Done", "content": _json(_envelope(operation))},
                **{
                    str(status): _answer_described(operation, status, why) for status, why in operation.refusals.items()
                },
            },
        }
        if more:
            described["description"] = more
        if operation.takes:
            described["requestBody"] = {"required": True, "content": _json(operation.takes)}
            described["responses"].setdefault("400", {"$ref": "#/components/responses/400"})
            described["responses"].setdefault("422", {"$ref": "#/components/responses/422"})
        return described

    def _path_parameters(self, func: Any) -> list[dict[str, Any]]:
        urls = " ".join(url for url, _methods in func._urls)  # noqa: SLF001 - FAB's mark of a route
        return [described for name, described in PATH_PARAMETERS.items() if f"{name}>" in urls]


PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    name: {"in": "path", "name": name, "required": True, "description": description, "schema": {"type": kind}}
    for name, kind, description in (
        ("slug", "string", "The party: the last part of its page's address"),
        ("username", "string", "A member"),
        ("dish_id", "integer", "The number of something that guests are asked to bring"),
        ("promise_id", "integer", "The number of what somebody brings"),
        ("invitation_id", "integer", "The number of an invitation"),
        ("guest_id", "integer", "The number of an answer, as in the list of guests"),
        ("code", "string", "What stands on a guest's ticket"),
    )
}


def _json(schema: Described) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _answer_described(operation: Operation, status: int, why: Any) -> dict[str, Any]:
    """Return the description of an answer with another status than the usual one."""
    if status < 300:
        return {"description": why, "content": _json(_envelope(operation))}
    reason, more = why if isinstance(why, tuple) else (why, None)
    problem: dict[str, Any] = {"$ref": "#/components/schemas/Problem"}
    if more:
        problem = {"allOf": [problem, {"type": "object", "properties": more}]}
    return {"description": reason, "content": _json(problem)}


def _envelope(operation: Operation) -> dict[str, Any]:
    """Return the description of an answer: what is told, when something was done, beside what it is about."""
    told: dict[str, Any] = {}
    if operation.codes:
        told = {
            "code": {"type": "string", "enum": list(operation.codes)},
            "message": {"type": "string", "description": "For a person, in the language of the member"},
            "category": {"type": "string", "enum": CATEGORIES},
        }
    result = {"result": operation.gives} if operation.gives else {}
    return {
        "type": "object",
        "required": [*told, *result],
        "properties": {**told, **result, **operation.more},
    }


PAGE_PARAMETER = {
    "in": "query",
    "name": "page",
    "description": "Which page, counted from 1",
    "schema": {"type": "integer", "minimum": 1, "default": 1},
}
PAGED_FIELDS = {"page": {"type": "integer"}, "has_next": {"type": "boolean"}}


def page_number() -> int:
    """Return the page that is asked for, counted from 1."""
    text = request.args.get("page", "1")[:6]
    return max(int(text), 1) if text.isascii() and text.isdigit() else 1


class OpenApi(StockOpenApi):
    """Describes the APIs to whoever may look at parties: programs are written by members."""

    class_permission_name = "PartyView"
