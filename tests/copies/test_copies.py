"""`flask backup` and `flask restore`: what comes back is what was there, or nothing was touched."""

import fcntl
import io
import sqlite3
import stat
import subprocess
import sys
import tarfile
from datetime import timedelta
from pathlib import Path

import pyrage
import pytest

from app import clock
from app.copies import restoration, service
from app.copies.archive import MANIFEST, CopyError, unpack
from app.outbox.models import EmailState, OutboxEmail
from tests.support.factories import PASSWORD
from tests.support.migrations import revisions

HEAD = revisions()[-1]


@pytest.fixture
def copied(flask, rows, files, tmp_path):
    """A backup of the site."""
    target = tmp_path / "copy.tar.gz"
    done = flask("backup", target)
    assert done.exit_code == 0, done.output
    return target


def remove(files):
    for path in files:
        path.unlink()


# -- there and back


@pytest.mark.both_databases
def test_a_restored_site_has_all_rows_files_and_the_secret(
    app, flask, copied, files, records, database, tmp_path, visitor, cast
):
    before, secret = records.dump(), app.config["SECRET_KEY"]
    database.empty()
    remove(files)
    # As on a new machine, which has made a secret of its own.
    (tmp_path / "site" / "secret_key").write_text("another secret of thirty-two characters")
    app.config["SECRET_KEY"] = "another secret of thirty-two characters"
    done = flask("restore", copied, "--send-emails")
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "The database is up to date."), done.output
    assert records.dump() == before
    assert {path: path.read_bytes() for path in files} == files
    assert (tmp_path / "site" / "secret_key").read_text() == app.config["SECRET_KEY"] == secret
    assert stat.S_IMODE((tmp_path / "site" / "secret_key").stat().st_mode) == 0o600
    visitor.log_in("host", PASSWORD)


@pytest.mark.both_databases
def test_what_waited_is_held_back_for_it_may_have_been_sent_since(flask, copied, rows, records, database):
    database.empty()
    done = flask("restore", copied)
    assert done.exit_code == 0, done.output
    email = records.one(OutboxEmail)
    assert (email.state, email.last_error) == (EmailState.FAILED, restoration.HELD)


@pytest.mark.both_databases
@pytest.mark.parametrize("revision", ["0012"])
def test_an_older_schema_is_brought_up_to_date(app, flask, database, records, tmp_path, revision):
    before = records.dump()
    database.empty()
    assert flask("db", "upgrade", revision).exit_code == 0
    assert flask("backup", tmp_path / "old.tar.gz").exit_code == 0
    database.empty()
    done = flask("restore", tmp_path / "old.tar.gz")
    assert done.exit_code == 0, done.output
    assert f"schema {revision}," in done.output
    assert records.dump().keys() == before.keys()


def test_sqlite_is_copied_as_it_is_at_one_moment_while_another_process_writes(flask, database, tmp_path):
    """Each transaction writes two rows, and all of them are in the log beside the file, which `cp` would leave out."""
    file = Path(database.url.removeprefix("sqlite:///"))
    with subprocess.Popen([sys.executable, "-c", WRITER, file], stdout=subprocess.PIPE) as writing:
        try:
            for number in range(3):
                written = int(writing.stdout.readline())
                target = tmp_path / f"{number}.tar.gz"
                assert flask("backup", target).exit_code == 0
                rows = unpack_in(target, tmp_path / str(number)).rows
                assert rows["first"] == rows["second"] >= written
        finally:
            writing.kill()


WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute("PRAGMA synchronous = OFF")
for table in ("first", "second"):
    connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY)")
number = 0
while True:
    connection.execute("BEGIN IMMEDIATE")
    for table in ("first", "second"):
        connection.execute(f"INSERT INTO {table} DEFAULT VALUES")
    connection.execute("COMMIT")
    number += 1
    if number % 50 == 0:
        print(number, flush=True)
