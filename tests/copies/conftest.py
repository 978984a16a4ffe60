"""A site with rows of many kinds and with files, and what is needed to copy it."""

import pytest

from tests.support import postgres
from tests.support.factories import DinnerPartyFactory, OutboxEmailFactory, RsvpFactory


@pytest.fixture
def flask(app, monkeypatch, tmp_path):
    """Run a command on a site whose files are in `tmp_path`."""
    for name, value in {
        "POSTGRES_BIN": str(postgres.programs()),
        "INSTANCE_PATH": str(tmp_path / "site"),
        "UPLOAD_FOLDER": str(tmp_path / "site" / "uploads"),
        "IMG_UPLOAD_FOLDER": str(tmp_path / "site" / "uploads" / "images"),
    }.items():
        monkeypatch.setitem(app.config, name, value)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "secret_key").write_text(app.config["SECRET_KEY"])
    return lambda *arguments, **more: app.test_cli_runner().invoke(args=[str(each) for each in arguments], **more)


@pytest.fixture
def files(flask, app, tmp_path):
    """Files of rows, by their path."""
    uploads = tmp_path / "site" / "uploads"
    found = {
        uploads / "menu": b"soup",
        uploads / "images" / "face": b"\xff" * 100_000,
        uploads / "images" / "dish": b"",
    }
    (uploads / "images" / "pending").mkdir(parents=True)
    (uploads / "images" / "pending" / "waits").write_bytes(b"for a form that may never be sent")
    for path, content in found.items():
        path.write_bytes(content)
    return found


@pytest.fixture
def rows(cast):
    """Rows that refer to each other, in any script."""
    party = DinnerPartyFactory(host=cast.host, title="عشاء — ¡Cena! 🍲\\ \n\t'\"")
    RsvpFactory(party=party, member=cast.friend)
    return OutboxEmailFactory(subject="Waits")
