"""Resubmission of forms that were sent too late: the fields are saved and can be sent again with a button.

A form may be open for longer than the session or the CSRF token is valid. It is not processed then, but its content is
not lost. Passwords are not saved, because the page would contain them, and files are not, because whose they are is no
longer known: they have to be typed, and chosen, again.
"""

from flask import current_app, render_template, request
from itsdangerous import BadData, URLSafeTimedSerializer

from app.extensions import appbuilder_of
from app.http import is_cross_site_request, own_path

CSRF_TOKEN = "csrf_token"  # noqa: S105 - the name of a field
SAVED_FORM = "kept"
MAX_AGE_SECONDS = 3600
# The page contains the text about twice. A longer text is still in the browser's previous page.
MAX_CHARACTERS = 200_000

# The value of a password that was typed, or of a file that was chosen, is None.
Fields = list[tuple[str, str | None]]


def submitted_fields() -> Fields:
    """Return the fields of this request's form, or none if it cannot be saved or came from another site."""
    if is_cross_site_request() or request.method != "POST" or request.path.startswith("//"):
        return []
    sent = [(name, value) for name, value in request.form.items(multi=True) if name not in {CSRF_TOKEN, SAVED_FORM}]
    if sum(len(name) + len(value) for name, value in sent) > MAX_CHARACTERS:
        return []
    typed = [(name, None if value and "password" in name else value) for name, value in sent]
    return [*typed, *((name, None) for name, file in request.files.items() if name and file.filename)]


def render(action: str, fields: Fields) -> str:
    """Return the page with a button that sends the fields to the URL `action` again."""
    return render_template("errors/form_resubmission.html", appbuilder=appbuilder_of(), action=action, fields=fields)


def dump_form(fields: Fields) -> str:
    """Return the form of this request as a signed text, which the login page carries along."""
    return _serializer().dumps([own_path(), fields])


def load_form(text: str | None) -> tuple[str, Fields] | None:
    """Return the URL and the fields of a text from `dump_form`, or None if it is invalid or too old."""
    try:
        action, fields = _serializer().loads(text or "", max_age=MAX_AGE_SECONDS)
    except BadData:
        return None
    return action, [(name, value) for name, value in fields]


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="saved form")
