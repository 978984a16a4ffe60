"""Report what would break with the newest versions that pyproject.toml allows: `make outdated`.

The locks are renewed in a copy of this folder with its own environment, and the checks of CI run there.
Nothing here is changed.
"""

import importlib.metadata
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import config

STEPS = ("lint", "types", "test")


def main() -> int:
    """Print what is new, what is held back and by whom, and what fails; return 1 when something does."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        _copy(copy)
        _make(copy, "lock", "UPGRADE=yes", f"VENV={sys.prefix}")
        old, new = _pins(config.ROOT), _pins(copy)
        for package in sorted(old | new):
            if old.get(package) != new.get(package):
                click.echo(f"new: {package} {old.get(package, 'none')} -> {new.get(package, 'none')}")
        broken = [step for step in STEPS if not _make(copy, step)]
        # What cannot even be installed holds nothing back.
        for line in _held_back(copy) if (copy / ".venv" / ".installed-dev").exists() else ():
            click.echo(f"held back: {line}")
    if broken:
        click.echo(f"Would break: {', '.join(broken)}, see above.")
        return 1
    click.echo("All of it passes: `make lock UPGRADE=yes` takes it.")
    return 0


def _copy(target: Path) -> None:
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=config.ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((config.ROOT / name).read_bytes())


def _make(folder: Path, *words: str) -> bool:
    click.echo(f"== make {' '.join(words)}")
    return subprocess.run(["make", "--no-print-directory", *words], cwd=folder, check=False).returncode == 0


def _pins(folder: Path) -> dict[str, str]:
    """Return the versions that are locked, by name; a package may have one for each of several Pythons."""
    pins: dict[str, str] = {}
    for name, version in re.findall(
        r"^([\w.-]+)(?:\[.*?\])?==(\S+)", (folder / "requirements-dev.txt").read_text("utf-8"), re.MULTILINE
    ):
        pins[name] = f"{pins[name]} or {version}" if name in pins else version
    return pins


def _held_back(copy: Path) -> Iterator[str]:
    """Yield a line for each package of which there is a newer version that somebody does not allow."""
    command = [sys.executable, "-m", "uv", "pip", "list", "--outdated", "--format", "json", "--python"]
    listed = subprocess.run([*command, str(copy / ".venv")], capture_output=True, text=True, check=True).stdout
    needs = list(_needs(copy))
    for row in json.loads(listed):
        limits = {who for who, need in needs if _forbids(need, row["name"], row["latest_version"])}
        if limits:
            yield f"{row['name']} {row['version']} by {', '.join(sorted(limits))}; newest is {row['latest_version']}"


def _needs(copy: Path) -> Iterator[tuple[str, Requirement]]:
    """Yield who needs what: each package that is installed in the copy, and pyproject.toml."""
    (packages,) = (copy / ".venv" / "lib").glob("python*/site-packages")
    for package in importlib.metadata.distributions(path=[str(packages)]):
        for text in package.requires or []:
            yield package.name, Requirement(text)
    project = tomllib.loads((copy / "pyproject.toml").read_text("utf-8"))
    for text in [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]:
        yield "pyproject.toml", Requirement(text)


def _forbids(need: Requirement, name: str, version: str) -> bool:
    return canonicalize_name(need.name) == name and not need.specifier.contains(version, prereleases=True)


if __name__ == "__main__":
    sys.exit(main())
