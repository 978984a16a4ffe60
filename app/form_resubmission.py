"""Resubmission of forms that came too late: what was typed is saved, and can be sent again by a button.

A form may be open for longer than its login lasts, or than the cookie its CSRF token belongs to. Then it is not
processed, and not lost. Forms with passwords are not saved: the page would have to contain them.
"""

from flask import current_app, render_template, request
from itsdangerous import BadData, URLSafeTimedSerializer

from app.extensions import appbuilder_of
from app.http import is_cross_site_request

CSRF_TOKEN = "csrf_token"  # noqa: S105 - the name of a field
SAVED_FORM = "kept"
MAX_AGE_SECONDS = 3600
# What a page may carry about twice; a longer text is still in the page that sent it.
MAX_CHARACTERS = 200_000

Fields = list[tuple[str, str]]


def submitted_fields() -> Fields:
    """Return what this request's form holds, or nothing when it cannot be saved or was sent by another site."""
    if is_cross_site_request() or request.method != "POST" or request.path.startswith("//"):
        return []
    typed = [(name, value) for name, value in request.form.items(multi=True) if name not in {CSRF_TOKEN, SAVED_FORM}]
    too_long = sum(len(name) + len(value) for name, value in typed) > MAX_CHARACTERS
    secret = any("password" in name for name, _value in typed)
    return [] if too_long or secret else typed


def render(action: str, typed: Fields) -> str:
    """Return the page that sends `typed` to `action` once more, when somebody presses its button."""
    return render_template("errors/send_again.html", appbuilder=appbuilder_of(), action=action, fields=typed)


def dump_form(typed: Fields) -> str:
    """Return the form of this request as a signed text, to be carried through the login page."""
    return _serializer().dumps([request.path, typed])


def load_form(text: str | None) -> tuple[str, Fields] | None:
    """Return the address and the fields that `dump_form` was given, or None for anything else."""
    try:
        action, typed = _serializer().loads(text or "", max_age=MAX_AGE_SECONDS)
    except BadData:
        return None
    return action, [(name, value) for name, value in typed]


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="saved form")
