"""Backups that the background worker writes."""

import pytest

from app.copies.schedule import BACKUP, PAUSE_AFTER_ERROR_SECONDS, Backups
from tests.support.processes import FlaskCommand
from tests.support.waiting import wait_until


@pytest.mark.slow
def test_the_worker_writes_backups(database_url, tmp_path):
    environ = {"DATABASE_URL": database_url, "INSTANCE_PATH": str(tmp_path), "BACKUP_FOLDER": str(tmp_path / "kept")}
    worker = FlaskCommand("--app", "app", "worker", environ=environ)
    try:
        wait_until(lambda: list(tmp_path.glob("kept/dinnerparty-*.tar.gz")), alive=lambda: worker.poll() is None)
    finally:
        worker.terminate()
    assert worker.wait(10) == 0
    assert "Backup written: " in worker.communicate()[1]


def test_a_backup_that_fails_is_said_in_one_line_and_tried_later(app, monkeypatch, tmp_path, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setitem(app.config, "BACKUP_FOLDER", str(tmp_path / "file"))
    assert Backups(app).run_due() == PAUSE_AFTER_ERROR_SECONDS
    assert caplog.messages == [
        f"BACKUP_FOLDER: {tmp_path}/file cannot be written to (File exists). The backup is tried again in 3600 s"
    ]


def test_the_job_of_celery_writes_a_backup_if_there_is_a_folder_for_it(app, monkeypatch, tmp_path):
    folder = tmp_path / "kept"
    with app.app_context():
        assert BACKUP.run() == ""
        monkeypatch.setitem(app.config, "BACKUP_FOLDER", str(folder))
        written = BACKUP.run()
        assert written == str(*folder.glob("dinnerparty-*.tar.gz"))
        assert BACKUP.run() == "", "not due yet"
