"""Run Flask-AppBuilder's own tests on our bases, and compare what fails with `differences.toml`: `make fab-suite`.

The source of Flask-AppBuilder and the packages of its tests are downloaded into a temporary folder; nothing of them is
kept. Each file of tests runs in a process and on a database of its own. `make fab-suite ARGS="test_mvc test_menu"` runs
some of the files.
"""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

import config
from tests.upstream.fab_suite import differences

HERE = Path(__file__).parent
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
HASHED = ["--quiet", "--no-deps", "--require-hashes", "--requirement"]
SECONDS = 3600
# Files that tests read and the published source does not have, in our words.
ROLES = [
    {"name": "Cook", "permissions": [["can_list", "GroupModelView"], ["can_show", "GroupModelView"]]},
    {"name": "Taster", "permissions": [["can_list", "RoleModelView"]]},
]
SUPPLIED = {
    "config_security_cli.py": "from tests.config_security import *  # noqa: F403\n\n"
    f"FAB_ROLES = { {role['name']: [pair[::-1] for pair in role['permissions']] for role in ROLES} }\n",
    "data/roles.json": json.dumps(
        [
            {
                "name": role["name"],
                "permissions": [
                    {"permission": {"name": name}, "view_menu": {"name": view}} for name, view in role["permissions"]
                ],
            }
            for role in ROLES
        ]
    ),
    "templates/custom_index.html": "<!doctype html><title>Index</title><p>This is a custom index view.</p>\n",
}
PROCESSES = min(os.cpu_count() or 1, 4)


def main(chosen: list[str]) -> int:
    """Run the tests; return 1 when something else fails than the list says."""
    with tempfile.TemporaryDirectory(prefix="fab_suite_") as name:
        folder = Path(name)
        _fetch(folder)
        groups = [group for group in differences.totals() if not chosen or group.rpartition(".")[2] in chosen]
        # The longest first.
        groups.sort(key=lambda group: -differences.totals()[group])
        with ThreadPoolExecutor(PROCESSES) as threads:
            results = dict(zip(groups, threads.map(lambda group: _run(folder, group), groups), strict=True))
    return _report(results)


def _fetch(folder: Path) -> None:
    """Put the tests and what they need into `folder`."""
    subprocess.run(
        [*PIP, "download", "--no-binary", "flask-appbuilder", "--dest", str(folder), *HASHED, str(HERE / "suite.txt")],
        check=True,
    )
    subprocess.run(
        [*PIP, "install", "--target", str(folder / "packages"), *HASHED, str(HERE / "packages.txt")], check=True
    )
    (source,) = folder.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(folder / "source", filter="data")
    (tests,) = (folder / "source").glob("*/tests")
    # Without Flask-AppBuilder beside it, which is installed.
    tests.rename(folder / "tests")
    for name, text in SUPPLIED.items():
        path = folder / "tests" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")


def _run(folder: Path, group: str) -> dict[str, bool]:
    """Run the tests of one file; return whether each has passed."""
    report, database = folder / f"{group}.xml", folder / f"{group}.db"
    path = [folder, folder / "packages", config.ROOT, HERE]
    environ = {name: value for name, value in os.environ.items() if name not in config.NAMES}
    environ |= {"PYTHONPATH": os.pathsep.join(map(str, path)), "SQLALCHEMY_DATABASE_URI": f"sqlite:///{database}"}
    plugins = [
        "-p",
        "adapter",
        *(word for name in ("cacheprovider", "randomly", "xdist") for word in ("-p", f"no:{name}")),
    ]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        os.devnull,
        "--rootdir",
        str(folder),
        *plugins,
        "--junitxml",
        str(report),
    ]
    tests = folder / "tests" / f"{group.replace('.', '/')}.py"
    done = subprocess.run(
        [*command, "--quiet", "--tb=short", "-W", "ignore", str(tests)],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    found = read(report) if report.exists() else {}
    click.echo(f"{group}: {sum(found.values())} of {len(found)} passed")
    if _wrong(group, found):
        click.echo(done.stdout + done.stderr, err=True)
    return found


def read(report: Path) -> dict[str, bool]:
    """Return whether each test of a report of pytest has passed, also when it was taken down."""
    found: dict[str, bool] = {}
    # The report is of the process above.
    for case in ET.parse(report).iter("testcase"):  # noqa: S314
        name = f"{case.get('classname', '').removeprefix('tests.')}.{case.get('name')}"
        passed = case.find("failure") is None and case.find("error") is None
        found[name] = passed and found.get(name, True)
    return found


def unexpected(found: Mapping[str, bool], listed: AbstractSet[str], total: int) -> list[str]:
    """Return what is not as the list says, of tests of which there are `total`."""
    wrong = [f"{name} should pass" for name, passed in found.items() if not passed and name not in listed]
    wrong += [f"{name} passes, and is listed as different" for name in sorted(listed) if found.get(name)]
    wrong += [f"{name} is listed, and was not run" for name in sorted(listed - found.keys())]
    if len(found) != total:
        wrong.append(f"{len(found)} tests ran, and not {total}")
    return wrong


def _wrong(group: str, found: Mapping[str, bool]) -> list[str]:
    listed = {test for each in differences.load() for test in each.tests if differences.group_of(test) == group}
    return [f"{group}: {line}" for line in unexpected(found, listed, differences.totals()[group])]


def _report(results: dict[str, dict[str, bool]]) -> int:
    passed = sum(sum(found.values()) for found in results.values())
    failed = {name for found in results.values() for name, each in found.items() if not each}
    click.echo(f"\n{passed} passed, {len(failed)} failed")
    for each in differences.load():
        count = len(failed.intersection(each.tests))
        if count:
            click.echo(f"{count:4} {differences.KINDS[each.kind]}: {each.reason}")
    wrong = [line for group, found in results.items() for line in _wrong(group, found)]
    for line in wrong:
        click.echo(f"NOT AS LISTED: {line}", err=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
