"""The rules of time zones: the newest that this machine has, for everything in the process.

`zoneinfo` reads the files of the operating system, however old they are, and the package tzdata only for what those lack.
Here the newer of the two is chosen, when this module is imported.
"""

import logging
import re
import time
import zoneinfo
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import tzdata

# The first line of tzdata.zi says "# version 2026f"; the BSDs and macOS have a file +VERSION instead.
VERSION_FILES = ("tzdata.zi", "+VERSION")
VERSION = re.compile(r"\b(?:19|20)\d\d[a-z]{1,2}\b")
PACKAGE = Path(tzdata.__file__).parent / "zoneinfo"
# The folders of the system, or what the administrator has set as PYTHONTZPATH.
SYSTEM = tuple(Path(folder) for folder in zoneinfo.TZPATH)
CHECK_SECONDS = 60.0

logger = logging.getLogger("app.zone_rules")


class Source(NamedTuple):
    """A folder with zones. Versions are compared as text; one without a version counts as the oldest."""

    version: str
    folder: Path


@dataclass
class InUse:
    """The rules that this process uses."""

    source: Source
    # The age of the version files, to notice an upgrade of the system while the site runs.
    seen: object = None
    next_check: float = 0.0


IN_USE = InUse(Source("", PACKAGE))


def use_newest(folders: Sequence[Path] = ()) -> None:
    """Use the newest rules of this machine, or of `folders`, from now on; of equal ones those of the package."""
    found = sources(folders or (PACKAGE, *SYSTEM))
    IN_USE.source = max(found, key=lambda source: source.version, default=Source("", PACKAGE))
    IN_USE.seen = _ages()
    zoneinfo.reset_tzpath([IN_USE.source.folder])
    kinds: list[type[zoneinfo.ZoneInfo]] = [zoneinfo.ZoneInfo, *zoneinfo.ZoneInfo.__subclasses__()]
    for kind in kinds:
        # The cached zones of a subclass are its own.
        kind.clear_cache()


def refresh() -> None:
    """Use newer rules that were installed while the site runs. Looks once in a minute."""
    if time.monotonic() < IN_USE.next_check:
        return
    IN_USE.next_check = time.monotonic() + CHECK_SECONDS
    if _ages() != IN_USE.seen:
        use_newest()
        logger.info("Time zone rules: %s", described())


def version() -> str:
    """Return the version of the rules in use, such as "2026f"."""
    return IN_USE.source.version


def described() -> str:
    """Return which rules are in use, and which are not, for the log."""
    others = [source for source in sources((PACKAGE, *SYSTEM)) if source != IN_USE.source]
    used = f"{version() or 'of unknown version'}, from {IN_USE.source.folder}"
    return "; not used: ".join([used, *(f"{each.version or 'unknown version'}, from {each.folder}" for each in others)])


def sources(folders: Iterable[Path]) -> list[Source]:
    """Return what there is, in the order of `folders`."""
    return [Source(_version_of(folder), folder) for folder in folders if folder.is_dir()]


def _version_of(folder: Path) -> str:
    for name in VERSION_FILES:
        try:
            with (folder / name).open(encoding="ascii", errors="replace") as file:
                found = VERSION.search(file.readline())
        except OSError:
            continue
        if found:
            return found.group()
    return ""


def _ages() -> list[object]:
    ages: list[object] = []
    for folder in (PACKAGE, *SYSTEM):
        for name in VERSION_FILES:
            try:
                status = (folder / name).stat()
            except OSError:
                continue
            ages.append((folder, name, status.st_mtime_ns, status.st_size, status.st_ino))
    return ages


use_newest()
