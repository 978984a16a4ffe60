"""Read and check the configuration of a dashboard: JSON, then schema.json, then what a schema cannot say.

It knows no database and no request.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from itertools import islice
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

import jsonschema
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from app.dashboards import texts
from app.dashboards.configuration import json_text
from app.dashboards.configuration.json_text import Document, Path, Problem
from app.dashboards.enums import Layout
from app.dashboards.rules import (
    MAX_CONFIGURATION_BYTES,
    MAX_DEPTH,
    MAX_WIDTH,
)
from app.errors import DomainError

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError as Mismatch

SCHEMA_FILE = File(__file__).with_name("schema.json")
MAX_PROBLEMS = 20
TOO_MANY = ("maxItems", "maxProperties")
# What stands in a file beside the configuration itself.
DETAILS = ("name", "category", "description")
BESIDE = frozenset({"$schema", "id", "is_global", *DETAILS})
TYPES = {
    "object": lazy_gettext("an object: {...}"),
    "array": lazy_gettext("a list: [...]"),
    "string": lazy_gettext("a text"),
    "integer": lazy_gettext("a whole number"),
    "number": lazy_gettext("a number"),
    "boolean": lazy_gettext("true or false"),
    "null": lazy_gettext("null"),
}
PATTERNS = {
    "^[A-Za-z0-9_-]{1,80}$": lazy_gettext("Use up to 80 letters from a to z, digits, hyphens and underscores."),
    "^/api/": lazy_gettext("This must be a path of the API of this site, such as /api/v1/parties/."),
    "^https?://": lazy_gettext("This must be an address that begins with https:// or http://."),
}


class ConfigurationProblemsError(DomainError):
    """A configuration has problems: at most MAX_PROBLEMS, in the order of the text."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems[0].message, field="configuration")
        self.problems = problems


@cache
def schema() -> dict[str, Any]:
    """Return the published JSON Schema."""
    read: dict[str, Any] = json.loads(SCHEMA_FILE.read_text("utf-8"))
    return read


# -- read


def parse(text: bytes | str) -> dict[str, Any]:
    """Return what is in a JSON text, with all defaults. Raises ConfigurationProblemsError with what is wrong and where."""
    decoded = _decoded(text)
    if quick := json_text.read_fast(decoded, MAX_DEPTH):
        with suppress(ConfigurationProblemsError):
            return _checked(quick.value, None)
    document = _read(decoded)
    return _checked(document.value, document)


def read(text: bytes | str) -> Any:
    """Return the value in a JSON text; raises ConfigurationProblemsError if it is no JSON."""
    decoded = _decoded(text)
    return (json_text.read_fast(decoded, MAX_DEPTH) or _read(decoded)).value


def _read(text: str) -> Document:
    document = json_text.read(text, MAX_DEPTH, MAX_PROBLEMS)
    _refuse(document.problems)
    return document


def check(value: Any) -> dict[str, Any]:
    """Return a configuration with all defaults. Raises ConfigurationProblemsError; its problems have no lines."""
    if not _is_storable(value):
        _refuse(list(islice(_unstorable(value), MAX_PROBLEMS)))
    return _checked(value, None)


