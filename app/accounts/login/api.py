"""The API of login: tokens for a password and, where there is one, a second factor."""

import re
from typing import Any

from flask import Response, request
from flask_appbuilder.api import expose, safe
from flask_appbuilder.security.api import SecurityApi as StockSecurityApi
from flask_appbuilder.security.schemas import LoginPost
from flask_babel import gettext as _
from flask_jwt_extended import create_access_token, create_refresh_token
from marshmallow import ValidationError, fields
from werkzeug.exceptions import HTTPException

from app import audit
from app.accounts import rate_limits, rules, signals
from app.accounts.login import authentication
from app.accounts.login.authentication import AuthResult
from app.accounts.login.views import refused_status
from app.accounts.second_factor import service as second_factor_service
from app.address_key import address_key
from app.crud.api_errors import MESSAGES, JsonErrorResponses, field_errors
from app.database import transaction
from app.errors import DomainError

# JSON can contain NUL characters and single surrogates.
INVALID_CHARACTERS = re.compile("[\0\ud800-\udfff]")


class Credentials(LoginPost):
    """Flask-AppBuilder's fields of a login, and the code of a second factor."""

    code = fields.String()


def _username() -> str:
    """Return the username of the request, for the rate limit."""
    try:
        body = request.get_json(silent=True)
    except HTTPException:
        return ""
    name = body.get("username") if isinstance(body, dict) else ""
    return address_key(str(name))


class SecurityApi(JsonErrorResponses, StockSecurityApi):
    """Issues API tokens. The rules and limits are those of the login page."""

    limits = [*rate_limits.guessing("SecurityApi.login", _username), rate_limits.asking("SecurityApi.refresh")]

    @expose("/login", methods=["POST"])
    @safe
    def login(self) -> Response:
        """Return a token for a name and a password.
        ---
        post:
          description: >-
            Log in and get an access token. It works for a quarter of an hour; a refresh token gets new ones for as long
            as a login lasts. Both end when the member's password is changed, or they are signed out everywhere.
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required:
                  - username
                  - password
                  properties:
                    username:
                      description: Username or e-mail address
                      example: ada
                      type: string
                    password:
                      description: The password
                      example: a good dinner needs time
                      type: string
                    provider:
                      description: Who knows the password; of each site there is one, so it may be left out
                      example: db
                      type: string
                      enum:
                      - db
                      - ldap
                    refresh:
                      description: Whether a refresh token is wanted, too
                      example: true
                      type: boolean
                    code:
                      description: >-
                        For members with a second factor: what their authenticator app shows now, or a recovery code
                      example: "123456"
                      type: string
          responses:
            200:
              description: Logged in
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      access_token:
                        type: string
                      refresh_token:
                        type: string
            400:
              $ref: '#/components/responses/400'
            401:
              description: Name, password or code are wrong, or the code is missing
              content: &refusal
                application/json:
                  schema:
                    type: object
                    properties:
                      message:
                        type: string
            403:
              description: The account may not log in, or has a required action to complete on the site first
              content: *refusal
            429:
              description: Too many attempts
              headers:
                Retry-After:
                  description: The seconds after which to try again
                  schema:
                    type: integer
              content: *refusal
            500:
              $ref: '#/components/responses/500'
        """  # noqa: D205 - the format of apispec
        body = _body()
        if not isinstance(body, dict):
            return self.response_400()
        try:
            credentials = Credentials().load(body)
        except ValidationError as error:
            unreadable: Response = self.response(400, message=str(MESSAGES[400]), errors=field_errors(error.messages))
            return unreadable
        try:
            with transaction():
                result = authentication.authenticate(credentials["username"], credentials["password"])
                with signals.reporting_failure(credentials["username"]):
                    _ensure_complete(result, credentials.get("code"))
                audit.record("api_logged_in", "member", result.member, actor=result.member)
                self.appbuilder.sm.on_user_login(result.member)
        except DomainError as error:
            refused: Response = self.response(refused_status(error), message=str(error))
            return rate_limits.retry_after(refused, error)
        identity = str(result.member.id)
        tokens = {"access_token": create_access_token(identity, fresh=True)}
        if credentials.get("refresh", False):
            longest = rules.STAFF_ABSOLUTE if result.requirements.staff else rules.SESSION_ABSOLUTE
            tokens["refresh_token"] = create_refresh_token(identity, expires_delta=longest)
        response: Response = self.response(200, **tokens)
        return response


def _body() -> Any:
    """Return the JSON body, or None when it contains characters that databases and hashes refuse."""
    body = request.get_json(silent=True)
    texts = (text for text in body.values() if isinstance(text, str)) if isinstance(body, dict) else ()
    return None if any(INVALID_CHARACTERS.search(text) for text in texts) else body


def _ensure_complete(result: AuthResult, code: str | None) -> None:
    """Check the second factor. Raise DomainError when it is wrong, or while an action is required."""
    if result.requirements.has_factor:
        if not code:
            raise DomainError(_("This account has a second factor: send its code as well."), "warning", field="code")
        second_factor_service.verify_code(result.member, code)
    if result.required_action is not None:
        raise DomainError(
            _("Log in on the site first: your role has a required action that you have not completed yet.")
        )
