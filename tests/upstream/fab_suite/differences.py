"""What of Flask-AppBuilder's own tests does not pass here, and why: `differences.toml`, and the document made of it.

`python -c "from tests.upstream.fab_suite import differences as d; print(d.document(), end='')" > docs/fab_suite.md`
"""

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

FILE = Path(__file__).with_name("differences.toml")
KINDS = {
    "purpose": "differs on purpose",
    "missing": "missing here",
    "suite": "cannot pass: the published source lacks what it needs",
    "adapter": "the adapter cannot say it",
}


@dataclass(frozen=True)
class Difference:
    """Tests that fail for one reason."""

    kind: str
    reason: str
    tests: tuple[str, ...]


def group_of(test: str) -> str:
    """Return the file of a test, such as `security.test_auth_ldap`."""
    # A test may be in a class or not.
    return ".".join(takewhile(lambda part: not part[0].isupper(), test.split(".")[:-1]))


def totals() -> dict[str, int]:
    """Return how many tests there are, by file."""
    found: dict[str, int] = _read()["totals"]
    return found


def load() -> list[Difference]:
    """Return the differences; raises ValueError if a test is named twice, or of a file that is not known."""
    found = [Difference(each["kind"], each["reason"], tuple(each["tests"])) for each in _read()["differences"]]
    names = Counter(test for each in found for test in each.tests)
    wrong = [name for name, count in names.items() if count > 1 or group_of(name) not in totals()]
    wrong += [each.kind for each in found if each.kind not in KINDS]
    if wrong:
        raise ValueError(f"{FILE.name}: {', '.join(wrong)}")
    return found


def document() -> str:
    """Return docs/fab_suite.md."""
    differences = load()
    by_group = Counter((group_of(test), each.kind) for each in differences for test in each.tests)
    lines = [
        "# Flask-AppBuilder's own tests, run on our bases",
        "",
        "`make fab-suite` takes the published source of Flask-AppBuilder 5.3.0, and runs its tests with our views, APIs, data",
        "models, security manager and templates in the place of Flask-AppBuilder's. It fails when a test that passed does not",
        "any more, and when one that is listed below passes. An adapter (`tests/upstream/fab_suite/adapter.py`) declares what",
        "our bases ask for (titles, labels, orders, keys of remote selects, hosts) and translates what has another form: unsafe GETs",
        "are sent as POST, 303 and 422 of pages are read as 302 and 200, the errors of fields in an API as its message, and",
        "some sentences as Flask-AppBuilder's. What such a test checks has to be there all the same. The suite's passwords",
        "(“password”), usernames and addresses are let through: their rules have tests of their own. Files that tests read",
        "and the published source lacks are supplied in our words.",
        "",
        f"| tests | all | pass | {' | '.join(KINDS.values())} |",
        "|---|---:|---:|" + "---:|" * len(KINDS),
    ]
    lines += [
        _row(f"`{group}`", total, {kind: by_group[group, kind] for kind in KINDS}) for group, total in totals().items()
    ]
    sums = {kind: sum(count for (_group, each), count in by_group.items() if each == kind) for kind in KINDS}
    lines.append(_row("all", sum(totals().values()), sums))
    for kind, title in KINDS.items():
        chosen = [each for each in differences if each.kind == kind]
        if chosen:
            lines += ["", f"## What {title}", "", "| tests | why |", "|---|---|"]
        for each in sorted(chosen, key=lambda each: -len(each.tests)):
            lines.append(f"| {_named(each.tests)} | {each.reason} |")
    return "\n".join(lines) + "\n"


def _row(title: str, total: int, counts: Mapping[str, int]) -> str:
    passed = total - sum(counts.values())
    return f"| {title} | {total} | {passed} | {' | '.join(str(count or '') for count in counts.values())} |"


def _named(tests: tuple[str, ...]) -> str:
    """Return the names of a few tests, or how many there are of each file."""
    if len(tests) <= 3:
        return ", ".join(f"`{test.rpartition('.')[2]}`" for test in tests)
    counts = Counter(map(group_of, tests))
    return ", ".join(f"{count} of `{group}`" for group, count in counts.items())


def _read() -> dict[str, dict[str, int] | list[dict[str, object]]]:
    return tomllib.loads(FILE.read_text("utf-8"))
