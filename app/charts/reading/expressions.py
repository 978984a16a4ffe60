"""Expressions of Vega that compute a value of a row. They are read as a tree, of which a closed set of nodes is known; nothing is run."""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from app.charts.reading import values
from app.charts.reading.notes import CannotDrawError, unknown

Value = Any
# What asks a row for a value; all that is read becomes one.
Ask = Callable[[Mapping[str, object]], Value]
Get = Callable[[Mapping[str, object], str], object]

MAX_LENGTH, MAX_TEXT = 300, 1_000
# JavaScript's signs in Python's words, outside of texts.
JAVASCRIPT = re.compile(r"('[^']*'|\"[^\"]*\")|===|!==|&&|\|\||!(?!=)|\bif(?=\()")
WORDS = {"===": "==", "!==": "!=", "&&": " and ", "||": " or ", "!": " not ", "if": "if_"}
CONSTANTS = {"true": True, "false": False, "null": None, "PI": math.pi, "E": math.e}


def _number(value: Value) -> float:
    """Return a value as a number; what is none is not a number, as in JavaScript."""
    known = float(value) if isinstance(value, bool) else values.number(value)
    return math.nan if known is None else known


def _add(left: Value, right: Value) -> Value:
    if isinstance(left, str) or isinstance(right, str):
        return (_text(left) + _text(right))[:MAX_TEXT]
    return _number(left) + _number(right)


def _text(value: Value) -> str:
    return values.text(value, MAX_TEXT)


def _of_numbers(compute: Callable[..., Value]) -> Callable[..., Value]:
    return lambda *given: compute(*map(_number, given))


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Value, Value], bool]:
    by_number = _of_numbers(compare)
    return lambda left, right: (
        compare(left, right) if isinstance(left, str) and isinstance(right, str) else by_number(left, right)
    )


def _of_moment(name: str, offset: int = 0) -> Callable[[Value], Value]:
    def part(value: Value) -> Value:
        known = values.moment(value)
        return None if known is None else getattr(known, name) + offset

    return part


OPERATORS: dict[type[ast.AST], Callable[..., Value]] = {
    ast.Add: _add,
    ast.Sub: _of_numbers(operator.sub),
    ast.Mult: _of_numbers(operator.mul),
    ast.Div: _of_numbers(operator.truediv),
    ast.Mod: _of_numbers(math.fmod),
    ast.USub: _of_numbers(operator.neg),
    ast.UAdd: _number,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: _ordered(operator.lt),
    ast.LtE: _ordered(operator.le),
    ast.Gt: _ordered(operator.gt),
    ast.GtE: _ordered(operator.ge),
}
# Months count from 0, as in JavaScript.
FUNCTIONS: dict[str, Callable[..., Value]] = {
    **{name: _of_numbers(getattr(math, name)) for name in ("ceil", "floor", "sqrt", "log", "exp", "pow")},
    "abs": _of_numbers(abs),
    "round": _of_numbers(lambda number: math.floor(number + 0.5)),
    "min": _of_numbers(lambda *given: min(given)),
    "max": _of_numbers(lambda *given: max(given)),
    "length": lambda value: len(_text(value)),
    "lower": lambda value: _text(value).lower(),
    "upper": lambda value: _text(value).upper(),
    "toNumber": _number,
    "toString": _text,
    "isValid": lambda value: value is not None,
    "if": lambda test, then, other: then if test else other,
    "year": _of_moment("year"),
    "month": _of_moment("month", -1),
    "date": _of_moment("day"),
}


def compiled(written: object, get: Get) -> Ask:
    """Return what computes the value of an expression from a row. Raises CannotDrawError for what is not known."""
    text = written if isinstance(written, str) else ""
    # Backslashes, comments and lines are Python's own.
    if len(text) > MAX_LENGTH or re.search(r"[\\#\n\r]", text):
        raise _refused(text)
    translated = JAVASCRIPT.sub(lambda found: found[1] or WORDS[found[0]], text).strip()
    try:
        tree = ast.parse(translated, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise _refused(text) from None
    ask = _ask(tree, text, get)

    def safely(row: Mapping[str, object]) -> Value:
        try:
            found = ask(row)
        except (ArithmeticError, ValueError, TypeError):
            # Such as the root of less than nothing.
            return None
        return None if isinstance(found, float) and not math.isfinite(found) else found

    return safely


def _refused(text: str) -> CannotDrawError:
    return CannotDrawError(_("The expression “%(text)s” cannot be computed here.", text=text[:80]))


def _ask(node: ast.expr, text: str, get: Get) -> Ask:
    """Return what a node asks. The text is short, so this may call itself."""

    def asks(*nodes: ast.expr) -> list[Ask]:
        return [_ask(each, text, get) for each in nodes]

    match node:
        case ast.Constant(value=str() | int() | float() as constant):
            return lambda _row: constant
        case ast.Name(id=name) if name in CONSTANTS:
            return lambda _row: CONSTANTS[name]
        case (
            ast.Attribute(value=ast.Name(id="datum"), attr=field)
            | ast.Subscript(value=ast.Name(id="datum"), slice=ast.Constant(value=str(field)))
        ):
            return lambda row: get(row, field)
        case ast.BoolOp(op=sign, values=inner):
            return _logical(asks(*inner), is_and=isinstance(sign, ast.And))
        case ast.Call(func=ast.Name(id=name), args=given, keywords=[]):
            if name.rstrip("_") not in FUNCTIONS:
                raise unknown(name)
            return _called(FUNCTIONS[name.rstrip("_")], asks(*given))
    operation = _operation(node)
    if operation is None or type(operation[0]) not in OPERATORS:
        raise _refused(text)
    return _called(OPERATORS[type(operation[0])], asks(*operation[1]))


def _operation(node: ast.expr) -> tuple[ast.AST, list[ast.expr]] | None:
    """Return a sign, and what stands around it."""
    match node:
        case ast.UnaryOp(op=sign, operand=inner):
            return sign, [inner]
        case ast.BinOp(op=sign, left=left, right=right) | ast.Compare(left=left, ops=[sign], comparators=[right]):
            return sign, [left, right]
    return None


def _called(compute: Callable[..., Value], given: Sequence[Ask]) -> Ask:
    return lambda row: compute(*[each(row) for each in given])


def _logical(given: Sequence[Ask], *, is_and: bool) -> Ask:
    def ask(row: Mapping[str, object]) -> Value:
        found = None
        for each in given:
            found = each(row)
            if bool(found) != is_and:
                break
        return found

    return ask
