"""The rows of the table: which request of whom each one is, and which figure it is to reach."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import data
from benchmarks.data import Size
from benchmarks.sites import COLUMNS, PAGE_SIZE, Site
from benchmarks.visitor import Request, Visitor

DEEP_PAGE = 20_000
# Longer than a page for strangers may be kept.
FORGOTTEN_SECONDS = 1.1
A_TITLE = f"({'|'.join((*data.ADJECTIVES, data.NEEDLE, 'Target'))}) \\w+"

# Makes the next request to a site; what it sends itself is not measured.
Plan = Callable[[], tuple[Visitor, Request]]


@dataclass(frozen=True)
class Target:
    """At most `factor` times the figure of a site, or of another row of ours."""

    factor: float
    site: str = ""
    row: str = ""

    def __str__(self) -> str:
        of = self.site or f"our {self.row}"
        return f"{self.factor:.2g} × {of}"


@dataclass(frozen=True)
class Row:
    """A row, for the sites that have the `page`."""

    name: str
    page: str
    plan: Callable[[Site, Size], Plan]
    targets: tuple[Target, ...] = ()
    # Before each round.
    pause: float = 0.0
    # For this many parties or more, if the target depends on it.
    large: tuple[int, tuple[Target, ...]] | None = None

    def targets_at(self, size: Size) -> tuple[Target, ...]:
        """Return what it is to reach."""
        return self.large[1] if self.large and size.parties >= self.large[0] else self.targets


def _get(visitor: Visitor, path: str, expected: str) -> Plan:
    return lambda: (visitor, Request(path, expected))


def _nth_last(size: Size, position: int) -> str:
    """Return the title that the default order, latest first, has at a position from 0."""
    return re.escape(data.title_of(size, size.parties + data.TARGETS - position))


def _list(site: Site, size: Size) -> Plan:
    return _get(site.admin(), site.paths["list"], _nth_last(size, 0))


def deep_page(size: Size) -> int:
    """Return the number of the page far down the list."""
    return min(DEEP_PAGE, (size.parties + data.TARGETS) // PAGE_SIZE)


def _deep(site: Site, size: Size) -> Plan:
    number = deep_page(size)
    return _get(site.admin(), site.page(number), _nth_last(size, (number - 1) * PAGE_SIZE))


def _search(site: Site, _size: Size) -> Plan:
    return _get(site.admin(), site.search(data.NEEDLE.lower()), f"{data.NEEDLE} \\w+")


def _sort(column: str) -> Row:
    def plan(site: Site, size: Size) -> Plan:
        first = {"title": "Bright", "starts_at": data.title_of(size, 1), "seats_taken": "Target"}
        return _get(site.admin(), site.sorted_by(column), first.get(column, A_TITLE))

    return Row(f"sort by {column}", "sort", plan, (Target(1.5, row="list"),))


def _one(kind: str) -> Callable[[Site, Size], Plan]:
    def plan(site: Site, size: Size) -> Plan:
        number = size.parties // 2
        return _get(site.admin(), site.paths[kind].format(number), re.escape(data.title_of(size, number)))

    return plan


def _public(site: Site, size: Size) -> Plan:
    first = re.escape(data.title_of(size, size.parties - size.parties // data.UPCOMING + 1))
    return _get(site.stranger(), site.paths["public"], first)


def _kept(site: Site, size: Size) -> Plan:
    plan = _public(site, size)

    def again() -> tuple[Visitor, Request]:
        visitor, request = plan()
        visitor.send(request)
        return visitor, request

    return again


def _rsvp(site: Site, _size: Size) -> Plan:
    visitor = site.member(data.FIRST_MEMBER + 1)
    return lambda: (visitor, site.rsvp(visitor, next(site.targets)))


def _party(site: Site, size: Size) -> Plan:
    return _get(
        site.member(data.FIRST_MEMBER + 1), f"/parties/target-{size.first_target}", f"Target {size.first_target}"
    )


def _api(site: Site, size: Size) -> Plan:
    return _get(site.api_visitor(), site.paths["api"], _nth_last(size, 0))


ROWS = (
    Row("list", "list", _list, (Target(1 / 3.5, "tuned"),)),
    Row("deep page", "page", _deep, (Target(1.3, row="list"),)),
    Row("search", "search", _search, (Target(2, row="list"),)),
    *map(_sort, COLUMNS),
    Row("show", "show", _one("show"), (Target(1, "flask-admin"),)),
    Row("edit", "edit", _one("edit"), (Target(1, "flask-admin"),)),
    Row("public not kept", "public", _public, (Target(1, "sqladmin"),), pause=FORGOTTEN_SECONDS),
    Row("public kept", "public", _kept, (Target(1 / 3, "sqladmin"),)),
    Row("rsvp", "rsvp", _rsvp, (Target(0.9, "django"), Target(0.9, "tuned"))),
    Row("party page", "party", _party),
    Row("api", "api", _api, (Target(1 / 3, "django"),), large=(1_000_000, (Target(1 / 10, "django"),))),
)
