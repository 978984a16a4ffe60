"""What replaces a method of Flask-AppBuilder says why: an override that closes no weakness can go."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

from flask_appbuilder.models.filters import BaseFilter

import app.crud

# The weakness is named, or it is that of the line above.
REASONS = ("Flask-AppBuilder", "as above", "As above", "The same")


def overrides():
    """Yield (module, class, function, whether its reason is said) for what a class in app/crud replaces."""
    for found in pkgutil.iter_modules(app.crud.__path__):
        module = importlib.import_module(f"app.crud.{found.name}")
        source = Path(module.__file__).read_text("utf-8")
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef):
                made = getattr(module, node.name)
                stock = stock_names(made)
                is_told = any(word in (ast.get_docstring(node) or "") for word in REASONS)
                for each in node.body:
                    if isinstance(each, ast.FunctionDef) and each.name in stock:
                        yield found.name, node.name, each.name, is_told or has_reason(each, source.splitlines())


def stock_names(made):
    """Return the methods that Flask-AppBuilder has in the bases of a class, or of those that use it as a mixin."""
    users = [made, *(each for each in vars(app.crud).values() if inspect.isclass(each) and made in each.__mro__)]
    bases = [base for user in users for base in user.__mro__ if base.__module__.startswith("flask_appbuilder")]
    # A filter of its own has to have `apply`.
    return {name for base in bases if base is not BaseFilter for name in vars(base)} - {"__init__"}


def has_reason(function, lines):
    first = min(function.lineno, *(each.lineno for each in function.decorator_list or [function]))
    text = f"{lines[first - 2] if lines[first - 2].lstrip().startswith('#') else ''} {ast.get_docstring(function)}"
    return any(word in text for word in REASONS)


def test_every_override_says_which_weakness_it_closes():
    found = list(overrides())
    assert len(found) > 50
    assert [each[:3] for each in found if not each[3]] == []
