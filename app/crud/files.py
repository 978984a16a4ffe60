"""Files of rows: the columns FileColumn and ImageColumn of Flask-AppBuilder.

A column holds a random name and the name that the file was sent with. The path is made of the random one only. A new file
waits in a folder of its own until its row is stored, and a file that a row no longer names is deleted after the commit.
"""

import contextlib
import logging
import re
import secrets
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

from flask import Flask, Response, abort, current_app, request, send_file, url_for
from flask_appbuilder.models.mixins import FileColumn, ImageColumn
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from app.crud import images, storage
from app.crud.storage import Storage
from app.errors import DomainError
from app.extensions import db

# As Flask-AppBuilder separates them: its get_file_original_name works.
VALUE = re.compile(r"(?P<name>[0-9a-f]{32})_sep_(?P<title>.{1,100})", re.DOTALL)
PENDING = "pending"
PENDING_SECONDS = 24 * 3600
MAX_TITLE_LENGTH = 100
# The end of a thumbnail's name, beside its image.
THUMBNAIL = "_thumb"
# The keys of Session.info under which files wait for the end of the transaction.
UNUSED, MOVED = "unused_files", "moved_files"

# Statements with these types can be cached, which Flask-AppBuilder does not say.
FileColumn.cache_ok = ImageColumn.cache_ok = True

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredFile:
    """A file of a row, or one that waits for its row. `title` is the name that it was sent with."""

    name: str
    title: str
    storage: Storage

    @classmethod
    def parse(cls, value: object, *, is_image: bool) -> "StoredFile | None":
        """Return the file that the value of a column names, or None for what names no file."""
        match = VALUE.fullmatch(str(value)) if value else None
        location = current_app.config["IMG_UPLOAD_FOLDER" if is_image else "UPLOAD_FOLDER"]
        return cls(match["name"], match["title"], storage.at(str(location))) if match else None

    @property
    def value(self) -> str:
        return f"{self.name}_sep_{self.title}"

    @property
    def names(self) -> tuple[str, str]:
        """The names of the file and of its thumbnail, if the column has one."""
        return self.name, f"{self.name}{THUMBNAIL}"

    def read(self, *, thumbnail: bool = False) -> bytes | None:
        """Return its content, or that of its thumbnail if it has one; None if the file is not there."""
        small = self.storage.read(self.names[1]) if thumbnail else None
        return small if small is not None else self.storage.read(self.name)

    def is_kept(self) -> bool:
        """Whether the file is there."""
        return self.storage.has(self.name)

    def is_waiting(self) -> bool:
        """Whether the file waits for its row."""
        return self.storage.has(_pending(self.name))

    def use(self) -> None:
        """Move the file from the waiting ones; back, if the transaction is rolled back."""
        with _reachable():
            for name in self.names:
                if self.storage.move(_pending(name), name):
                    db.session().info.setdefault(MOVED, []).append((self.storage, name))


def _pending(name: str) -> str:
    return f"{PENDING}/{name}"


def keep(content: bytes, title: str, *, is_image: bool, thumbnail: bytes | None = None) -> StoredFile:
    """Store a new file among the waiting ones. Raises DomainError when the storage cannot be reached."""
    value = f"{secrets.token_hex(16)}_sep_{clean_title(title)}"
    stored = StoredFile.parse(value, is_image=is_image)
    assert stored is not None  # noqa: S101 - it was made two lines above
    with _reachable():
        for name, written in zip(stored.names, (content, thumbnail), strict=True):
            if written is not None:
                stored.storage.write(_pending(name), written)
    return stored


@contextlib.contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        log.exception("A file could not be stored")
        raise DomainError(_("The file could not be stored. Please try again in a moment.")) from error


def copy_image(value: str | None) -> str | None:
    """Return the value for another row with the same image: each row has a file of its own."""
    stored = StoredFile.parse(value, is_image=True)
    content = stored.read() if stored is not None else None
    if stored is None or content is None:
        return None
    copied = keep(content, stored.title, is_image=True, thumbnail=stored.storage.read(stored.names[1]))
    copied.use()
    return copied.value


