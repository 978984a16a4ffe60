"""Virtual environments with locked packages, and older commits of ours, in the cache folder."""

import hashlib
import subprocess
import sys
from pathlib import Path

import config

REQUIREMENTS = Path(__file__).parent / "peers" / "requirements"
INSTALL = ("-m", "uv", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes")


def python_of(cache: Path, *locks: Path) -> Path:
    """Return the Python of an environment that has what `locks` say; it is made unless there is one."""
    digest = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks) + sys.version.encode()).hexdigest()[:12]
    folder = cache / "environments" / f"{locks[-1].stem}-{digest}"
    python, complete = folder / "bin" / "python", folder / "complete"
    if not complete.exists():
        print(f"Installing {' and '.join(lock.name for lock in locks)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        for lock in locks:
            subprocess.run([sys.executable, *INSTALL, "--python", python, "--requirement", lock], check=True)
        complete.touch()
    return python


def python_of_peer(cache: Path, name: str) -> Path:
    """Return the Python of a peer."""
    return python_of(cache, REQUIREMENTS / f"{name}.txt")


def python_of_ours(cache: Path, tree: Path) -> Path:
    """Return the Python of ours: what the tree has locked, and gunicorn. Trees with the same lock share it."""
    return python_of(cache, tree / "requirements.txt", REQUIREMENTS / "gunicorn.txt")


def tree_of(cache: Path, revision: str) -> Path:
    """Return a folder with the files of a commit."""
    git = ("git", "-C", str(config.ROOT))
    commit = subprocess.run(
        [*git, "rev-parse", "--verify", f"{revision}^{{commit}}"], check=True, capture_output=True, text=True
    ).stdout.strip()
    folder = cache / "commits" / commit[:12]
    if not folder.exists():
        folder.mkdir(parents=True)
        packed = subprocess.run([*git, "archive", commit], check=True, capture_output=True).stdout
        subprocess.run(["tar", "--extract", "--directory", folder], input=packed, check=True)
    return folder
