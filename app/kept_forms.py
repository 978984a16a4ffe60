"""Forms that came too late: what was typed is kept, and can be sent again by a button.

A form outlives the login it was opened under, or the cookie its token belongs to. Nothing of it is done; nothing of it
is lost. Passwords are not kept: they would have to stand in a page.
"""

from flask import current_app, render_template, request
from itsdangerous import BadData, URLSafeTimedSerializer

from app.extensions import appbuilder_of
from app.http import came_from_elsewhere

TOKEN = "csrf_token"  # noqa: S105 - the name of a field
KEPT = "kept"
LONGEST_SECONDS = 3600
# What a page may carry about twice; a longer text is still in the page that sent it.
MOST_CHARACTERS = 200_000

Fields = list[tuple[str, str]]


def fields() -> Fields:
    """Return what this request's form holds, or nothing when it cannot be kept or did not come from a page of ours."""
    if came_from_elsewhere() or request.method != "POST" or request.path.startswith("//"):
        return []
    typed = [(name, value) for name, value in request.form.items(multi=True) if name not in {TOKEN, KEPT}]
    too_long = sum(len(name) + len(value) for name, value in typed) > MOST_CHARACTERS
    secret = any("password" in name for name, _value in typed)
    return [] if too_long or secret else typed


def page(action: str, typed: Fields) -> str:
    """Return the page that sends `typed` to `action` once more, when somebody presses its button."""
    return render_template("errors/send_again.html", appbuilder=appbuilder_of(), action=action, fields=typed)


def seal(typed: Fields) -> str:
    """Return the form of this request as a text that only we can have made, to be carried through the login page."""
    return _serializer().dumps([request.path, typed])


def unseal(text: str | None) -> tuple[str, Fields] | None:
    """Return the address and the fields that `seal` was given, or None for anything else."""
    try:
        action, typed = _serializer().loads(text or "", max_age=LONGEST_SECONDS)
    except BadData:
        return None
    return action, [(name, value) for name, value in typed]


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="kept form")
