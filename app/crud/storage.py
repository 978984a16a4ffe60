"""Where files are kept: a folder of this machine, or one of a bucket of S3-compatible storage, `s3://bucket/folder`.

A bucket needs the package boto3, which finds credentials and the address of the storage as everywhere: in the variables
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL_S3, or in its own files.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

BUCKET = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/?(?P<folder>.*)")
SCHEME = "s3:"
MISSING = frozenset({"404", "NoSuchKey", "NotFound"})

log = logging.getLogger(__name__)


class Storage(Protocol):
    """Files by their names, in which a slash separates folders. Raises OSError when it cannot be reached."""

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None if there is none."""

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""

    def write(self, name: str, content: bytes) -> None:
        """Store a file."""

    def move(self, name: str, target: str) -> bool:
        """Give a file another name. Return False if there is none."""

    def delete(self, name: str) -> bool:
        """Delete a file. Return False if there is none."""

    def older_than(self, folder: str, moment: float) -> Iterator[str]:
        """Yield the names of the files in a folder that were written before a moment (seconds since 1970)."""


class Folder:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, name: str) -> bytes | None:
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError:
            return None

    def has(self, name: str) -> bool:
        return (self._path / name).is_file()

    def write(self, name: str, content: bytes) -> None:
        path = self._path / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(content)

    def move(self, name: str, target: str) -> bool:
        try:
            (self._path / name).replace(self._path / target)
        except FileNotFoundError:
            return False
        return True

    def delete(self, name: str) -> bool:
        try:
            (self._path / name).unlink()
        except FileNotFoundError:
            return False
        return True

    def older_than(self, folder: str, moment: float) -> Iterator[str]:
        for path in (self._path / folder).glob("*"):
            # Another process may delete it first.
            try:
                is_old = path.stat().st_mtime < moment
            except FileNotFoundError:
                continue
            if is_old:
                yield f"{folder}/{path.name}"


class Bucket:
    """A folder of a bucket."""

    def __init__(self, bucket: str, folder: str) -> None:
        self._bucket, self._prefix = bucket, f"{folder.strip('/')}/" if folder.strip("/") else ""
        config: Any = import_module("botocore.config")
        # Others than Amazon's do not know the checksums that are sent by default.
        checksums = dict.fromkeys(("request_checksum_calculation", "response_checksum_validation"), "when_required")
        self._client = import_module("boto3").client(
            "s3", config=config.Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 2}, **checksums)
        )

    def _of(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + name}

    def read(self, name: str) -> bytes | None:
        with _errors():
            answer = _unless_missing(self._client.get_object, **self._of(name))
            content: bytes | None = answer and answer["Body"].read()
            return content

    def has(self, name: str) -> bool:
        with _errors():
            return _unless_missing(self._client.head_object, **self._of(name)) is not None

    def write(self, name: str, content: bytes) -> None:
        with _errors():
            self._client.put_object(**self._of(name), Body=content)

    def move(self, name: str, target: str) -> bool:
        with _errors():
            copied = _unless_missing(self._client.copy_object, **self._of(target), CopySource=self._of(name))
            if copied is not None:
                self._client.delete_object(**self._of(name))
            return copied is not None

    def delete(self, name: str) -> bool:
        if not self.has(name):
            return False
        with _errors():
            self._client.delete_object(**self._of(name))
        return True

    def older_than(self, folder: str, moment: float) -> Iterator[str]:
        with _errors():
            pages = self._client.get_paginator("list_objects_v2")
            found = pages.paginate(Bucket=self._bucket, Prefix=f"{self._prefix}{folder}/")
            for each in [each for page in found for each in page.get("Contents", ())]:
                if each["LastModified"].timestamp() < moment:
                    yield each["Key"].removeprefix(self._prefix)


def _unless_missing(ask: Any, **arguments: Any) -> Any:
    """Return the answer, or None for a file that is not there."""
    exceptions: Any = import_module("botocore.exceptions")
    try:
        return ask(**arguments)
    except exceptions.ClientError as error:
        if error.response.get("Error", {}).get("Code") in MISSING:
            return None
        raise


@contextmanager
def _errors() -> Iterator[None]:
    exceptions: Any = import_module("botocore.exceptions")
    try:
        yield
    except (exceptions.ClientError, exceptions.BotoCoreError) as error:
        msg = f"The storage of files cannot be used: {error}"
        raise OSError(msg) from error


@cache
def at(location: str) -> Storage:
    """Return the storage at a path or address. One is made for each process."""
    match = BUCKET.fullmatch(location)
    return Bucket(match["bucket"], match["folder"]) if match else Folder(Path(location))


def problem(location: str) -> str | None:
    """Return why files cannot be kept at a path or address, or None."""
    if not location.startswith(SCHEME):
        return None
    if not BUCKET.fullmatch(location):
        return "must look like s3://bucket/folder"
    return None if find_spec("boto3") else "is in S3-compatible storage: install the package boto3"