def send(stored: StoredFile, *, is_image: bool, thumbnail: bool = False, name: str = "") -> Response:
    """Return a file as a response, under a `name` or that which it was sent with; 404 if it is not there.

    An image is shown, others are saved. Browsers ask each time whether they may still show it: access can end.
    """
    content = stored.read(thumbnail=thumbnail)
    if content is None:
        abort(404)
    media_type = images.type_of(content) if is_image else None
    response = send_file(
        BytesIO(content),
        mimetype=media_type or "application/octet-stream",
        as_attachment=media_type is None,
        download_name=name or stored.title,
        # The content of a name never changes.
        etag=stored.names[thumbnail],
    )
    response.cache_control.private = True
    return response


def send_image(value: str | None, name: str) -> Response:
    """Return the image that the value of a column names, or its thumbnail if the URL asks for it; 404 if there is none.

    It is called `name`: what its owner has called the file is no concern of others.
    """
    stored = StoredFile.parse(value, is_image=True)
    if stored is None:
        abort(404)
    ending = stored.title.rpartition(".")[2]
    return send(stored, is_image=True, thumbnail="thumbnail" in request.args, name=f"{name}.{ending}")


def clean_title(title: str) -> str:
    """Return the last part of a path without control characters, and not too long; its ending stays."""
    last = re.split(r"[/\\]", title)[-1]
    text = "".join(c for c in last if unicodedata.category(c)[0] not in "CZ" or c == " ").strip(" .")
    stem, dot, ending = text.rpartition(".")
    short = f"{stem[: MAX_TITLE_LENGTH - 11]}.{ending[:10]}" if dot else text[:MAX_TITLE_LENGTH]
    return short or "file"


def delete_old() -> int:
    """Delete files that have waited for a day: nobody will send that form again. Return how many."""
    limit = time.time() - PENDING_SECONDS
    kept = [storage.at(str(current_app.config[setting])) for setting in ("UPLOAD_FOLDER", "IMG_UPLOAD_FOLDER")]
    return sum(each.delete(name) for each in kept for name in each.older_than(PENDING, limit))


# -- the end of the transaction


def init_app(_app: Flask) -> None:
    """Follow the transactions of all sessions."""
    for name, function in (("after_flush", _note_unused), ("after_commit", _committed), ("after_rollback", _undo)):
        if not event.contains(Session, name, function):
            event.listen(Session, name, function)


@cache
def file_columns(model: type[Any]) -> dict[str, bool]:
    """Return the columns of `model` that hold files, and whether they hold images."""
    return {
        attribute.key: isinstance(attribute.columns[0].type, ImageColumn)
        for attribute in model.__mapper__.column_attrs
        if isinstance(attribute.columns[0].type, FileColumn | ImageColumn)
    }


def _note_unused(session: Session, _context: object) -> None:
    """Note the files that rows no longer name."""
    for row in (*session.deleted, *session.dirty):
        model: Any = type(row)
        for column, is_image in file_columns(model).items():
            history = inspect(row).attrs[column].history
            values = (getattr(row, column), *history.deleted) if row in session.deleted else history.deleted
            files = (StoredFile.parse(value, is_image=is_image) for value in values)
            unused = [(each.storage, name) for each in files if each for name in each.names]
            session.info.setdefault(UNUSED, []).extend(unused)


def _committed(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.info.pop(MOVED, None)
    for kept, name in session.info.pop(UNUSED, ()):
        try:
            kept.delete(name)
        except OSError:
            # What was committed is done. Nothing names this file any more.
            log.exception("The file %s is no longer used and could not be deleted", name)


def _undo(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.info.pop(UNUSED, None)
    for kept, name in session.info.pop(MOVED, ()):
        with contextlib.suppress(OSError):
            kept.move(name, _pending(name))


def link(endpoint: str, value: object, *, is_image: bool) -> Markup | str:
    """Return a link to the file that the value of a column names; an image is shown."""
    stored = StoredFile.parse(value, is_image=is_image)
    if stored is None:
        return "\N{EM DASH}"
    url = url_for(endpoint, filename=stored.value)
    shown = ""
    if is_image:
        small = url_for(endpoint, filename=stored.value, thumbnail=1)
        shown = Markup('<img class="preview" src="{}" alt="" loading="lazy"> ').format(small)
    return Markup('<a href="{}"{}>{}<bdi>{}</bdi></a>').format(
        url, "" if is_image else Markup(" download"), shown, stored.title
    )
