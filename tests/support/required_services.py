"""The real parts that tests stand on, and how many tests used each: a part that nobody used was not tested."""

from collections import Counter
from typing import Any, Protocol

import pytest

from tests.support import browser

_used = pytest.StashKey[Counter[str]]()


class Worker(Protocol):
    """A process of pytest-xdist, seen from the one that started it."""

    config: pytest.Config
    workeroutput: dict[str, Any]


def used(config: pytest.Config) -> Counter[str]:
    """Return the number of tests that used each part so far."""
    return config.stash.setdefault(_used, Counter())


def missing(config: pytest.Config) -> list[str]:
    """Return the parts that no test of a whole run used; of a chosen few, nothing is expected."""
    chosen = config.args_source is not pytest.Config.ArgsSource.TESTPATHS
    if chosen or config.option.keyword or config.option.markexpr or config.option.collectonly:
        return []
    browsers = ["browser"] if browser.is_wanted() else []
    expected = ["sqlite", "postgresql", "smtp", "redis", "openid", "ldap", *browsers]
    return [part for part in expected if not used(config)[part]]
