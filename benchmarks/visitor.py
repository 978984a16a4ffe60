"""A visitor: sends one request at a time on a connection of its own, keeps cookies, and finds the fields of forms."""

import html
import http.client
import json
import re
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

HOST, SECONDS = "127.0.0.1", 120
HIDDEN = re.compile(r"<input[^>]*type=.hidden.[^>]*>")
ATTRIBUTE = re.compile(r"""\b(name|value)=["']([^"']*)["']""")


@dataclass(frozen=True)
class Request:
    """What is sent, and what must come back: the status, and what a regular expression finds in the page."""

    path: str
    expected: str = ""
    data: dict[str, str] | None = None
    status: int = 200


@dataclass(frozen=True)
class Answer:
    """What came back, and after how many seconds."""

    status: int
    text: str
    seconds: float


class WrongAnswerError(Exception):
    """An answer is not what it must be. Nothing that is wrong is measured."""


@dataclass
class Visitor:
    """Somebody with a browser."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, request: Request) -> Answer:
        """Send a request; raises WrongAnswerError."""
        answer = self.answer(request)
        if answer.status != request.status or not re.search(request.expected, answer.text):
            raise WrongAnswerError(
                f"{request.path}: {answer.status}, and not {request.status} with {request.expected!r}:\n{answer.text[:2000]}"
            )
        return answer

    def answer(self, request: Request) -> Answer:
        """Send a request, whatever comes back."""
        headers = {"Connection": "close", **self.headers}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if request.data is not None:
            body = urlencode(request.data)
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Referer": f"http://{HOST}:{self.port}/"}
        connection = http.client.HTTPConnection(HOST, self.port, timeout=SECONDS)
        began = time.perf_counter()
        connection.request("GET" if body is None else "POST", request.path, body, headers)
        response = connection.getresponse()
        content = response.read()
        seconds = time.perf_counter() - began
        connection.close()
        for line in response.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return Answer(response.status, content.decode(), seconds)

    def post_json(self, path: str, data: object) -> Any:
        """Send JSON and return the JSON that came back."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=SECONDS)
        connection.request("POST", path, json.dumps(data), {"Content-Type": "application/json", "Connection": "close"})
        response = connection.getresponse()
        content = response.read()
        if response.status != HTTPStatus.OK:
            raise WrongAnswerError(f"{path}: {response.status}: {content!r}")
        return json.loads(content)

    def token(self, path: str) -> dict[str, str]:
        """Return the field against forged requests of the forms on a page, if there is one."""
        page = self.send(Request(path)).text
        found = [dict(ATTRIBUTE.findall(tag)) for tag in HIDDEN.findall(page)]
        return {each["name"]: html.unescape(each["value"]) for each in found if "csrf" in each.get("name", "")}
