"""Checks of the machine: its files and its disk."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from flask import current_app

from app.doctor import Finding, check, error
from app.extensions import db

OTHERS = stat.S_IRWXO


@check("permissions", quick=True)
def permissions() -> Iterator[Finding]:
    """Find files with secrets that others can read."""
    for path in _private():
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            continue
        if not os.access(path, os.R_OK):
            yield error(f"{path} cannot be read by this user.", f"Give it to the user of the site: chown USER {path}")
        elif mode & OTHERS and not _is_shielded(path):
            what = "changed" if mode & stat.S_IWOTH else "read"
            yield error(f"{path} can be {what} by every user of this machine.", f"chmod o= {path}")


def _private() -> list[Path]:
    """Return the files that contain secrets or personal data."""
    instance = Path(current_app.config["INSTANCE_PATH"])
    paths = [instance / name for name in ("secret_key", "config.toml", "config.py")]
    url = db.engine.url
    if url.get_backend_name() == "sqlite":
        paths += [Path(f"{url.database}{suffix}") for suffix in ("", "-wal", "-shm")]
    return paths


def _is_shielded(path: Path) -> bool:
    """Whether others cannot enter a folder above `path`."""
    return any(not folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)
