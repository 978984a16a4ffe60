"""`flask doctor` on the machine: what real files and disks look like to it."""

import tempfile
from pathlib import Path

import pytest

from app import doctor
from app.doctor import Level


def findings(app, name):
    with app.app_context():
        return [(finding.level, finding.text) for finding in doctor.CHECKS[name].findings()]


@pytest.mark.parametrize(
    ("mode", "folder_mode", "found"),
    [
        (0o600, 0o755, ""),
        (0o644, 0o755, "can be read by every user"),
        (0o646, 0o755, "can be changed"),
        (0o644, 0o700, ""),
    ],
)
def test_a_secret_that_others_can_read_is_an_error(app, monkeypatch, mode, folder_mode, found):
    with tempfile.TemporaryDirectory() as name:
        monkeypatch.setitem(app.config, "INSTANCE_PATH", name)
        path = Path(name) / "secret_key"
        path.touch()
        path.chmod(mode)
        path.parent.chmod(folder_mode)
        assert [(level, found in text) for level, text in findings(app, "permissions")] == (
            [(Level.ERROR, True)] if found else []
        )
