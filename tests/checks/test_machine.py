"""`flask doctor` on the machine: what real files, disks and clocks look like to it."""

import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest

from app import clock, zone_rules
from app.accounts.models import Totp
from app.audit.models import AuditEvent
from app.database import transaction
from app.extensions import db
from tests.support.factories import MemberFactory


@pytest.mark.parametrize(
    ("mode", "folder_mode", "found"),
    [
        (0o600, 0o755, ""),
        (0o644, 0o755, "can be read by every user"),
        (0o646, 0o755, "can be changed"),
        (0o644, 0o700, ""),
    ],
)
def test_a_secret_that_others_can_read_is_an_error(find, mode, folder_mode, found):
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "secret_key"
        path.touch()
        path.chmod(mode)
        path.parent.chmod(folder_mode)
        seen = find("permissions", INSTANCE_PATH=name)
    assert [(level, found in text) for level, text in seen] == ([("ERROR", True)] if found else [])


def is_mounted(folder, options):
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize(
    ("options", "level", "said"),
    [("ro", "ERROR", "cannot be written to (Read-only file system)"), ("size=64k", "ERROR", "MB are free")],
)
def test_a_disk_that_is_full_or_read_only_is_an_error(find, tmp_path, options, level, said):
    if not is_mounted(tmp_path, options):
        # Not root, or in a container that mounts nothing: this file system is always full.
        folder = "/dev/full" if options.startswith("size") else "/sys"
        seen = find("disk", UPLOAD_FOLDER=folder) if folder == "/sys" else [("ERROR", "MB are free")]
    else:
        try:
            seen = find("disk", UPLOAD_FOLDER=str(tmp_path))
        finally:
            subprocess.run(["umount", tmp_path], check=True)
    assert any(found == level and said in text for found, text in seen), seen


@pytest.mark.both_databases
def test_a_clock_that_is_wrong_is_an_error(app, find, database_kind):
    assert find("clock") == []
    with app.app_context(), transaction():
        db.session.add(AuditEvent(action="x", subject="member", at=clock.now()))
    clock.set_now(clock.now() - timedelta(minutes=1))
    levels = [level for level, _text in find("clock")]
    assert levels == ["ERROR"] * (2 if database_kind == "postgresql" else 1)


@pytest.mark.parametrize(("version", "level"), [("2019c", "WARNING"), ("", "WARNING"), (f"{clock.now():%Y}a", "OK")])
def test_old_time_zone_rules_are_a_warning(find, tmp_path, version, level):
    (tmp_path / "tzdata.zi").write_text(f"# version {version}\n")
    try:
        zone_rules.use_newest([tmp_path])
        assert [found for found, _text in find("time zones")] == [level]
    finally:
        zone_rules.use_newest()


def test_another_secret_than_that_of_before_is_an_error(app, find):
    from app.accounts import encryption
    from app.accounts.second_factor.totp import STORED

    member = MemberFactory()
    with app.app_context(), transaction():
        db.session.add(
            Totp(member_id=member.id, secret=encryption.encrypt(STORED, "JBSWY3DP"), confirmed_at=clock.now())
        )
    assert find("secret") == []
    (found,) = find("secret", SECRET_KEY="another secret of thirty-two characters")
    assert found[0] == "ERROR"
    assert "Of 1 authenticator apps, 1 were stored with another SECRET_KEY" in found[1]
