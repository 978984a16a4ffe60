"""Every text of the application can be translated, checked in its source."""

import ast
import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import app

ROOT = Path(app.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
# It translates texts for others.
RUNTIME = ROOT / "i18n" / "runtime.py"
EAGER = {"_", "gettext", "ngettext", "pgettext", "npgettext"}
LAZY = {"_l", "lazy_gettext", "lazy_ngettext", "lazy_pgettext", "lazy_npgettext"}
CATEGORIES = {"info", "warning", "danger"}
# How many leading arguments of a function are texts or meanings.
TEXTS = {
    "ngettext": 2,
    "pgettext": 2,
    "npgettext": 3,
    "lazy_ngettext": 2,
    "lazy_pgettext": 2,
    "lazy_npgettext": 3,
}
# Arguments of these are shown to people.
SHOWN = {"flash", "ValidationError", "DomainError"}


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def literal_flashes(tree: ast.AST) -> Iterator[int]:
    """Yield lines that show an untranslatable text."""
    for call in calls(tree):
        shown = call.args[0] if call.args else None
        is_text = isinstance(shown, ast.JoinedStr) or (isinstance(shown, ast.Constant) and isinstance(shown.value, str))
        if name_of(call) in SHOWN and is_text:
            yield call.lineno


def wrong_categories(tree: ast.AST) -> Iterator[int]:
    """Yield lines that call flash() without a known category."""
    for call in calls(tree):
        if name_of(call) == "flash" and not any(isinstance(argument, ast.Starred) for argument in call.args):
            given = [
                *call.args[1:2],
                *(keyword.value for keyword in call.keywords if keyword.arg == "category"),
            ]
            constants = {category.value for category in given if isinstance(category, ast.Constant)}
            if not given or constants - CATEGORIES:
                yield call.lineno


def texts_not_literal(tree: ast.AST) -> Iterator[int]:
    """Yield lines that translate a text which the extraction cannot find."""
    for call in calls(tree):
        name = name_of(call)
        if name in EAGER | LAZY:
            texts = call.args[: TEXTS.get(name, 1)]
            if not all(isinstance(text, ast.Constant) and isinstance(text.value, str) for text in texts):
                yield call.lineno


def translations_inside_fstrings(tree: ast.AST) -> Iterator[int]:
    """Yield lines where a text is inside an f-string: Python 3.11's extraction does not see it."""
    for string in ast.walk(tree):
        if isinstance(string, ast.JoinedStr):
            yield from (call.lineno for call in calls(string) if name_of(call) in EAGER | LAZY)


def translations_at_import(tree: ast.AST) -> Iterator[int]:
    """Yield lines that translate at import time, which is always English."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for early in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
                yield from (call.lineno for call in calls(early) if name_of(call) in EAGER)
        elif not isinstance(node, ast.Lambda):
            if isinstance(node, ast.Call) and name_of(node) in EAGER:
                yield node.lineno
            yield from translations_at_import(node)


Rule = Callable[[ast.AST], Iterator[int]]
RULES: tuple[Rule, ...] = (
    literal_flashes,
    wrong_categories,
    texts_not_literal,
    translations_inside_fstrings,
    translations_at_import,
)


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("rule", RULES)
def test_the_application_follows_the_rules(rule: Rule) -> None:
    broken = [
        f"{path.relative_to(ROOT.parent)}:{line}" for path in SOURCES if path != RUNTIME for line in rule(parsed(path))
    ]
    assert broken == []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (literal_flashes, 'flash("Saved.", "info")'),
        (literal_flashes, 'flash(f"Saved {name}.", "info")'),
        (literal_flashes, 'raise wtforms.ValidationError("No.")'),
        (literal_flashes, 'raise DomainError("No.")'),
        (wrong_categories, "flash(message)"),
        (wrong_categories, 'flash(message, "success")'),
        (wrong_categories, 'flash(message, category="error")'),
        (texts_not_literal, '_(f"Hi {name}")'),
        (texts_not_literal, "lazy_gettext(message)"),
        (texts_not_literal, 'ngettext("seat", plural, 2)'),
        (translations_inside_fstrings, "f\"<b>{_('Hi')}</b>\""),
        (translations_at_import, 'TITLE = _("Hi")'),
        (translations_at_import, 'class View:\n    title = gettext("Hi")'),
        (translations_at_import, 'def show(title=_("Hi")): pass'),
        (translations_at_import, '@expose(_("Hi"))\ndef show(): pass'),
    ],
)
def test_the_rules_find_violations(rule: Rule, source: str) -> None:
    assert list(rule(ast.parse(source)))


@pytest.mark.parametrize("rule", RULES)
def test_the_rules_accept_correct_code(rule: Rule) -> None:
    good = """
TITLE = lazy_gettext("Hi")
LABEL = lambda: _("Hi")
def show(name):
    flash(_("Hi %(name)s", name=name), "info")
    flash(str(error), error.category)
    raise DomainError(lazy_gettext("No."))
"""
    assert list(rule(ast.parse(good))) == []


def test_no_text_is_used_both_with_and_without_plural_forms():
    """Without a number, a catalog gives the first form, which in Arabic is that for none."""
    found = [call for source in SOURCES for call in calls(ast.parse(source.read_text("utf-8")))]
    texts = {
        is_plural: {
            call.args[0].value
            for call in found
            if name_of(call) in names and call.args and isinstance(call.args[0], ast.Constant)
        }
        for is_plural, names in ((True, {"ngettext", "lazy_ngettext"}), (False, {"_", "gettext", "lazy_gettext"}))
    }
    assert len(texts[True]) > 100
    assert not texts[True] & texts[False]
