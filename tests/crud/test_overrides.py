"""What replaces a method of Flask-AppBuilder says why: an override that closes no weakness can go."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import app.crud


def overrides():
    """Yield (module, class, function, whether its reason is said) for what a class in app/crud replaces."""
    for found in pkgutil.iter_modules(app.crud.__path__):
        module = importlib.import_module(f"app.crud.{found.name}")
        source = Path(module.__file__).read_text("utf-8")
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef):
                made = getattr(module, node.name)
                stock = stock_names(made)
                is_told = "Flask-AppBuilder" in (ast.get_docstring(node) or "")
                for each in node.body:
                    if isinstance(each, ast.FunctionDef) and each.name in stock:
                        yield found.name, node.name, each.name, is_told or has_reason(each, source.splitlines())


def stock_names(made):
    """Return the methods that Flask-AppBuilder has in the bases of a class, or of those that use it as a mixin."""
    users = [made, *(each for each in vars(app.crud).values() if inspect.isclass(each) and made in each.__mro__)]
    bases = [base for user in users for base in user.__mro__ if base.__module__.startswith("flask_appbuilder")]
    return {name for base in bases for name in vars(base)} - {"__init__"}


def has_reason(function, lines):
    first = min(function.lineno, *(each.lineno for each in function.decorator_list or [function]))
    return lines[first - 2].lstrip().startswith("#") or ast.get_docstring(function) is not None


def test_every_override_says_which_weakness_it_closes():
    found = list(overrides())
    assert len(found) > 50
    assert [each[:3] for each in found if not each[3]] == []
