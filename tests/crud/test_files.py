"""Files and images of rows: stored below the instance folder, sent to those who may see the row, deleted with it."""

import os
import re
import time
from io import BytesIO
from pathlib import Path

import pytest
from flask_appbuilder.filemanager import get_file_original_name
from flask_appbuilder.models.mixins import FileColumn, ImageColumn
from PIL import Image
from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.sql import text
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from app.crud import ModelView, SQLAInterface, files
from app.errors import DomainError
from app.extensions import db

MEGABYTE = 1024 * 1024


class Base(DeclarativeBase):
    """Not that of the application: this table is in none of its migrations."""


class Paper(Base):
    __tablename__ = "test_paper"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    file: Mapped[str] = mapped_column(FileColumn)
    photo: Mapped[str | None] = mapped_column(ImageColumn)

    def __str__(self):
        return self.name


class Papers(ModelView):
    datamodel = SQLAInterface(Paper)
    base_order = ("name", "asc")
    list_title, show_title, add_title, edit_title = "Papers", "Paper", "New paper", "Change paper"
    label_columns = {"name": "Name", "file": "File", "photo": "Photo"}
    list_columns = show_columns = add_columns = edit_columns = ["name", "file", "photo"]
    base_permissions = ["can_list", "can_show", "can_add", "can_edit", "can_delete"]

    def pre_add(self, item):
        if item.name == "refused":
            raise DomainError("Refused.", field="name")


def picture(kind="PNG", size=(30, 20), **options):
    buffer = BytesIO()
    Image.new("RGB", size, "red").save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def visitor(ours):
    visitor = ours(Papers)
    with visitor.app.app_context():
        Base.metadata.create_all(db.engine)
    return visitor


@pytest.fixture
def folder(visitor):
    folder = Path(visitor.app.config["UPLOAD_FOLDER"])
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()
    return folder


def stored(folder):
    return sorted(path.read_bytes() for path in folder.rglob("*") if path.is_file() and "pending" not in path.parts)


def rows(visitor):
    with visitor.app.app_context():
        return [tuple(row) for row in db.session.execute(text("SELECT id, name, file, photo FROM test_paper"))]


def send(visitor, path="/papers/add", **fields):
    return visitor.post(path, fields, content_type="multipart/form-data")


def a_file(content=b"Dear Ada", name="letter.txt"):
    return BytesIO(content), name


def add(visitor, **fields):
    page = send(visitor, **{"name": "One", "file": a_file(), **fields})
    assert page.flashes == [("info", "Saved.")], page.text
    return page


def test_a_file_is_stored_under_a_random_name_and_sent_to_who_may_see_the_row(visitor, folder):
    page = add(visitor, file=a_file(name="../../etc/Brief an Zoë.txt"))
    ((_pk, _name, value, _photo),) = rows(visitor)
    assert re.fullmatch(r"[0-9a-f]{32}_sep_Brief an Zoë\.txt", value)
    assert get_file_original_name(value) == "Brief an Zoë.txt"
    assert stored(folder) == [b"Dear Ada"]
    (link,) = re.findall(r'href="(/papers/download/[^"]*)"', page.text)
    sent = visitor.get(link)
    assert (sent.status, sent.response.get_data()) == (200, b"Dear Ada")
    assert sent.headers["Content-Type"] == "application/octet-stream"
    assert sent.headers["Content-Disposition"].startswith("attachment")
    assert "max-age" not in sent.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["..%2f..%2fsecret", "x", "0" * 32 + "_sep_letter.txt", "..", "%2e%2e"])
def test_no_other_file_is_sent(visitor, folder, name):
    add(visitor)
    assert visitor.get(f"/papers/download/{name}").status == 404


def test_a_file_is_not_sent_to_others(visitor, folder, monkeypatch):
    page = add(visitor)
    (link,) = re.findall(r'href="(/papers/download/[^"]*)"', page.text)
    monkeypatch.setattr(
        visitor.app.extensions["appbuilder"].sm, "has_access", lambda permission, _view: permission != "can_show"
    )
    assert visitor.get(link).path == "/login/"


def test_a_view_without_files_has_no_route_for_them(app):
    routed = {rule.endpoint for rule in app.url_map.iter_rules() if "/download/" in rule.rule}
    assert routed == {"DinnerPartyModelView.download", "UserModelView.download"}


def test_a_file_is_kept_while_other_fields_are_corrected(visitor, folder):
    page = send(visitor, name="", file=a_file())
    assert page.status == 422
    assert "letter.txt" in page.text
    assert rows(visitor) == stored(folder) == []
    page = visitor.submit(page.form("/papers/add"), name="One")
    assert page.flashes == [("info", "Saved.")]
    assert stored(folder) == [b"Dear Ada"]


def test_a_file_is_kept_when_the_row_is_refused(visitor, folder):
    page = send(visitor, name="refused", file=a_file())
    assert (page.status, page.flashes, stored(folder)) == (422, [("danger", "Refused.")], [])
    page = visitor.submit(page.form("/papers/add"), name="One")
    assert page.flashes == [("info", "Saved.")]
    assert stored(folder) == [b"Dear Ada"]


def test_a_required_file_must_be_chosen(visitor, folder):
    page = send(visitor, name="One", file=(BytesIO(b""), ""))
    assert (page.status, rows(visitor)) == (422, [])


