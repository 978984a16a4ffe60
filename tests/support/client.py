"""A visitor with a browser, as far as a test without one can be: pages, forms, cookies, redirects, flashes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urljoin, urlsplit

import flask
from flask import Flask
from flask_wtf.csrf import generate_csrf
from werkzeug.datastructures import Headers, MultiDict
from werkzeug.test import TestResponse

from app.accounts.login import service as login_service
from app.accounts.models import Member
from app.database import transaction
from app.extensions import db

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# At the default PUBLIC_URL. Its port is in the name, because browsers send cookies to every port of a host.
SESSION_COOKIE, DEVICE_COOKIE = "session-8080", "device-8080"
UNSENT = {"submit", "button", "image", "reset", "file"}


@dataclass
class Form:
    """A form as it is shown: `fields` are the values it would send, `buttons` the (name, value) of its buttons."""

    action: str
    method: str
    fields: "MultiDict[str, str]" = field(default_factory=MultiDict)
    names: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    """Reads forms and flashes from a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.flashes: list[tuple[str, str]] = []
        self.title = ""
        self._form: Form | None = None
        self._by_id: dict[str, Form] = {}
        self._elsewhere: list[tuple[str, str, dict[str, str]]] = []
        self._select: dict[str, str] | None = None
        self._options: list[tuple[str, bool]] = []
        self._textarea: str | None = None
        self._kind: str | None = None
        self._text: list[str] | None = None
        # A button in a flash, which undoes what it tells, is no part of the text.
        self._in_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        classes = given.get("class", "").split()
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").upper())
            self.forms.append(self._form)
            self._by_id[given.get("id", "")] = self._form
        elif tag in {"input", "button"}:
            self._in_button = tag == "button" and self._kind is not None
            self._control(tag, given)
        elif tag == "select":
            self._select, self._options = given, []
        elif tag == "option" and self._select is not None:
            self._options.append((given.get("value", ""), "selected" in given))
        elif tag == "div" and "flash" in classes:
            (self._kind,) = set(classes) & {"info", "warning", "danger"}
        if tag in {"textarea", "title"} or (tag == "p" and self._kind):
            self._text = []
            self._textarea = given.get("name") if tag == "textarea" else None

    def handle_endtag(self, tag: str) -> None:
        self._in_button = self._in_button and tag != "button"
        if tag == "form":
            self._form = None
        elif tag == "select" and self._select is not None:
            self._choose(self._select, self._options)
            self._select = None
        elif self._text is not None and tag in {"textarea", "title", "p"}:
            self._finish_text(tag, "".join(self._text))

    def handle_data(self, data: str) -> None:
        if self._text is not None and not self._in_button:
            self._text.append(data)

    def _control(self, tag: str, given: dict[str, str]) -> None:
        form = self._by_id.get(given["form"]) if "form" in given else self._form
        if form is None:
            return
        kind = given.get("type", "submit" if tag == "button" else "text").lower()
        name, value = given.get("name", ""), given.get("value", "")
        if kind in {"submit", "image"}:
            form.buttons.append((name, value))
        form.names.add(name)
        unchecked = kind in {"checkbox", "radio"} and "checked" not in given
        if name and kind not in UNSENT and not unchecked and "disabled" not in given:
            form.fields.add(name, value if "value" in given or kind not in {"checkbox", "radio"} else "on")

    def _choose(self, given: dict[str, str], options: list[tuple[str, bool]]) -> None:
        form = self._by_id.get(given["form"]) if "form" in given else self._form
        if form is None or "name" not in given:
            return
        form.names.add(given["name"])
        chosen = [value for value, selected in options if selected]
        if not chosen and "multiple" not in given:
            chosen = [value for value, _ in options[:1]]
        for value in chosen:
            form.fields.add(given["name"], value)

    def _finish_text(self, tag: str, text: str) -> None:
        self._text = None
        if tag == "textarea" and self._form is not None and self._textarea:
            self._form.names.add(self._textarea)
            # HTML drops the line break right after the tag, however it is written.
            self._form.fields.add(self._textarea, text.replace("\r\n", "\n").removeprefix("\n"))
        elif tag == "title":
            self.title = " ".join(text.split())
        elif tag == "p" and self._kind:
            self.flashes.append((self._kind, " ".join(text.split())))
            self._kind = None


