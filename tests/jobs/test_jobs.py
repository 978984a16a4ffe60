"""Jobs: each runs in one process at a time, is tried again when it fails, and is seen by administrators."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from app import clock
from app.jobs import service
from app.jobs.models import Job, JobState
from app.jobs.service import PeriodicJob
from tests.support.factories import JobFactory
from tests.support.waiting import wait_until

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon():
    clock.set_now(NOON)


def later(**duration):
    clock.set_now(clock.now() + timedelta(**duration))


def job(run=lambda: "", name="bake"):
    return PeriodicJob(name, timedelta(minutes=10), run)


def run_due(app, *jobs):
    """Do what the scheduler does, and return the names of the jobs that ran well."""
    with app.app_context():
        due, _wait = service.due(jobs)
        return [each.name for each in due if service.run_if_due(each)]


@pytest.mark.both_databases
def test_a_job_runs_when_it_is_due_in_one_process(new_app, records):
    runs, together = [], threading.Barrier(4)
    baking = job(lambda: runs.append(clock.now()) or "a loaf")

    def look(app):
        together.wait()
        return run_due(app, baking)

    apps = [new_app() for _number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for moment in (NOON, NOON + timedelta(minutes=9), NOON + timedelta(minutes=10)):
            clock.set_now(moment)
            list(pool.map(look, apps))
    assert runs == [NOON, NOON + timedelta(minutes=10)]
    row = records.one(Job)
    assert (row.state, row.due_at, row.lease_owner) == (JobState.WAITING, NOON + timedelta(minutes=20), None)


def test_a_job_that_fails_does_not_stop_others_and_is_tried_again(app, records, caplog):
    def burn():
        raise ValueError("too hot")

    ran = run_due(app, job(burn), job(name="knead"))
    assert ran == ["knead"]
    row = next(each for each in records.all(Job) if each.name == "bake")
    assert (row.failures, row.last_error) == (1, "ValueError: too hot")
    assert timedelta(seconds=45) <= row.due_at - NOON <= timedelta(seconds=75)
    assert "Job bake failed; retrying in" in caplog.text
    for _time in range(4):
        later(hours=2)
        run_due(app, job(burn))
    later(hours=2)
    assert [each.state for each in records.all(Job) if each.name == "bake"] == [JobState.FAILED]
    assert run_due(app, job()) == ["bake"]
    assert {each.state: each.failures for each in records.all(Job)} == {JobState.WAITING: 0}


@pytest.mark.both_databases
def test_a_job_whose_process_ended_is_taken_over_and_counts_as_failed(app, records):
    JobFactory(name="bake", state=JobState.RUNNING, lease_owner="host:1:a", leased_until=NOON + service.LEASE)
    assert run_due(app, job()) == []
    clock.set_now(NOON + service.LEASE)
    assert run_due(app, job()) == []
    assert (records.one(Job).failures, records.one(Job).last_error) == (1, service.ENDED)
    later(minutes=2)
    assert run_due(app, job()) == ["bake"]


def test_a_long_job_keeps_its_lease(app, records, monkeypatch):
    monkeypatch.setattr(service, "RENEW_SECONDS", 0.01)

    def bake():
        later(minutes=5)
        wait_until(lambda: records.one(Job).leased_until == clock.now() + service.LEASE)
        return "a loaf"

    assert run_due(app, job(bake)) == ["bake"]


@pytest.mark.parametrize(("failures", "seconds"), [(1, 60), (2, 120), (6, 1920), (7, 3600), (500, 3600)])
def test_pauses_grow_to_an_hour_and_are_spread(failures, seconds):
    assert service.pause_after(failures, 0.5) == timedelta(seconds=seconds)
    assert service.pause_after(failures, 0) < service.pause_after(failures, 1)


@pytest.mark.both_databases
def test_one_holder_has_a_lease_until_it_is_over_or_given_back(app):
    lease = timedelta(seconds=20)
    with app.app_context():
        assert service.hold("beat", "a", lease)
        assert not service.hold("beat", "b", lease)
        later(seconds=19)
        assert service.hold("beat", "a", lease)
        later(seconds=20)
        assert service.hold("beat", "b", lease)
        service.release("beat", "a")
        assert not service.hold("beat", "a", lease)
        service.release("beat", "b")
        assert service.hold("beat", "a", lease)


def test_an_administrator_sees_why_a_job_failed_and_runs_it_again(admin, records):
    failed = JobFactory(
        name="reminders",
        state=JobState.FAILED,
        failures=7,
        last_error="ValueError: x",
        due_at=NOON + timedelta(hours=1),
    )
    page = admin.get("/jobs/list/")
    assert "Send reminders" in page.text
    assert "ValueError: x" in page.text
    done = admin.post("/jobs/action_post", {"action": "run_now", "rowid": [failed.id]})
    assert done.flashes == [("info", "1 job is due now.")]
    assert (records.one(Job).due_at, records.one(Job).failures) == (NOON, 0)


def test_a_running_job_is_not_started_again(admin, records):
    running = JobFactory(state=JobState.RUNNING, due_at=NOON - timedelta(hours=1))
    done = admin.post("/jobs/action_post", {"action": "run_now", "rowid": [running.id]})
    assert done.flashes == [("warning", "Nothing changed: the job is running.")]
    assert records.one(Job).due_at == NOON - timedelta(hours=1)