def split(value: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what stands beside the configuration in a file, and the configuration."""
    beside = {key: value[key] for key in value if key in BESIDE}
    return beside, {key: value[key] for key in value if key not in BESIDE}


def is_of_jsondash(value: Any) -> bool:
    """Whether a value is a configuration of flask_jsondash, whose modules have other names for what they have."""
    modules = value.get("modules") if isinstance(value, dict) else None
    known = {"dataSource", "guid", "refreshInterval"}
    return isinstance(modules, list) and any(isinstance(each, dict) and not known.isdisjoint(each) for each in modules)


def dump(configuration: Mapping[str, Any]) -> str:
    """Return a configuration as people edit it."""
    return json.dumps(configuration, ensure_ascii=False, indent=2) + "\n"


def empty(layout: str = Layout.GRID) -> dict[str, Any]:
    """Return a configuration without modules."""
    return {"version": 1, "layout": str(layout), "modules": []}


def _decoded(text: bytes | str) -> str:
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_CONFIGURATION_BYTES:
        _refuse([Problem(_too_large())])
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        before = text[: error.start].decode("utf-8")
        _refuse([Document(before).problem(_("From here on the text is not in UTF-8."), (), len(before))])
        raise


def _too_large() -> str:
    limit = MAX_CONFIGURATION_BYTES // 1024
    return _("A dashboard has at most %(limit)d KB of text. Show less data, or take it from a query.", limit=limit)


def _is_storable(value: Any) -> bool:
    """Whether a value is surely one that a text could have: a quick answer for nearly all."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return len(text) <= MAX_CONFIGURATION_BYTES and json_text.read_fast(text, MAX_DEPTH) is not None
    except (TypeError, ValueError, RecursionError):
        return False


def _unstorable(value: Any) -> Iterator[Problem]:
    """Yield what a value has that no text could have: it was not read by this module."""
    size = 0
    for path, found in json_text.walk(value):
        size += len(found) if isinstance(found, str) else 1
        if size > MAX_CONFIGURATION_BYTES:
            yield Problem(_too_large())
            return
        if len(path) > MAX_DEPTH:
            yield Problem(json_text.too_deep(MAX_DEPTH), json_text.written(path[:4]))
            return
        names = found if isinstance(found, dict) else ()
        if any(json_text.UNUSABLE.search(text) for text in (*names, *([found] if isinstance(found, str) else ()))):
            yield Problem(json_text.unusable(), json_text.written(path))
        if isinstance(found, int | float) and not json_text.is_number(found):
            yield Problem(json_text.too_large(), json_text.written(path))


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise ConfigurationProblemsError(problems[:MAX_PROBLEMS])


# -- check


def _checked(value: Any, document: Document | None) -> dict[str, Any]:
    if not isinstance(value, dict) or "modules" not in value:
        _refuse([_problem(str(texts.NO_MODULES), (), document)])
    problems = [_problem(message, path, document) for message, path in islice(_by_schema(value), MAX_PROBLEMS)]
    if not problems:
        value = with_defaults(value)
        problems = [_problem(message, path, document) for message, path in islice(_by_rules(value), MAX_PROBLEMS)]
    problems.sort(key=lambda problem: (problem.line, problem.column))
    _refuse(problems)
    return value


def _problem(message: str, path: Path, document: Document | None) -> Problem:
    return document.problem(message, path) if document else Problem(message, json_text.written(path))


def with_defaults(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a valid configuration with the defaults of the schema. Keys keep their order."""
    definitions = schema()["$defs"]
    modules = [
        {
            **_filled(module, definitions["module"]),
            "inputs": [_filled(each, definitions["input"]) for each in module.get("inputs", [])],
        }
        for module in value["modules"]
    ]
    return {**_filled(value, schema()), "modules": modules}


def _filled(value: Mapping[str, Any], described: Mapping[str, Any]) -> dict[str, Any]:
    properties = described["properties"]
    missing = {name: each["default"] for name, each in properties.items() if "default" in each and name not in value}
    # To JSON Schema, 4.0 is a whole number.
    whole = {name: int(value[name]) for name in value if properties.get(name, {}).get("type") == "integer"}
    return {**value, **whole, **missing}


# -- the schema


@cache
def _validator() -> Any:
    jsonschema.Draft202012Validator.check_schema(schema())
    return jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _fit})(schema())


def _fit(_validator: object, pattern: str, instance: object, _schema: object) -> "Iterator[Mismatch]":
    # To Python, $ is also before a newline at the end; to JSON Schema, it is the end.
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        mismatch = f"{instance!r} does not match {pattern!r}"
        yield jsonschema.ValidationError(mismatch)


def _by_schema(value: Any) -> Iterator[tuple[str, Path]]:
    told: set[Path] = set()
    for error in _validator().iter_errors(value):
        path = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            unknown = [name for name in error.instance if name not in error.schema["properties"]]
            yield from (
                (_("There is no property “%(name)s” here.", name=json_text.shortened(name)), (*path, name))
                for name in unknown
            )
        elif error.validator in TOO_MANY:
            yield _message(error), path
            # What is in it is not looked at, however much it is.
            return
        elif error.validator != "required":
            yield _message(error), path
        elif path not in told:
            # There is one error for each, none of which has the name.
            told.add(path)
            missing = [name for name in error.validator_value if name not in error.instance]
            yield from ((_("The property “%(name)s” is missing here.", name=name), path) for name in missing)


def _message(error: "Mismatch") -> str:
    """Return what an error of the schema means, in the language of the reader."""
    describe = MESSAGES.get(str(error.validator))
    return describe(error) if describe else _("This does not fit the schema: %(rule)s.", rule=error.validator)


def _wrong_type(error: "Mismatch") -> str:
    wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    return _("This must be: %(types)s.", types=_alternatives(str(TYPES[name]) for name in wanted))


def _not_one_of(error: "Mismatch") -> str:
    values = error.validator_value if error.validator == "enum" else [error.validator_value]
    return _("This must be one of: %(choices)s.", choices=_alternatives(map(str, values)))


def _not_between(error: "Mismatch") -> str:
    least, most = error.schema["minimum"], error.schema["maximum"]
    return _("This must be a number from %(least)d to %(most)d.", least=least, most=most)


def _too_long(error: "Mismatch") -> str:
    most = error.validator_value
    return ngettext("At most %(num)d character is allowed.", "At most %(num)d characters are allowed.", most)


def _too_many(error: "Mismatch") -> str:
    most = error.validator_value
    return ngettext("At most %(num)d entry is allowed.", "At most %(num)d entries are allowed.", most)


def _alternatives(names: Iterable[str]) -> str:
    return ", ".join(names)


def _any_of(error: "Mismatch") -> str:
    if error.absolute_path[-1] == "refresh_seconds":
        return _("This must be 0, for never, or a number from %(least)d to %(most)d.", least=10, most=86400)
    return _("This must be a value, or a pair of a value and its label.")


# By the keyword of the schema.
MESSAGES: "dict[str, Callable[[Mismatch], str]]" = {
    "type": _wrong_type,
    "enum": _not_one_of,
    "const": _not_one_of,
    "minimum": _not_between,
    "maximum": _not_between,
    "minLength": lambda _error: _("This field must be filled in."),
    "maxLength": _too_long,
    **dict.fromkeys(TOO_MANY, _too_many),
    "pattern": lambda error: str(PATTERNS[error.validator_value]),
    "oneOf": lambda _error: _("Data comes from exactly one source: query, values, upload, api or url."),
    "dependentRequired": lambda _error: _("Parameters belong to a query."),
    "anyOf": _any_of,
}


# -- the rules


def _by_rules(value: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    modules = value["modules"]
    yield from _repeated([module["id"] for module in modules], ("modules",), "id")
    for number, module in enumerate(modules):
        inputs = ("modules", number, "inputs")
        yield from _repeated([each["name"] for each in module["inputs"]], inputs, "name")
    if value["layout"] == Layout.GRID:
        yield from _of_grid(modules)


def _repeated(names: list[str], path: Path, key: str) -> Iterator[tuple[str, Path]]:
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name in seen:
            text = _("“%(name)s” is here a second time. Each needs a name of its own.", name=json_text.shortened(name))
            yield text, (*path, number, key)
        seen.add(name)


def _of_grid(modules: list[dict[str, Any]]) -> Iterator[tuple[str, Path]]:
    """Yield what is wrong with the rows of a grid."""
    without = [number for number, module in enumerate(modules) if "row" not in module]
    if without:
        yield from ((str(texts.NO_ROWS), ("modules", number)) for number in without)
        return
    first = {module["row"]: number for number, module in reversed([*enumerate(modules)])}
    before = 0
    for row in sorted(first):
        if row > before + 1:
            text = _("Row %(row)d follows row %(before)d. No row in between may be empty.", row=row, before=before)
            if not before:
                text = _("The first row is row 1.")
            yield text, ("modules", first[row], "row")
        before = row
    widths: Counter[int] = Counter()
    for number, module in enumerate(modules):
        row, width = module["row"], module["width"]
        widths[row] += width
        # Told once, by the module that is too much.
        if widths[row] - width <= MAX_WIDTH < widths[row]:
            text = _("The modules of row %(row)d are wider than %(columns)d columns.", row=row, columns=MAX_WIDTH)
            yield text, ("modules", number, "width")


def fit_rows(modules: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return modules with rows that follow each other and are wide enough: what does not fit begins a new row.

    Other programs number rows as they like, and wrap them.
    """
    placed: list[dict[str, Any]] = []
    before, row, width = None, 0, 0
    for module in sorted(modules, key=lambda each: (each.get("row", MAX_WIDTH**3), each.get("order", 0))):
        asked = module.get("row")
        if row == 0 or asked != before or width + module["width"] > MAX_WIDTH:
            row, width = row + 1, 0
        before, width = asked, width + module["width"]
        placed.append({**module, "row": row})
    return placed