def test_a_replaced_file_is_deleted_after_the_commit(visitor, folder):
    add(visitor, photo=a_file(picture(), "a.png"))
    ((pk, *_values),) = rows(visitor)
    form = visitor.get(f"/papers/edit/{pk}").form(f"/edit/{pk}")
    page = send(visitor, f"/papers/edit/{pk}", **form.fields, file=a_file(b"Dear Zoe"))
    assert page.flashes == [("info", "Saved.")]
    assert b"Dear Zoe" in stored(folder)
    assert len(stored(folder)) == 3


def test_saving_without_a_new_file_changes_nothing_and_a_box_removes_it(visitor, folder):
    add(visitor, photo=a_file(picture(), "a.png"))
    ((pk, *before),) = rows(visitor)
    form = visitor.get(f"/papers/edit/{pk}").form(f"/edit/{pk}")
    assert visitor.submit(form).flashes == [("info", "Saved.")]
    assert rows(visitor) == [(pk, *before)]
    form = visitor.get(f"/papers/edit/{pk}").form(f"/edit/{pk}")
    assert visitor.submit(form, **{"photo-delete": "1"}).flashes == [("info", "Saved.")]
    assert rows(visitor) == [(pk, *before[:2], None)]
    assert stored(folder) == [b"Dear Ada"]


def test_the_files_go_with_the_row_but_not_if_it_stays(visitor, folder):
    add(visitor, photo=a_file(picture(), "a.png"))
    ((pk, *_values),) = rows(visitor)
    with visitor.app.app_context():
        db.session.delete(db.session.get(Paper, pk))
        db.session.flush()
        db.session.rollback()
        assert len(stored(folder)) == 3
    assert visitor.post(f"/papers/delete/{pk}").flashes == [("info", "Deleted.")]
    assert stored(folder) == []


def test_an_image_is_shown_in_its_size_and_small_in_lists(visitor, folder):
    page = add(visitor, photo=a_file(picture("JPEG", (300, 200), comment=b"Taken by Ada"), "a.jpeg"))
    (small,) = re.findall(r'<img [^>]*src="([^"]*)"', page.text)
    # The sizes are those of Flask-AppBuilder's column that says nothing about them.
    for url, size in ((small, (20, 20)), (small.partition("?")[0], (100, 100))):
        sent = visitor.get(url)
        assert sent.headers["Content-Type"] == "image/jpeg"
        assert sent.headers["Content-Disposition"] == "inline; filename=a.jpg"
        assert sent.headers["X-Content-Type-Options"] == "nosniff"
        assert sent.headers["Cache-Control"] == "no-cache, private"
        assert Image.open(BytesIO(sent.response.get_data())).size == size
        assert b"Taken by" not in sent.response.get_data()
        assert visitor.get(url, headers={"If-None-Match": sent.headers["ETag"]}).status == 304


def test_the_form_shows_the_stored_image(visitor, folder):
    add(visitor, photo=a_file(picture(), "a.png"))
    ((pk, *_values),) = rows(visitor)
    (source,) = re.findall(
        r'<img class="preview" src="([^"]*)" alt="The stored picture"', visitor.get(f"/papers/edit/{pk}").text
    )
    assert visitor.get(source).headers["Content-Type"] == "image/jpeg"


def test_an_image_is_kept_with_its_thumbnail_while_other_fields_are_corrected(visitor, folder):
    page = send(visitor, name="", file=a_file(), photo=a_file(picture(), "a.png"))
    assert "This file was received. It need not be chosen again." in page.text
    visitor.submit(page.form("/papers/add"), name="One")
    assert len(stored(folder)) == 3


@pytest.mark.parametrize(
    ("field", "content", "name", "error"),
    [
        ("photo", b"<svg onload=alert(1)>", "a.png", "This is not an image."),
        ("file", b"MZ program", "report.pdf", "not what the name says"),
    ],
)
def test_a_wrong_file_is_an_error_at_its_field(visitor, folder, field, content, name, error):
    page = send(visitor, **{"name": "One", "file": a_file(), field: a_file(content, name)})
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    assert error in page.text
    assert rows(visitor) == []


def test_a_file_that_is_too_large_is_an_error_at_its_field(visitor, folder, monkeypatch):
    monkeypatch.setitem(visitor.app.config, "UPLOAD_MAX_BYTES", MEGABYTE)
    monkeypatch.setitem(visitor.app.config, "MAX_CONTENT_LENGTH", 3 * MEGABYTE)
    large = FileStorage(BytesIO(bytes(MEGABYTE + 1)), "large.txt", "file")
    boundary, body = encode_multipart({"name": "Typed", "file": large, "csrf_token": visitor.csrf_token()})
    kind = f"multipart/form-data; boundary={boundary}"
    page = visitor.open("POST", "/papers/add", data=body, content_type=kind)
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    assert "The file is larger than 1 MB." in page.text
    assert page.form("/papers/add").fields["name"] == "Typed"


def test_files_that_nobody_stored_are_deleted_after_a_day(visitor, folder):
    send(visitor, name="", file=a_file())
    send(visitor, name="", file=a_file())
    waiting, other = (path for path in folder.rglob("pending/*"))
    old = time.time() - 2 * 24 * 3600
    os.utime(waiting, (old, old))
    with visitor.app.app_context():
        assert files.delete_old() == 1
    assert (waiting.exists(), other.exists()) == (False, True)
