"""A parser of XML that reads no more than it has to: no entities of the file, no parts that unpack without an end."""

import zipfile
import zlib
from collections.abc import Iterator
from typing import Protocol
from xml.parsers import expat

from .tables import Refusal, RefusedError

MAX_PART = 16 * 1024 * 1024
CHUNK = 64 * 1024


class Handler(Protocol):
    """What is called for the elements of a file; names and attributes are without their prefixes."""

    def start(self, name: str, attributes: dict[str, str]) -> None: ...
    def end(self, name: str) -> None: ...
    def text(self, data: str) -> None: ...


def parse(chunks: Iterator[bytes], handler: Handler) -> None:
    """Feed a file to the handler. Raises RefusedError if it is damaged, or declares entities."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, given: handler.start(
        _local(name), {_local(k): v for k, v in given.items()}
    )
    parser.EndElementHandler = lambda name: handler.end(_local(name))
    parser.CharacterDataHandler = handler.text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)  # noqa: FBT003 - expat's signature
        parser.Parse(b"", True)  # noqa: FBT003
    except expat.ExpatError as error:
        raise RefusedError(Refusal.DAMAGED) from error


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _refuse(*_arguments: object) -> None:
    raise RefusedError(Refusal.UNKNOWN)


def pieces(data: bytes) -> Iterator[bytes]:
    """Yield the pieces of a file."""
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


def part(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """Yield the pieces of a part of an archive, whatever size it claims to have."""
    size = 0
    try:
        with archive.open(name) as stream:
            while chunk := stream.read(CHUNK):
                size += len(chunk)
                if size > MAX_PART:
                    raise RefusedError(Refusal.TOO_SLOW)
                yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise RefusedError(Refusal.DAMAGED) from error
