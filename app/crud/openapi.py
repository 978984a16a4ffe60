"""The OpenAPI documents of the APIs: each operation has a unique name and all of its error responses."""

import json
import re
from collections.abc import Iterator
from typing import Any

from flask import Response, abort, current_app
from flask_appbuilder.api import BaseApi, expose, safe
from flask_appbuilder.api.manager import OpenApi as StockOpenApi
from flask_appbuilder.menu import MenuApi as StockMenuApi
from flask_appbuilder.security.decorators import has_access, permission_name, protect
from marshmallow import Schema, fields

from app.crud.api_errors import JsonErrorResponses
from app.crud.views import BaseView
from app.extensions import appbuilder_of

ARGUMENT = re.compile(r"<(?:[^<>]*:)?([^<>:]+)>")
DESCRIPTION = (
    "Log in with an API key, which members make for themselves under “My account”, or with a token from "
    "/security/login. Either is sent as “Authorization: Bearer …”; cookies are not read. Messages are in the "
    "language that the member has chosen, or else in that of Accept-Language."
)
# The error responses of all operations, of those that require authentication, and of some.
ALWAYS = {429: "Too many requests", 500: "Internal error", 503: "Not possible right now: try again in a moment"}
AUTHENTICATED = {401: "Not authenticated", 403: "Not permitted, or the API key is read-only"}
OTHERS = {
    400: "The request cannot be parsed",
    404: "Not found",
    422: "The data is incomplete or invalid",
}
RETRY_AFTER = {"Retry-After": {"description": "Seconds after which to try again", "schema": {"type": "integer"}}}


class Problem(Schema):
    """An error response."""

    code = fields.String(metadata={"description": "Identifies the error for programs"})
    message = fields.String(required=True, metadata={"description": "For people, in the language of the member"})
    category = fields.String(metadata={"enum": ["info", "warning", "danger"]})
    errors = fields.Dict(
        keys=fields.String(), values=fields.Raw(), metadata={"description": "The errors of each field"}
    )


class SiteMenuApi(JsonErrorResponses, StockMenuApi):
    """The menu entries that a member may see, with their addresses."""

    openapi_spec_tag = "Site"

    # Flask-AppBuilder's accepts the cookie of a browser.
    @expose("/")
    @protect()
    @permission_name("get")
    def get_menu_data(self) -> Response:
        """Get the menu.
        ---
        get:
          summary: Get the menu
          description: The entries that you may open, in groups, with labels in your language.
          responses:
            200:
              description: The menu
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      result:
                        type: array
                        items:
                          type: object
        """  # noqa: D205 - the format of apispec
        return self.response(200, result=self.appbuilder.menu.get_data())


class OpenApi(JsonErrorResponses, StockOpenApi):
    """Serves the OpenAPI document of a version. Flask-AppBuilder's is generated in each request, and takes cookies."""

    allow_browser_login = False

    def __init__(self) -> None:
        super().__init__()
        self._described: dict[str, str] = {}

    @expose("/<version>/_openapi")
    @protect()
    @safe
    @permission_name("read")
    def get(self, version: str) -> Response:
        """Describe the APIs of a version.
        ---
        get:
          summary: Describe the APIs
          parameters:
          - in: path
            name: version
            required: true
            schema:
              type: string
              example: v1
          responses:
            200:
              description: An OpenAPI document
              content:
                application/json:
                  schema:
                    type: object
        """  # noqa: D205 - the format of apispec
        document = self.document(version)
        return Response(document, mimetype="application/json") if document else self.response_404()

    def document(self, version: str) -> str | None:
        """Return the document of a version as JSON; None if there is no such version."""
        if version not in self._described:
            apis = [api for api in appbuilder_of().baseviews if isinstance(api, BaseApi) and api.version == version]
            if not apis:
                return None
            self._described[version] = json.dumps(self._describe(version, apis))
        return self._described[version]

    def _describe(self, version: str, apis: list[BaseApi]) -> dict[str, Any]:
        spec = self._create_api_spec(version)
        spec.options["info"] = {"description": DESCRIPTION}
        spec.components.schema("Problem", schema=Problem)
        for api in apis:
            api.add_api_spec(spec)
        document: dict[str, Any] = spec.to_dict()
        problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        document["components"]["responses"] = {
            str(status): {
                "description": why,
                "content": problem,
                **({"headers": RETRY_AFTER} if status in {429, 503} else {}),
            }
            for status, why in {**ALWAYS, **AUTHENTICATED, **OTHERS}.items()
        }
        for path, method, name in _operations():
            operation = document["paths"].get(path, {}).get(method)
            if operation is not None:
                _complete(operation, name, path)
        return document


class SwaggerView(BaseView):
    """A page to read and try the APIs. The document is in the page: the API does not accept the visitor's cookie."""

    route_base = "/swagger"
    default_view = "show"

    @expose("/<version>")
    @has_access
    def show(self, version: str) -> str:
        """Show the APIs of a version."""
        described = next(api for api in appbuilder_of().baseviews if isinstance(api, OpenApi))
        document = described.document(version) or abort(404)
        template = current_app.config.get("FAB_API_SWAGGER_TEMPLATE", "appbuilder/swagger/swagger.html")
        return str(self.render_template(template, document=json.loads(document)))


def _operations() -> Iterator[tuple[str, str, str]]:
    """Yield path, method and name of each operation."""
    for rule in current_app.url_map.iter_rules():
        methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        for method in methods:
            name = rule.endpoint if len(methods) == 1 else f"{rule.endpoint}.{method.lower()}"
            yield ARGUMENT.sub(r"{\1}", str(rule)), method.lower(), name


def _complete(operation: dict[str, Any], name: str, path: str) -> None:
    """Add the name and the error responses of an operation."""
    operation.setdefault("operationId", name)
    # Of an endpoint without documentation nothing is known.
    operation.setdefault("responses", {"200": {"description": "OK"}})
    errors = {**ALWAYS, **(AUTHENTICATED if operation.get("security") else {})}
    if "{" in path:
        errors[404] = OTHERS[404]
    for status in sorted(errors):
        operation["responses"].setdefault(str(status), {"$ref": f"#/components/responses/{status}"})