"""


# -- the file


def test_the_file_is_private_and_replaces_none(flask, copied, tmp_path):
    assert stat.S_IMODE(copied.stat().st_mode) == 0o600
    content = copied.read_bytes()
    again = flask("backup", copied)
    assert (again.exit_code, again.output) == (1, f"Error: {copied} exists already.\n")
    assert copied.read_bytes() == content
    assert {path.name for path in tmp_path.iterdir()} == {"copy.tar.gz", "site"}


def test_the_manifest_says_what_is_in_it(copied, tmp_path, records):
    manifest = unpack_in(copied, tmp_path / "unpacked")
    assert manifest.parts.keys() == {"database", "secret_key", "uploads/menu", "images/face", "images/dish"}
    assert manifest.schema == {"alembic_version": [HEAD]}
    assert manifest.rows["letter"] == records.count(OutboxEmail) == 1


def unpack_in(path, folder):
    folder.mkdir()
    with path.open("rb") as stream:
        return unpack(stream, folder)


def repacked(path, change):
    """Return a backup with other members: `change` gets each name and content, and returns the new content, or None."""
    written = io.BytesIO()
    with tarfile.open(path) as source, tarfile.open(fileobj=written, mode="w:gz") as target:
        for member in source:
            content = change(member.name, source.extractfile(member).read())
            if content is not None:
                member.size = len(content)
                target.addfile(member, io.BytesIO(content))
    return written.getvalue()


def edited(name, change):
    return lambda path: repacked(path, lambda found, content: change(content) if found == name else content)


DAMAGE = {
    "cut off": (lambda path: path.read_bytes()[:-200], "not all of it"),
    "not a backup": (lambda _path: b"PK\x03\x04 a zip file", "This is no backup"),
    "another tar": (edited(MANIFEST, lambda _content: None), "it has no manifest"),
    "a manifest of nonsense": (edited(MANIFEST, lambda _content: b"[]"), "it has no manifest"),
    "a newer format": (
        edited(MANIFEST, lambda content: content.replace(b'"format": 1', b'"format": 2')),
        "a newer version of DinnerParty",
    ),
    "another picture": (edited("images/face", lambda content: content[::-1] + b"!"), "images/face is not what its"),
    "a picture less": (edited("images/face", lambda _content: None), "images/face is not what its"),
    "other counts": (
        edited(MANIFEST, lambda content: content.replace(b'"letter": 1', b'"letter": 2')),
        "other numbers of rows",
    ),
    "a newer schema": (
        edited(MANIFEST, lambda content: content.replace(f'"{HEAD}"'.encode(), b'"9999"')),
        "whose schema (9999) is newer than this version",
    ),
    "of PostgreSQL": (
        edited(MANIFEST, lambda content: content.replace(b'"database": "sqlite"', b'"database": "postgresql"')),
        "This is a backup of a postgresql database",
    ),
    "encrypted": (lambda path: b"age-encryption.org/v1\n" + path.read_bytes(), "age --decrypt --identity KEY FILE"),
    "a bit": (lambda path: flipped(path.read_bytes()), "This is no backup, or not all of it"),
}


def flipped(content):
    """Return a backup with one wrong bit in the checksum at its end."""
    return content[:-8] + bytes([content[-8] ^ 1]) + content[-7:]


@pytest.mark.parametrize(("damage", "said"), DAMAGE.values(), ids=DAMAGE)
def test_a_backup_that_is_not_whole_is_refused_before_anything_is_touched(flask, copied, files, database, damage, said):
    damaged = damage(copied)
    database.empty()
    remove(files)
    done = flask("restore", "-", input=damaged)
    assert done.exit_code == 1
    assert said in done.output
    assert len(done.output.splitlines()) == 1
    assert not Path(database.url.removeprefix("sqlite:///")).exists()
    assert not [path for path in files if path.exists()]


@pytest.mark.parametrize("name", ["../outside", "/outside", "uploads/../../outside"])
def test_no_file_leaves_the_folder(tmp_path, name):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo(name))
    packed.seek(0)
    (tmp_path / "in").mkdir()
    with pytest.raises(CopyError, match="unexpected member"):
        unpack(packed, tmp_path / "in")


@pytest.mark.both_databases
def test_a_site_is_never_overwritten(flask, copied, records):
    before = records.dump()
    done = flask("restore", copied)
    assert done.exit_code == 1
    assert "A backup is restored into an empty database only" in done.output
    assert records.dump() == before


def test_a_secret_that_is_set_and_another_one_is_refused(flask, app, copied, database, monkeypatch):
    database.empty()
    monkeypatch.setitem(app.config, "SECRET_KEY", "set in the environment, thirty-two characters")
    done = flask("restore", copied)
    assert done.exit_code == 1
    assert "SECRET_KEY is not that of the backup" in done.output
    assert not Path(database.url.removeprefix("sqlite:///")).exists()


@pytest.mark.parametrize("target", ["missing/copy.tar.gz", "site/secret_key/copy.tar.gz"])
def test_a_folder_that_cannot_be_written_to_is_one_sentence(flask, tmp_path, target):
    done = flask("backup", tmp_path / target)
    assert done.exit_code == 1
    assert "cannot be written" in done.output
    assert len(done.output.splitlines()) == 1


def test_a_damaged_database_is_not_taken_for_a_backup(flask, database, rows, tmp_path):
    database.close()
    file = Path(database.url.removeprefix("sqlite:///"))
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(file.read_bytes())
    content[8192:16384] = b"\xff" * 8192
    file.write_bytes(content)
    done = flask("backup", tmp_path / "copy.tar.gz")
    assert done.exit_code == 1
    assert "Error: The database" in done.output
    assert not (tmp_path / "copy.tar.gz").exists()


# -- PostgreSQL's programs


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'pg_dump (PostgreSQL) 9.6.24'", "pg_dump is version 9. Install postgresql-client-"),
        ("exit 1", "and there is none. Install postgresql-client-"),
        ("case $1 in --version) echo 99.1;; *) echo no room >&2; exit 1;; esac", "pg_dump failed: no room"),
    ],
)
def test_a_program_that_does_not_fit_the_server_is_named(flask, app, tmp_path, monkeypatch, script, said):
    program = tmp_path / "pg_dump"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    monkeypatch.setitem(app.config, "POSTGRES_BIN", str(tmp_path))
    done = flask("backup", tmp_path / "copy.tar.gz")
    assert done.exit_code == 1
    assert said in done.output
    assert {path.name for path in tmp_path.iterdir()} == {"pg_dump", "site"}


@pytest.mark.postgresql
def test_a_dump_that_fails_leaves_the_database_empty(flask, copied, database, tmp_path):
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(edited(MANIFEST, lambda content: content.replace(b'"letter": 1', b'"letter": 2'))(copied))
    database.empty()
    done = flask("restore", broken)
    assert done.exit_code == 1
    assert "could not be restored, and is empty as before: ERROR:  rows are missing" in done.output
    done = flask("restore", copied)
    assert done.exit_code == 0, done.output


# -- encryption


def test_an_encrypted_backup_is_read_with_the_key_only(flask, copied, tmp_path):
    key = pyrage.x25519.Identity.generate()
    done = flask("backup", tmp_path, "--encrypt-to", str(key.to_public()))
    assert done.exit_code == 0, done.output
    (written,) = tmp_path.glob("dinnerparty-*.tar.gz.age")
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    plain = pyrage.decrypt(written.read_bytes(), [key])
    (tmp_path / "plain").mkdir()
    assert unpack(io.BytesIO(plain), tmp_path / "plain").rows["letter"] == 1


def test_a_key_that_is_none_is_refused(flask, tmp_path):
    done = flask("backup", tmp_path / "copy", "--encrypt-to", "my key")
    assert done.exit_code == 1
    assert "A public key looks like age1" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


# -- by the clock


@pytest.fixture
def folder(flask, app, tmp_path, monkeypatch):
    """The folder of scheduled backups; two are kept."""
    monkeypatch.setitem(app.config, "BACKUP_FOLDER", str(tmp_path / "kept"))
    monkeypatch.setitem(app.config, "BACKUP_KEEP", 2)
    return tmp_path / "kept"


def test_a_backup_is_written_when_one_is_due_and_the_oldest_are_deleted(app, folder):
    start = clock.now()
    with app.app_context():
        for hours, is_due in ((0, True), (23, False), (24, True), (47, False), (49, True), (80, True)):
            clock.set_now(start + timedelta(hours=hours))
            assert bool(service.back_up_if_due()) == is_due
            (folder / "notes.txt").touch()
        assert service.newest(folder) == clock.now().replace(microsecond=0)
    assert len(list(folder.glob("dinnerparty-*"))) == 2
    assert (folder / "notes.txt").exists()


def test_one_of_several_workers_writes_the_backup(app, folder):
    folder.mkdir()
    with (folder / service.LOCK).open("w") as lock, app.app_context():
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert service.back_up_if_due() is None
    with app.app_context():
        assert service.back_up_if_due()


def test_a_backup_that_is_stopped_leaves_nothing(app, folder):
    with app.app_context(), pytest.raises(CopyError, match="Stopped"):
        service.back_up_if_due(lambda: True)
    assert [path.name for path in folder.iterdir()] == [service.LOCK]
