"""Pages that renew themselves: a script asks for the part that changes, with the version it shows.

The answer is JSON, because a part of a page is none. It shows no flash, so none is lost to it.
"""

import hashlib
from collections.abc import Callable

from flask import jsonify, request
from werkzeug.wrappers import Response as BaseResponse

from app.i18n.selectors import current_locale


def version_of(*state: object) -> str:
    """Return the version of a part whose content follows from `state` and the language of the reader."""
    return hashlib.sha256(repr((current_locale(), state)).encode()).hexdigest()[:16]


def respond(version: str, render: Callable[[], str]) -> BaseResponse:
    """Return the part of the page, or 304 if the reader has this version."""
    if request.if_none_match.contains(version):
        response: BaseResponse = jsonify()
        response.status_code = 304
        response.set_data(b"")
    else:
        response = jsonify(html=render())
    response.set_etag(version)
    return response
