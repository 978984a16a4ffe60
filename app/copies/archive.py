"""The file of a backup: a tar.gz with the database, the files of rows, the secret key, and a manifest as its last member."""

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, Self

import click

FORMAT = 1
MANIFEST, DATABASE, SECRET_KEY = "manifest.json", "database", "secret_key"
# The files of rows, in the folders UPLOAD_FOLDER and IMG_UPLOAD_FOLDER.
UPLOADS, IMAGES = "uploads", "images"
COMPRESSION = 6
BLOCK = 1024 * 1024
# The first bytes of a file that age has encrypted.
ENCRYPTED = b"age-encryption.org/"


class CopyError(click.ClickException):
    """A backup or a restoration is not possible; the message says why and what to do."""


@dataclass(frozen=True)
class Part:
    """A file of a backup."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What is in a backup, and where it comes from."""

    created_at: str
    site: str
    version: str
    database: str
    database_version: str
    # The revisions in each of Alembic's tables: that of the site, and one for each plug-in.
    schema: dict[str, list[str]]
    rows: dict[str, int]
    parts: dict[str, Part] = field(default_factory=dict)
    format: int = FORMAT

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Return the manifest; raises CopyError for another format."""
        facts: dict[str, Any] = json.loads(text)
        if facts.get("format") != FORMAT:
            raise CopyError("This backup was written by a newer version of DinnerParty. Install that version first.")
        parts = {name: Part(**part) for name, part in facts.pop("parts").items()}
        return cls(**facts, parts=parts)


class Writer:
    """Writes a backup to `file`."""

    def __init__(self, file: IO[bytes], stopped: Callable[[], bool]) -> None:
        self.parts: dict[str, Part] = {}
        self._stopped = stopped
        self._gzip = gzip.GzipFile(fileobj=file, mode="wb", compresslevel=COMPRESSION, filename="")
        self._tar = tarfile.open(fileobj=self._gzip, mode="w|")  # noqa: SIM115 - closed by `finish`

    def add(self, name: str, path: Path) -> None:
        """Add a file; nothing if it was deleted meanwhile."""
        refuse_if(self._stopped())
        try:
            source = path.open("rb")
        except FileNotFoundError:
            return
        with source:
            status = os.fstat(source.fileno())
            hashed = _Hashed(source)
            self._add(name, hashed, status.st_size, status.st_mtime)
        self.parts[name] = Part(status.st_size, hashed.sha256)

    def add_text(self, name: str, text: str) -> None:
        """Add a file with an ASCII text."""
        content = text.encode("ascii")
        self._add_bytes(name, content)
        self.parts[name] = Part(len(content), hashlib.sha256(content).hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """Add the manifest, and end the file."""
        self._add_bytes(MANIFEST, manifest.to_json())
        self._tar.close()
        self._gzip.close()

    def _add_bytes(self, name: str, content: bytes) -> None:
        self._add(name, io.BytesIO(content), len(content), time.time())

    def _add(self, name: str, source: Any, size: int, modified: float) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = size, int(modified), 0o600
        self._tar.addfile(member, source)


class _Hashed:
    """A file that hashes what is read from it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self._hash.update(content)
        return content

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def refuse_if(stopped: bool) -> None:  # noqa: FBT001
    if stopped:
        raise CopyError("Stopped before the backup was complete.")


def unpack(stream: IO[bytes], folder: Path) -> Manifest:
    """Write the parts of a backup into `folder`, and return its manifest; raises CopyError if anything differs from it."""
    begin = stream.read(len(ENCRYPTED))
    if begin == ENCRYPTED:
        raise CopyError("This backup is encrypted: age --decrypt --identity KEY FILE | flask restore -")
    try:
        found = _unpack(_Begun(begin, stream), folder)
        manifest = Manifest.from_json((folder / MANIFEST).read_bytes())
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CopyError(f"This is no backup, or not all of it ({error}).") from error
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CopyError("This is no backup of DinnerParty, or not all of it: it has no manifest.") from error
    del found[MANIFEST]
    for name in sorted(found.keys() | manifest.parts.keys()):
        if found.get(name) != manifest.parts.get(name):
            raise CopyError(f"The backup is damaged: {name} is not what its manifest says.")
    if not {DATABASE, SECRET_KEY} <= found.keys():
        raise CopyError("The backup is damaged: it has no database or no secret key.")
    return manifest


class _Begun:
    """A file from which the beginning was read already; it may be a pipe."""

    def __init__(self, begin: bytes, file: IO[bytes]) -> None:
        self._begin = begin
        self._file = file

    def read(self, size: int = -1) -> bytes:
        end = size if size >= 0 else len(self._begin)
        begin, self._begin = self._begin[:end], self._begin[end:]
        return begin or self._file.read(size)


def _unpack(stream: Any, folder: Path) -> dict[str, Part]:
    found = {}
    with gzip.GzipFile(fileobj=stream) as plain:
        with tarfile.open(fileobj=plain, mode="r|") as tar:
            for member in tar:
                target = folder / _safe(member)
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                source = tar.extractfile(member)
                assert source is not None  # noqa: S101 - it is a regular file
                hashed = _Hashed(source)
                with target.open("xb") as file:
                    shutil.copyfileobj(hashed, file, BLOCK)
                found[member.name] = Part(member.size, hashed.sha256)
        # The checksum of gzip is at its end.
        while plain.read(BLOCK):
            pass
    return found


def _safe(member: tarfile.TarInfo) -> PurePosixPath:
    path = PurePosixPath(member.name)
    if not member.isfile() or path.is_absolute() or ".." in path.parts:
        raise tarfile.ReadError(f"unexpected member {member.name!r}")
    return path
