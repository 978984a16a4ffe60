"""`kill -9` in the middle of a backup or a restoration."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import config
from app.accounts.models import Member
from app.copies.archive import unpack
from tests.support import THOROUGH, postgres
from tests.support.processes import run_flask

pytestmark = pytest.mark.slow
KILLS = 1000 if THOROUGH else 8


@pytest.mark.parametrize("what", ["backup", "restore"])
def test_a_copy_of_sqlite_that_is_killed_at_any_moment_is_whole_or_not_there(
    flask, files, rows, database, records, tmp_path, what
):
    members, site, copies = str(records.count(Member)), tmp_path / "site", tmp_path / "copies"
    copies.mkdir()
    file = Path(database.url.removeprefix("sqlite:///"))
    assert flask("backup", copies / "copy.tar.gz").exit_code == 0
    database.close()
    for suffix in ("", "-wal"):
        if Path(f"{file}{suffix}").exists():
            (site / f"dinner.db{suffix}").write_bytes(Path(f"{file}{suffix}").read_bytes())
    environ = {**os.environ, "INSTANCE_PATH": str(site), "DATABASE_URL": f"sqlite:///{site / 'dinner.db'}"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.copies.killed", what, copies / "copy.tar.gz", str(KILLS)],
        cwd=config.ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(seen) >= KILLS // 2
    full = "whole" if what == "backup" else members
    assert {each["after"] for each in seen} <= {"none", full}
    for each in seen:
        assert bool(each["again"]) == (each["after"] == full), each
        assert each["then"] == full
        # What the killed process left is removed, unless there was nothing to do any more.
        assert each["left"] == [] or each["again"]


@pytest.mark.postgresql
@pytest.mark.parametrize("what", ["backup", "restore"])
def test_a_copy_of_postgresql_that_is_killed_in_the_middle_leaves_no_half(
    app, flask, files, rows, database, records, tmp_path, what
):
    """A program in the place of pg_dump or psql kills the command that has started it, and goes on."""
    members, copies, archive = records.count(Member), tmp_path / "copies", tmp_path / "copies" / "copy.tar.gz"
    copies.mkdir()
    assert flask("backup", archive).exit_code == 0
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("pg_dump", "psql"):
        path = programs / name
        real = postgres.programs() / name
        path.write_text(f'#!/bin/sh\ncase $1 in --version) ;; *) kill -9 $PPID;; esac\nexec {real} "$@"\n')
        path.chmod(0o700)
    environ = {"DATABASE_URL": database.url, "INSTANCE_PATH": str(tmp_path / "site"), "POSTGRES_BIN": str(programs)}
    if what == "backup":
        archive.unlink()
    else:
        database.empty()
    killed = run_flask("--app", "app", what, str(archive), environ=environ)
    assert killed.returncode == -9, killed.stderr
    if what == "backup":
        assert not archive.exists()
    done = flask(what, archive)
    assert done.exit_code == 0, done.output
    assert records.count(Member) == members
    (tmp_path / "unpacked").mkdir()
    with archive.open("rb") as stream:
        unpack(stream, tmp_path / "unpacked")
    assert [path.name for path in copies.iterdir()] == ["copy.tar.gz"]
