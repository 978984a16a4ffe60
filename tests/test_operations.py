"""docs/operations.md: what it names is there. That its commands work is seen by `make deploy-tests`."""

import re

import pytest

from config import NAMES, ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
DEPLOY = ROOT / "deploy"


def table(title):
    """Return the rows of the table below a title."""
    section = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_each_outcome_names_tests_that_exist():
    rows = table("Faults and outcomes")
    assert len(rows) > 15
    for fault, outcome, tests in rows:
        named = re.findall(r"`([^`]+)::(\w+)`", tests)
        assert fault
        assert outcome
        assert named, fault
        for path, name in named:
            assert f"\ndef {name}(" in (ROOT / path).read_text("utf-8"), f"{path} has no {name}"


def test_the_settings_and_files_that_it_names_exist():
    for name, _why in table("Settings that matter"):
        assert name.strip("`") in NAMES
    for path in re.findall(r"\]\(\.\./([^)#]+)|(?<!/)\b(deploy/[\w./*-]+[\w*])", PAGE):
        assert list(ROOT.glob("".join(path))), path


@pytest.mark.parametrize("name", ["systemd/environment", "compose.yaml"])
def test_the_settings_in_the_files_exist(name):
    names = set(re.findall(r"^\s*#?([A-Z][A-Z_]+)[=:]", (DEPLOY / name).read_text("utf-8"), re.MULTILINE))
    assert "PUBLIC_URL" in names
    of_others = {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_INITDB_ARGS", "SITE_ADDRESS", "SITE_UPSTREAM"}
    assert names - of_others <= NAMES


def test_every_file_is_in_use():
    """Each is named by the page, or is tried by a test that names it."""
    tried = "".join(path.read_text("utf-8") for path in (ROOT / "tests" / "deploy").glob("*.py"))
    for path in DEPLOY.rglob("*"):
        # A unit reads the folder of its name by itself, and Docker the file beside its own.
        if path.is_file() and not path.match("*.service.d/*") and path.suffix != ".dockerignore":
            assert path.name in PAGE + tried, path
