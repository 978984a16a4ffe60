"""Where files are kept: a folder, and with `make s3-tests` a bucket of a real server, which must behave alike."""

import os
import sys
import time

import pytest

from app.crud import storage
from config import ConfigurationError
from tests.support.pictures import encode, send_form

# Set by tests/s3_storage.py, which runs a server.
BUCKET = os.environ.get("S3_TEST_BUCKET")
PLACES = ["folder", "bucket"] if BUCKET else ["folder"]


@pytest.fixture(params=PLACES)
def location(request, tmp_path):
    """A new folder, or one in the bucket."""
    return str(tmp_path) if request.param == "folder" else f"{BUCKET}/{tmp_path.name}"


def test_files_are_written_read_moved_and_deleted(location):
    kept = storage.at(location)
    assert (kept.read("a"), kept.has("a"), kept.delete("a"), kept.move("a", "b")) == (None, False, False, False)
    kept.write("pending/a", b"soup \xff")
    assert kept.move("pending/a", "a")
    assert (kept.read("a"), kept.has("a"), kept.has("pending/a")) == (b"soup \xff", True, False)
    kept.write("a", b"stew")
    assert kept.read("a") == b"stew"
    assert (kept.delete("a"), kept.read("a")) == (True, None)


def test_old_files_are_found_in_their_folder(location):
    kept = storage.at(location)
    kept.write("a", b"")
    assert list(kept.older_than("pending", time.time() + 60)) == []
    kept.write("pending/b", b"")
    assert list(kept.older_than("pending", time.time() + 60)) == ["pending/b"]
    assert list(kept.older_than("pending", time.time() - 60)) == []


def test_a_storage_that_cannot_be_used_raises_the_same_error(location, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    is_folder = location == str(tmp_path)
    broken = storage.at(f"{tmp_path}/file/below" if is_folder else "s3://there-is-no-such-bucket/x")
    with pytest.raises(OSError, match=r"file|bucket"):
        broken.write("a", b"")


def test_a_picture_is_kept_and_removed(location, client_of, cast, app, monkeypatch, records):
    monkeypatch.setitem(app.config, "IMG_UPLOAD_FOLDER", location)
    browser, path = client_of(cast.friend), "/account/profile/"
    send_form(browser, path, picture=encode())
    shown = browser.get("/account/profile/picture")
    assert (shown.status, shown.headers["Content-Type"]) == (200, "image/jpeg")
    assert browser.get("/account/profile/picture?thumbnail=1").text != shown.text
    again = {"If-None-Match": shown.headers["ETag"]}
    assert browser.get("/account/profile/picture", headers=again).status == 304
    name, kept = records.fresh(cast.friend).picture.partition("_sep_")[0], storage.at(location)
    assert (kept.has(name), kept.has(f"{name}_thumb"), kept.has(f"pending/{name}")) == (True, True, False)
    send_form(browser, path, **{"picture-delete": "1"})
    assert browser.get("/account/profile/picture").status == 404
    assert (kept.has(name), kept.has(f"{name}_thumb")) == (False, False)


def test_a_file_that_cannot_be_stored_is_an_error_at_its_field(client_of, cast, app, monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setitem(app.config, "IMG_UPLOAD_FOLDER", f"{tmp_path}/file")
    page = send_form(client_of(cast.friend), "/account/profile/", picture=encode(), first_name="Zoe")
    assert page.status == 422
    assert "The file could not be stored. Please try again in a moment." in page.text
    assert page.form("/account/profile/").fields["first_name"] == "Zoe"


@pytest.mark.parametrize(
    ("address", "said"),
    [("s3://Bucket/x", "must look like s3://bucket/folder."), ("s3://dinner/x", "install the package boto3.")],
)
def test_a_bucket_that_cannot_work_is_refused_at_the_start(new_app, monkeypatch, address, said):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigurationError, match=f"UPLOAD_FOLDER .*{said}"):
        new_app({"UPLOAD_FOLDER": address})
