"""The required services, and how many tests used each: an unused one was not tested."""

from collections import Counter
from typing import Any, Protocol

import pytest

from tests.support import browser

_used = pytest.StashKey[Counter[str]]()


class Worker(Protocol):
    """A worker of pytest-xdist, as the controller sees it."""

    config: pytest.Config
    workeroutput: dict[str, Any]


def used(config: pytest.Config) -> Counter[str]:
    """Return the number of tests that used each service so far."""
    return config.stash.setdefault(_used, Counter())


def missing(config: pytest.Config) -> list[str]:
    """Return the services that no test of a whole run used; a selection of tests need not use any."""
    chosen = config.args_source is not pytest.Config.ArgsSource.TESTPATHS
    if chosen or config.option.keyword or config.option.markexpr or config.option.collectonly:
        return []
    browsers = ["browser"] if browser.is_wanted() else []
    expected = ["sqlite", "postgresql", "smtp", "redis", "openid", "ldap", *browsers]
    return [part for part in expected if not used(config)[part]]
