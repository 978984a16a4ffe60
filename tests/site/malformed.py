"""Malformed requests to every URL of the site, reproducible by their seed.

Most are valid requests with one spoilt part, because requests with many errors are refused by the first check.
"""

import json
import random
import string
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from werkzeug.routing import Rule

STRANGE_TEXTS = (
    *("", " ", "word", "0", "-1", "1.5", "1e9", "NaN", "9" * 19, "9" * 30, "-9223372036854775809", "٣", "²", "１"),
    *("9" * 5000, "x" * 300, "x" * 100_000, "\x00", "a\x00b", "\r\nX-Evil: 1", "\x1b[31m", "\ud800", "\ufffe"),
    *("🍲", "👩‍👩‍👧‍👦" * 40, "\u202eevil\u202c", "\u200f", "ﷺ" * 50, "e\u0301" * 200, "İı", "ß" * 64),
    *("<script>alert(1)</script>", "{{ 7*7 }}", "{% raise %}", "%(name)s", "%s%n", "${7*7}", "' OR '1'='1", "'; DROP TABLE x; --"),
    *("../../etc/passwd", "..%2f..", "%2e%2e", "%", "%zz", "\\", "//evil.example", "http://[::1", "javascript:alert(1)"),
    *("true", "null", "[]", "{}", "()", "!n", "*", "2030-02-30", "0000-00-00T00:00", "9999-12-31T23:59", "2030-03-31T02:30"),
    *("Mars/Olympus", "xx", "en_XX", "zh-Hant-TW-x-y", "root", "host@example.com", "a@b", "@", "a" * 400 + "@example.com"),
)  # fmt: skip
STRANGE_JSON = (
    *("null", "true", "0", "-1", "1.5", "1e400", "NaN", "Infinity", '""', '"x"', '"\\ud800"', '"\\u0000"', "[]", "{}"),
    *("9" * 30, "9" * 5000, "[[]]", '{"id": 1}', '{"$ne": null}', "[1, 2]", '"2030-02-30T00:00:00"', '"9999-12-31T23:59:59-12:00"'),
    *("[" * 200 + "]" * 200, "[" * 100_000 + "]" * 100_000, '{"a":' * 5000 + "1" + "}" * 5000, '"' + "x" * 100_000 + '"'),
)  # fmt: skip
BROKEN_BODIES = (
    b"",
    b"{",
    b"[",
    b"null",
    b"\xff\xfe",
    b"\x00" * 100,
    b"a=1&" * 2000,
    b"%%%=%%%",
    b'{"title": "x"',
    b"--x\r\n",
)
TYPES = (
    *("", "application/json", "application/x-www-form-urlencoded", "text/plain", "application/xml", "x", "application/json; charset=utf-16"),
    *("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x", "application/octet-stream"),
    *("application/x-www-form-urlencoded; charset=utf-7", "application/x-www-form-urlencoded; charset=none", "image/png", "\x7f/;;=;"),
)  # fmt: skip
MULTIPARTS = (
    b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\nno end',
    b"--x\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--x--\r\n",
    b'--x\r\nContent-Disposition: form-data; filename="a"\r\n\r\nno name\r\n--x--\r\n',
    b"--x\r\n\r\n\r\n--x--",
    b'--x\r\nContent-Disposition: form-data; name="title"; filename="a"\r\nContent-Type: x/y\r\n\r\nfile\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="title"\r\nContent-Type: text/plain; charset=none\r\n\r\n\xff\r\n--x--\r\n',
    b"--x\r\nContent-Disposition: form-data; name*=utf-8''%ff\r\n\r\nx\r\n--x--\r\n",
)  # fmt: skip
RISON = (
    *("(", "())", "(page:-1)", "(page:99999999999999999999,page_size:99999999999)", "(page_size:0)", "(page_size:'x')"),
    *("(order_column:password)", "(order_column:host.password)", "(order_direction:sideways,order_column:id)", "(columns:!(password))"),
    *("(filters:!((col:id,opr:eq,value:x)))", "(filters:!((col:title,opr:nope,value:1)))", "(filters:!((col:host,opr:rel_o_m,value:1)))"),
    *("(filters:!((col:starts_at,opr:gt,value:'9999-99-99')))", "(filters:!((col:title,opr:ct,value:'%00')))", "(filters:!(x))"),
    *("(filters:!((col:number_seats,opr:eq,value:99999999999999999999999)))", "(filters:!((col:title,opr:eq,value:!(1,2))))", "(keys:!(a,b))"),
    *('{"page": 1e400}', '{"page": NaN}', '{"filters": null}', '{"order_column": {}}', '{"columns": ["host"]}', "!(", "'", "!", "(a", "%00"),
    *("(" * 3000, "!(" * 2000, '{"a":' * 1500, "(a:" * 1000, '{"page": ' + "9" * 5000 + "}", "(page:" + "9" * 5000 + ")"),
)  # fmt: skip
HEADERS = (
    ("Accept-Language", "x" * 5000), ("Accept-Language", "*;q=nan, ,;;;=,ar;q=-1"), ("Accept-Language", "\xff\xfe"),
    ("Accept-Language", ",".join(f"l{n};q=0.{n}" for n in range(2000))), ("Accept-Language", "zh-Hant-TW-x-private, i-klingon"),
    ("Accept", "application/json"), ("Accept", "\x7f;q=x"), ("Host", "evil.example"), ("Host", "localhost:99999"), ("Host", "a b"),
    ("Host", ""), ("Host", "[::1"), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-For", "' OR 1=1"), ("X-Forwarded-Proto", "gopher"),
    ("X-Forwarded-Prefix", "/../.."), ("X-HTTP-Method-Override", "DELETE"), ("Cookie", "session=garbage"), ("Cookie", "session=" + "A" * 5000),
    ("Cookie", ";;==;\x01"), ("Cookie", "session=.eJw.x.y; session=2"), ("Authorization", "Bearer"), ("Authorization", "Bearer a.b.c"),
    ("Authorization", "Bearer " + "x" * 5000), ("Authorization", "Basic !!!"), ("Authorization", "Basic OjpA"), ("Authorization", "\xff"),
    ("Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."), ("Referer", "http://[::1"), ("Referer", "//\\evil"),
    ("Origin", "null"), ("Origin", "http://["), ("Sec-Fetch-Site", "cross-site"), ("If-None-Match", "*"), ("Range", "bytes=9-1,-5"),
    ("If-Modified-Since", "yesterday"), ("User-Agent", "\xf0\x9f" * 400), ("Content-Length", "-1"), ("Content-Length", "x"),
    ("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked"), ("Expect", "x"),
)  # fmt: skip
ARGUMENTS = ("page", "next", "_l_", "q", "_flt", "_value", "v", "action", "locale", "psize", "_method")
OF_A_LIST = ("_oc_{}", "_od_{}", "page_{}", "psize_{}", "_flt_0_{}", "_flt_99_{}", "_flt_x", "_flt_0_")
COLUMNS = (
    "id",
    "title",
    "password",
    "host",
    "host.password",
    "username",
    "starts_at",
    "status",
    "x" * 200,
    "__class__",
    "é",
)
FIELDS = (
    "action",
    "answer",
    "email",
    "locale",
    "next",
    "party_id",
    "rowid",
    "username",
    "password",
    "version",
    "csrf_token",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
LARGE = 10 * 1024 * 1024


@dataclass
class Malformed:
    """One request. `fields` is the form to send with a valid token; `body` goes as it is."""

    method: str
    path: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    fields: list[tuple[str, str]] | None = None
    body: bytes | None = None
    what: str = ""

    def __str__(self) -> str:
        sent = self.fields if self.fields is not None else self.body
        return f"{self.method} {self.path[:150]!r} {self.headers!r:.150} {sent!r:.300} ({self.what})"


class Spoiler:
    """Makes malformed requests to `rules`; `forms` are valid fields for an endpoint, `documents` valid JSON."""

    def __init__(
        self,
        seed: object,
        rules: list[Rule],
        known: dict[str, list[str]],
        forms: dict[str, dict[str, str]],
        document: dict[str, Any],
    ) -> None:
        self.random = random.Random(str(seed))  # noqa: S311 - repeatable, not secret
        self.rules, self.known, self.forms, self.document = rules, known, forms, document

    def request(self) -> Malformed:
        """Return the next request."""
        rule = self.random.choice(self.rules)
        ways = [self.address, self.arguments, self.header, self.any_method]
        if (rule.methods or set()) & {"POST", "PUT"}:
            ways += [self.form, self.form, self.form, self.form, self.body]
            ways += [self.document_with_something_strange] * 6 if str(rule).startswith("/api/") else []
        elif str(rule).startswith("/api/") or "list" in str(rule):
            ways += [self.arguments] * 4
        way = self.random.choice(ways)
        made: Malformed = way(rule)
        if self.random.random() < 0.1:
            made.headers.append(self._one(HEADERS))
        made.what = f"{way.__name__} of {rule.endpoint}"
        return made

    # -- ways to spoil a request

    def address(self, rule: Rule) -> Malformed:
        return Malformed(self._method(rule), self._path(rule, strange=True))

    def arguments(self, rule: Rule) -> Malformed:
        view = rule.endpoint.partition(".")[0]
        names = [*ARGUMENTS, *(name.format(self._one((view, *COLUMNS))) for name in OF_A_LIST)]
        pairs = [(self._one(names), self._argument()) for _ in range(self.random.randint(1, 4))]
        if str(rule).startswith("/api/"):
            pairs.append(("q", self._one(RISON)))
        query = (
            urlencode(pairs, errors="surrogatepass") if self.random.random() < 0.9 else "&&=;%%%&_flt_0_title&page=%ff"
        )
        return Malformed("GET" if "GET" in (rule.methods or ()) else "POST", f"{self._path(rule)}?{query}")

    def header(self, rule: Rule) -> Malformed:
        return Malformed(
            self._method(rule), self._path(rule), headers=self.random.sample(HEADERS, self.random.randint(1, 3))
        )

    def any_method(self, rule: Rule) -> Malformed:
        return Malformed(self._one(METHODS), self._path(rule), fields=[] if self.random.random() < 0.5 else None)

    def form(self, rule: Rule) -> Malformed:
        fields = {name: [value] for name, value in self.forms.get(rule.endpoint, {}).items()}
        for _ in range(self.random.choice((0, 1, 1, 1, 2, 5))):
            name = self._one([*fields, *fields, *FIELDS, self._text()[:100]])
            values = (self._text() for _ in range(self.random.choice((0, 1, 1, 1, 1, 3))))
            fields[name] = list(values)
        return Malformed(
            "POST", self._path(rule), fields=[(name, value) for name, given in fields.items() for value in given]
        )

    def body(self, rule: Rule) -> Malformed:
        kind, body = self._one(TYPES), self._one(BROKEN_BODIES)
        if kind.startswith("multipart"):
            body = self._one(MULTIPARTS)
        elif "json" in kind and self.random.random() < 0.5:
            body = self._one(STRANGE_JSON).encode()
        if self.random.random() < 0.03:
            body = b"title=" + b"x" * LARGE
        return Malformed(self._method(rule), self._path(rule), headers=[("Content-Type", kind)], body=body)

    def document_with_something_strange(self, rule: Rule) -> Malformed:
        parts = {name: json.dumps(value) for name, value in self.document.items()}
        for _ in range(self.random.choice((0, 1, 1, 2))):
            strange = self._one(STRANGE_JSON) if self.random.random() < 0.5 else json.dumps(self._text())
            parts[self._one([*parts, *parts, *parts, "id", "seats_taken", "x"])] = strange
        if self.random.random() < 0.2:
            parts.pop(self._one(list(parts)))
        body = "{" + ", ".join(f'"{name}": {value}' for name, value in parts.items()) + "}"
        method = self._one(sorted((rule.methods or set()) & {"POST", "PUT"}) or ["POST"])
        return Malformed(method, self._path(rule), headers=[("Content-Type", "application/json")], body=body.encode())

    # -- parts

    def _one(self, choices: Any) -> Any:
        return self.random.choice(choices)

    def _method(self, rule: Rule) -> str:
        return str(self._one(sorted(rule.methods or ())))

    def _path(self, rule: Rule, *, strange: bool = False) -> str:
        names = sorted(rule.arguments)
        spoiled = self._one(names) if strange and names else None
        parts = []
        for dynamic, content in rule._trace:  # noqa: SLF001 - url_for would refuse what nobody can mean
            if not dynamic:
                parts.append(content)
            elif content == spoiled:
                parts.append(quote(self._text()[:6000], safe=self._one(("", "/", "%")), errors="surrogatepass"))
            else:
                parts.append(self._one(self.known.get(content, ["1"])))
        return "".join(parts).removeprefix("|")

    def _argument(self) -> str:
        return str(self._one((*COLUMNS, "desc", "1"))) if self.random.random() < 0.3 else self._text()[:6000]

    def _text(self) -> str:
        if self.random.random() < 0.85:
            return str(self._one(STRANGE_TEXTS))
        alphabet = string.printable + "éß漢字🍲\u202e\u0000\u2028"
        return "".join(self.random.choices(alphabet, k=self.random.randint(1, 80)))
