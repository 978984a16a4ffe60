"""Pictures of members and parties."""

from io import BytesIO
from typing import Any

from flask import Flask
from PIL import Image
from sqlalchemy.orm.attributes import set_committed_value

from app.crud import files
from app.database import transaction
from app.extensions import db
from tests.support.client import Page, Visitor

# What a camera writes.
SECRET = b"Taken by Ada in Madrid"


def encode(size: tuple[int, int] = (300, 200), colour: str = "red", kind: str = "JPEG") -> bytes:
    """Return a picture with a comment."""
    buffer = BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind, comment=SECRET)
    return buffer.getvalue()


def give_picture(app: Flask, *rows: Any) -> str:
    """Give rows that were read elsewhere a picture, and return the value of their column."""
    with app.app_context(), transaction():
        kept = files.keep(encode(), "holiday.jpg", is_image=True, thumbnail=encode((30, 20)))
        kept.use()
        for row in rows:
            db.session.merge(row, load=False).picture = kept.value
    for row in rows:
        set_committed_value(row, "picture", kept.value)
    return kept.value


def send_form(visitor: Visitor, path: str, **fields: Any) -> Page:
    """Send the form at `path` with `fields` filled in; bytes are a file."""
    form = visitor.get(path).form(path)
    return send(visitor, form.action, form.fields.to_dict(flat=False), **fields)


def send(visitor: Visitor, path: str, known: dict[str, Any], **fields: Any) -> Page:
    """Send `known` and `fields` to `path`; bytes are a file."""
    sent = {
        name: (BytesIO(value), "holiday.jpeg") if isinstance(value, bytes) else value for name, value in fields.items()
    }
    return visitor.open("POST", path, data={**known, **sent}, content_type="multipart/form-data")
