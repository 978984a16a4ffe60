"""The errors of the JSON APIs, in the language of the reader."""

import re
import sys
from collections.abc import Callable
from typing import Any

from flask import Response
from flask_babel import LazyString, gettext, lazy_gettext, ngettext

from app.database import is_unavailable
from app.extensions import db

MESSAGES = {
    400: lazy_gettext("The request could not be understood."),
    401: lazy_gettext("Please log in to access this page."),
    403: lazy_gettext("You do not have permission to see this page or do this."),
    404: lazy_gettext("This page does not exist or has been removed."),
    412: lazy_gettext("Someone else has changed this in the meantime. Read it again, then repeat your change."),
    422: lazy_gettext("The data sent is incomplete or not valid."),
    500: lazy_gettext("This is an error on our side. It has been logged. Please try again."),
}
# Marshmallow's messages are English. All that are not translated here become INVALID.
INVALID = lazy_gettext("Not a valid value.")
VALIDATION_MESSAGES = {
    "Missing data for required field.": lazy_gettext("This field must be filled in."),
    "Shorter than minimum length 1.": lazy_gettext("This field must be filled in."),
    "Field may not be null.": lazy_gettext("This field must be filled in."),
    "Unknown field.": lazy_gettext("This field does not exist."),
    "Not a valid integer.": lazy_gettext("Not a valid number."),
    "Not a valid number.": lazy_gettext("Not a valid number."),
    "Not a valid datetime.": lazy_gettext("Not a valid date and time."),
    "Not a valid boolean.": lazy_gettext("This must be true or false."),
    "Not a valid list.": lazy_gettext("This must be a list."),
    # Flask-AppBuilder's.
    "Alternative authentication provider is not allowed": INVALID,
    "Password null is not allowed": INVALID,
}
TOO_LONG, NO_CHOICE = (
    re.compile(r"Longer than maximum length (\d+)\."),
    re.compile(r"Must be one of: (.+)\.", re.DOTALL),
)
OF_MARSHMALLOW = re.compile(
    r"Not a valid .+|Must be (one of|equal to|greater than|less than).+|Field may not be .+|(Longer|Shorter) than .+"
    r"|Length must be .+|Invalid (input|type|value|input type)\.|Number too large\.|Special numeric values .+"
    r"|String does not match expected pattern\.|One or more of the choices .+|Could not deserialize .+"
    r"|.+ cannot be formatted as a .+",
    re.DOTALL,
)


class TranslatedMessage(str):
    """A validation message that is translated, or that a view has given; Marshmallow's own ones are English."""

    __slots__ = ()


class JsonErrorResponses:
    """Error responses with a message in the language of the member; Flask-AppBuilder's are English."""

    response: Callable[..., Response]

    def response_400(self, message: str | None = None) -> Response:
        """Return an error of the client. Flask-AppBuilder's texts are English for ever: they are not shown."""
        if isinstance(message, TranslatedMessage):
            return self.response(400, message=str(message))
        return self._error_response(400)

    def response_401(self) -> Response:
        return self._error_response(401)

    def response_403(self) -> Response:
        return self._error_response(403)

    def response_404(self) -> Response:
        return self._error_response(404)

    def response_422(self, message: Any = None) -> Response:
        """Return a validation error; a dictionary has the errors of each field."""
        details = {"errors": message} if isinstance(message, dict) else {}
        return self.response(422, message=str(MESSAGES[422]), **details)

    def response_500(self, message: str | None = None) -> Response:  # noqa: ARG002
        """Return a server error without details. If the database is down, raise the error, which becomes a 503."""
        failure = sys.exc_info()[1]
        if failure is not None and is_unavailable(failure):
            raise failure
        # After a failed statement the session could not even load the language of the member.
        db.session.rollback()
        return self._error_response(500)

    def _error_response(self, code: int) -> Response:
        response: Response = self.response(code, message=str(MESSAGES[code]))
        return response


def field_errors(messages: Any) -> Any:
    """Translate Marshmallow's errors; those in the words of a view or its schema stay as they are."""
    if isinstance(messages, dict):
        return {str(name): field_errors(each) for name, each in messages.items()}
    return [_translated(text) for text in listed(messages)]


def _translated(text: Any) -> str:
    if isinstance(text, TranslatedMessage | LazyString):
        return str(text)
    said = str(text)
    longest, choices = TOO_LONG.fullmatch(said), NO_CHOICE.fullmatch(said)
    if longest:
        return str(
            ngettext(
                "At most %(num)d character is allowed.", "At most %(num)d characters are allowed.", int(longest[1])
            )
        )
    if choices:
        return str(gettext("This must be one of: %(choices)s.", choices=choices[1]))
    return str(VALIDATION_MESSAGES.get(said) or (INVALID if OF_MARSHMALLOW.fullmatch(said) else said))


def listed(messages: Any) -> list[Any]:
    """Return the messages of an error as a list."""
    return messages if isinstance(messages, list) else [messages]
