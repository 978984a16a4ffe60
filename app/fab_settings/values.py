"""Which values a setting of Flask-AppBuilder may have."""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from limits import parse_many

HOST_PATTERN = re.compile(r"(\*\.)?[a-z0-9.-]+(:\d+)?", re.IGNORECASE)


def is_bool(value: Any) -> bool:
    """Whether `value` is yes or no."""
    return isinstance(value, bool)


def is_text(value: Any) -> bool:
    """Whether `value` is a text."""
    return isinstance(value, str)


def is_size(value: Any) -> bool:
    """Whether `value` is a width, a height, and whether to cut to it."""
    *sides, cuts = value if isinstance(value, tuple | list) and value else (None,)
    return len(sides) == 2 and all(type(side) is int and side > 0 for side in sides) and is_bool(cuts)


def is_own_path(value: Any) -> bool:
    """Whether `value` is a path of this site, or empty."""
    return not value or (is_text(value) and bool(re.match(r"/(?!/)\S*$", value)))


def is_page(value: Any) -> bool:
    """Whether `value` is a path of this site or a URL."""
    return is_own_path(value) or (is_text(value) and urlsplit(value).scheme in {"http", "https"})


def are_hosts(value: Any) -> bool:
    """Whether `value` is a list of hosts, perhaps with `*.` before them."""
    return isinstance(value, list | tuple) and all(is_text(host) and HOST_PATTERN.fullmatch(host) for host in value)


def is_limit(value: Any) -> bool:
    """Whether `value` is a limit, such as `10 per minute`."""
    try:
        return bool(parse_many(value))
    except (ValueError, TypeError, AttributeError):
        return False


def are_prefixes(value: Any) -> bool:
    """Whether `value` is a list of texts that are not empty."""
    return bool(value) and isinstance(value, list | tuple) and all(is_text(prefix) and prefix for prefix in value)


def are_roles(value: Any) -> bool:
    """Whether `value` maps names of roles to pairs of patterns: [["PartyView", "can_read"], [".*", "can_list"]]."""
    try:
        pairs = [pair for pairs in value.values() for pair in pairs]
        patterns = [re.compile(pattern) for view, permission in pairs for pattern in (view, permission)]
    except (AttributeError, TypeError, ValueError, re.error):
        return False
    return len(patterns) == 2 * len(pairs) and "Admin" not in value and all(map(is_text, value))


def is_class(value: Any) -> bool:
    """Whether `value` is the path of something that can be imported, or empty."""
    return not value or (is_text(value) and _import(value) is not None)


def is_security_manager(value: Any) -> bool:
    """Whether `value` is the path of a subclass of this site's security manager."""
    from app.accounts.security import SecurityManager

    found = _import(value) if is_text(value) else None
    return isinstance(found, type) and issubclass(found, SecurityManager)


def _import(path: str) -> Any:
    module, _dot, name = path.rpartition(".")
    try:
        return getattr(import_module(module), name, None)
    except (ImportError, ValueError):
        return None


def is_mapping(value: Any) -> bool:
    """Whether `value` maps groups to lists of roles, or is a function that does."""
    if callable(value) or not value:
        return True
    return isinstance(value, Mapping) and all(
        is_text(key) and isinstance(roles, list | tuple) and all(map(is_text, roles)) for key, roles in value.items()
    )


def is_jmespath(value: Any) -> bool:
    """Whether `value` is an expression of JMESPath, and its package is there; or empty."""
    if not value:
        return True
    compiled = _import("jmespath.compile")
    try:
        return compiled is not None and bool(compiled(value))
    except ValueError:  # What jmespath raises for an invalid expression.
        return False


def is_remote_user_variable(value: Any) -> bool:
    """Whether only the web server can set the variable, or it is a header."""
    return is_text(value) and bool(
        re.fullmatch(r"HTTP_[A-Z0-9_]+|REMOTE_USER|(?:SSL|AUTH|OIDC|MELLON|SHIB)_[A-Z0-9_]+", value)
    )
