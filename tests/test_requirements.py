"""The locked requirements are complete, and name no package index."""

import importlib.metadata
import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import config

LOCKS = ("requirements.txt", "requirements-dev.txt")
OF_BENCHMARKS = [str(path.relative_to(config.ROOT)) for path in config.ROOT.glob("benchmarks/peers/requirements/*.txt")]


def locked(name):
    """Return the pinned requirements of a lock for this Python, by name."""
    lines = [line for line in (config.ROOT / name).read_text("utf-8").splitlines() if re.match(r"\w", line)]
    pins = [Requirement(line.removesuffix("\\").strip()) for line in lines]
    return {canonicalize_name(pin.name): pin for pin in pins if pin.marker is None or pin.marker.evaluate()}


def declared(lock):
    """Return what pyproject.toml requires of a lock."""
    project = tomllib.loads((config.ROOT / "pyproject.toml").read_text("utf-8"))
    dev = project["dependency-groups"]["dev"] if lock == "requirements-dev.txt" else []
    return [Requirement(text) for text in [*project["project"]["dependencies"], *dev]]


def needs_of(requirement):
    """Return the dependencies of an installed package with these extras."""
    for text in importlib.metadata.requires(requirement.name) or []:
        need = Requirement(text)
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in {"", *requirement.extras}):
            yield need


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_all_dependencies_including_extras(lock):
    pins, seen, waiting = locked(lock), set(), declared(lock)
    while waiting:
        requirement = waiting.pop()
        asked = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        assert asked[0] in pins, f"{requirement} is not in {lock}"
        (version,) = pins[asked[0]].specifier
        assert version.operator == "=="
        assert requirement.specifier.contains(version.version, prereleases=True), f"{lock} has {pins[asked[0]]}"
        assert importlib.metadata.version(requirement.name) == version.version, "not installed as it is locked"
        if asked not in seen:
            seen.add(asked)
            waiting += needs_of(requirement)
    assert pins.keys() == {name for name, _extras in seen}, f"{lock} has what nobody needs"


def test_both_locks_agree():
    site, dev = map(locked, LOCKS)
    assert {name: dev.get(name) for name in site} == site


@pytest.mark.parametrize("lock", [*LOCKS, *sorted(OF_BENCHMARKS)])
def test_a_lock_names_no_package_index(lock):
    text = (config.ROOT / lock).read_text("utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", text)
    entries = re.split(r"\n(?=\w)", text)
    assert all("--hash=sha256:" in entry for entry in entries)
