"""The files of a site, and folders for what is not complete yet."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from flask import current_app

from app.copies.archive import IMAGES, UPLOADS

# A folder for what is not complete yet. It is locked, so that those of killed processes are known.
WORKSPACE = ".dinnerparty-"


def upload_folders() -> dict[str, Path]:
    return {
        UPLOADS: Path(current_app.config["UPLOAD_FOLDER"]).absolute(),
        IMAGES: Path(current_app.config["IMG_UPLOAD_FOLDER"]).absolute(),
    }


@contextlib.contextmanager
def workspace(parent: Path) -> Iterator[Path]:
    """Return a folder in `parent` that only this user can enter, and remove it in the end, also those of killed processes."""
    for left in parent.glob(f"{WORKSPACE}*/"):
        with contextlib.suppress(OSError), _locked(left) as is_mine:
            if is_mine:
                shutil.rmtree(left)
    folder = Path(tempfile.mkdtemp(prefix=WORKSPACE, dir=parent))
    with _locked(folder):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Lock a folder, and return whether that was possible."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield locks(opened)
    finally:
        os.close(opened)


def locks(opened: int) -> bool:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def synchronize(path: Path) -> None:
    """Have a file, or the names in a folder, survive a power cut."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
