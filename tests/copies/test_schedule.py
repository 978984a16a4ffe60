"""Backups that the background worker writes."""

import pytest
from sqlalchemy import select

from app.copies.schedule import backup_job
from app.jobs.models import Job, JobState
from app.scheduler import Scheduler
from tests.support.processes import FlaskCommand
from tests.support.waiting import wait_until


@pytest.mark.slow
def test_the_worker_writes_backups(database_url, tmp_path, records):
    environ = {"DATABASE_URL": database_url, "INSTANCE_PATH": str(tmp_path), "BACKUP_FOLDER": str(tmp_path / "kept")}
    worker = FlaskCommand("--app", "app", "worker", environ=environ)
    try:
        wait_until(lambda: list(tmp_path.glob("kept/dinnerparty-*.tar.gz")), alive=lambda: worker.poll() is None)
    finally:
        worker.terminate()
    assert worker.wait(10) == 0
    assert f"Job backup: {tmp_path}/kept/dinnerparty-" in worker.communicate()[1]
    row = records.one(select(Job).where(Job.name == "backup"))
    assert (row.state, row.failures, row.last_error, row.lease_owner) == (JobState.WAITING, 0, "", None)


def test_a_backup_that_fails_is_said_in_one_line_and_in_the_list_of_jobs(app, monkeypatch, tmp_path, records, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setitem(app.config, "BACKUP_FOLDER", str(tmp_path / "file"))
    Scheduler(app, [backup_job()]).run_due_jobs()
    sentence = f"BACKUP_FOLDER: {tmp_path}/file cannot be written to (File exists)."
    (line,) = [record for record in caplog.records if record.name == "app.jobs.service"]
    assert line.getMessage().startswith("Job backup failed; retrying in ")
    assert line.getMessage().endswith(sentence)
    assert not line.exc_info
    row = records.one(Job)
    assert (row.failures, row.last_error) == (1, sentence)


def test_a_backup_is_written_if_there_is_a_folder_and_one_is_due(app, monkeypatch, tmp_path):
    folder = tmp_path / "kept"
    with app.app_context():
        assert backup_job().run() == ""
        monkeypatch.setitem(app.config, "BACKUP_FOLDER", str(folder))
        written = backup_job().run()
        assert written == f"{next(folder.glob('dinnerparty-*.tar.gz'))} written"
        assert backup_job().run() == "", "not due yet"


def test_a_backup_that_is_given_up_at_the_end_of_the_worker_is_no_failure(app, monkeypatch, tmp_path):
    monkeypatch.setitem(app.config, "BACKUP_FOLDER", str(tmp_path / "kept"))
    with app.app_context():
        assert backup_job(lambda: True).run() == ""
        assert not list(tmp_path.glob("kept/dinnerparty-*"))