class Page:
    """A response, after its redirects."""

    def __init__(self, response: TestResponse) -> None:
        self.response = response
        self.status: int = response.status_code
        self.headers: Headers = response.headers
        self.path: str = response.request.path
        self.url: str = response.request.url
        self.location: str | None = response.headers.get("Location")
        self.history: list[int] = [earlier.status_code for earlier in response.history]

    @cached_property
    def _read(self) -> _Reader:
        # Parsed on demand, because parsing takes as long as many requests.
        reader = _Reader()
        if self.response.mimetype == "text/html":
            reader.feed(self.text)
        for form in reader.forms:
            # A form without an action is sent to the page it is on.
            form.action = urljoin(self.url, form.action).removeprefix(urljoin(self.url, "/")[:-1])
        return reader

    @property
    def forms(self) -> list[Form]:
        """The forms on the page."""
        return self._read.forms

    @property
    def title(self) -> str:
        """The title of the page."""
        return self._read.title

    @property
    def flashes(self) -> list[tuple[str, str]]:
        """The flashes on the page: their categories and texts."""
        return self._read.flashes

    @property
    def text(self) -> str:
        """The body."""
        return self.response.get_data().decode(errors="replace")

    @property
    def words(self) -> str:
        """The body without the tokens that differ between responses."""
        return re.sub(r'(name="csrf_token"[^>]*?value=")[^"]*', r"\1", self.text)

    @property
    def json(self) -> Any:
        """The body, parsed as JSON."""
        return self.response.get_json()

    def form(self, action: str | None = None, index: int = 0) -> Form:
        """Return the form whose action ends like `action`, or the first one with a method of POST."""
        if action is None:
            found = [form for form in self.forms if form.method == "POST"]
        else:
            found = [form for form in self.forms if urlsplit(form.action).path.endswith(action)]
        if len(found) <= index:
            shown = [(form.method, form.action) for form in self.forms]
            msg = f"{self.path} ({self.status}) has no form {action or ''!r} number {index}, but {shown}"
            raise LookupError(msg)
        return found[index]

    def __repr__(self) -> str:
        return f"<Page {self.status} {self.path} {self.flashes}>"


class Visitor:
    """One browser: it keeps cookies, follows redirects, and sends forms as they are shown."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client = app.test_client()

    def get(self, path: str, *, follow: bool = True, **options: Any) -> Page:
        """Open `path`; `options` are Werkzeug's."""
        return self.open("GET", path, follow=follow, **options)

    def open(self, method: str, path: str, *, follow: bool = True, **options: Any) -> Page:
        """Send a request; `options` are Werkzeug's."""
        return Page(self.client.open(path, method=method, follow_redirects=follow, buffered=True, **options))

    def add_rows(self, form: Form, names: Iterable[str]) -> Form:
        """Press the button that adds a row until the form has the rows of fields like `dishes-2-name`; return the form."""
        rows = {int(name.split("-")[1]) for name in names}
        while rows - {int(number) for number in re.findall(r"-(\d+)-", " ".join(form.names))}:
            form = self.submit(form, button=("row", "add")).form(urlsplit(form.action).path)
        # The boxes of a dish are shown after a button was pressed, those of one at a time.
        form.names |= set(names)
        return form

    def post(
        self,
        path: str,
        data: Mapping[str, Any] | None = None,
        *,
        csrf: bool = True,
        follow: bool = True,
        **options: Any,
    ) -> Page:
        """Post `data` with a valid CSRF token, or without one."""
        sent: dict[str, Any] = {"csrf_token": self.csrf_token()} if csrf else {}
        return self.open("POST", path, follow=follow, data={**sent, **(data or {})}, **options)

    def submit(
        self,
        form: Form,
        *,
        button: tuple[str, str] | None = None,
        follow: bool = True,
        **fields: str | Iterable[str] | None,
    ) -> Page:
        """Send `form` with `fields` filled in; None leaves one out.

        Raises LookupError when the form does not have a field or the button: a person could not have filled it in.
        """
        strange = set(fields) - form.names
        if strange or (button and button not in form.buttons):
            msg = f"{form.action!r} has {sorted(form.names)} and {form.buttons}, not {sorted(strange)} {button or ''}"
            raise LookupError(msg)
        data = form.fields.copy()
        for name, value in fields.items():
            data.setlist(name, [] if value is None else [value] if isinstance(value, str) else list(value))
        if button and button[0]:
            data.add(*button)
        sent = "query_string" if form.method == "GET" else "data"
        return self.open(form.method, form.action, follow=follow, **{sent: data})

    def csrf_token(self) -> str:
        """Return a token that is valid in this visitor's session."""
        with self.client.session_transaction() as session:
            secret = session.setdefault("csrf_token", "0" * 40)
        with self.app.test_request_context():
            flask.session["csrf_token"] = secret
            return str(generate_csrf())

    def log_in(self, username: str, password: str) -> Page:
        """Log in through the login page."""
        return self.submit(self.get("/login/").form("/login/"), username=username, password=password)

    def log_in_as(self, member: Member) -> None:
        """Log `member` in without the page: with the session and the cookies that it would have given them."""
        with self.app.test_request_context("/login/", environ_base=self.client.environ_base):
            with transaction():
                login_service.log_in_verified(db.session.merge(member, load=False), remember=False)
            answer = self.app.process_response(self.app.response_class())
        for cookie in SimpleCookie("; ".join(answer.headers.getlist("Set-Cookie"))).values():
            self.client.set_cookie(cookie.key, cookie.value, path=cookie["path"] or "/")
