"""Celery runs the jobs: real workers and a real broker, which are killed. The database remains the truth."""

import contextlib
import time
from collections import Counter
from datetime import timedelta

import pytest
import redis

from app import clock, scheduler
from app.database import transaction
from app.extensions import db
from app.jobs import broker
from app.jobs.models import Job, JobState
from app.outbox import service as outbox_service
from app.outbox.models import EmailState, OutboxEmail
from tests.support.celery import CeleryWorker
from tests.support.factories import OutboxEmailFactory
from tests.support.waiting import wait_until


@pytest.fixture
def broker_url(redis_server):
    return f"redis+socket://{redis_server.socket}"


@pytest.fixture
def start_worker(database_url, tmp_path, smtp, broker_url):
    """Start a worker with its beat on this test's database, mail server and broker."""
    with contextlib.ExitStack() as started:

        def start(name):
            worker = CeleryWorker(
                tmp_path / f"{name}.log",
                {
                    "DATABASE_URL": database_url,
                    "INSTANCE_PATH": str(tmp_path),
                    "MAIL_SERVER": smtp.host,
                    "MAIL_PORT": str(smtp.port),
                    "CELERY_BROKER_URL": broker_url,
                },
            )
            started.callback(worker.kill)
            return worker

        yield start


@pytest.mark.postgresql
def test_nothing_is_lost_or_done_twice_when_workers_and_the_broker_are_killed(
    app, start_worker, redis_server, smtp, records
):
    def is_sent():
        return {email.state for email in records.all(OutboxEmail)} == {EmailState.SENT}

    # Two machines: both have a beat, and one of them has the lease.
    OutboxEmailFactory.create_batch(20)
    workers = [start_worker("one"), start_worker("two")]
    wait_until(is_sent, alive=workers[0].is_alive)
    wait_until(lambda: {row.state for row in records.all(Job) if row.name != "beat"} == {JobState.WAITING})
    jobs = {row.name: row for row in records.all(Job)}
    assert jobs.keys() == {"beat", "backup", *(job.name for job in scheduler.JOBS)}
    assert all(jobs[job.name].finished_at for job in scheduler.JOBS)
    # All are killed, the broker too, while an e-mail is handed over.
    smtp.behaviour = "hang"
    halfway = OutboxEmailFactory()
    wait_until(lambda: records.fresh(halfway).state == EmailState.SENDING)
    for process in (*workers, redis_server):
        process.kill()
    later = OutboxEmailFactory.create_batch(5)
    smtp.behaviour = "accept"
    # The leases of the dead are over.
    with app.app_context(), transaction():
        ended = clock.now() - timedelta(seconds=1)
        db.session.execute(db.update(Job).values(leased_until=ended))
        db.session.execute(db.update(OutboxEmail).values(leased_until=ended))
    redis_server.start()
    worker = start_worker("three")
    wait_until(is_sent, alive=worker.is_alive)
    delivered = Counter(str(message["To"]) for message in smtp.messages)
    assert len(delivered) == 21 + len(later)
    assert set(delivered.values()) == {1}
    assert worker.stop() == 0
    assert records.one(db.select(Job.lease_owner).where(Job.name == "beat")) is None


def request():
    return outbox_service.EmailRequest(
        "test", to="ana@example.com", context={"asked_at": clock.now()}, dedupe_key=f"test:{time.monotonic_ns()}"
    )


def write_email(app):
    with app.app_context(), transaction():
        outbox_service.enqueue(request())


def test_who_writes_email_wakes_the_workers_after_the_commit(new_app, redis_server, broker_url):
    app = new_app(CELERY_BROKER_URL=broker_url)
    queue = redis.Redis(unix_socket_path=str(redis_server.socket))
    with app.app_context():
        outbox_service.enqueue(request())
        db.session.rollback()
    write_email(app)
    wait_until(lambda: queue.llen(broker.QUEUE))
    assert queue.llen(broker.QUEUE) == 1
    queue.close()


def test_a_lost_broker_delays_and_breaks_nothing_for_who_writes_email(
    new_app, redis_server, broker_url, caplog, records
):
    app = new_app(CELERY_BROKER_URL=broker_url)
    redis_server.kill()
    began = time.monotonic()
    write_email(app)
    # Nobody waits for the broker, whose time-out is longer.
    assert time.monotonic() - began < 20
    wait_until(lambda: "The broker of Celery cannot be reached" in caplog.text)
    assert records.one(OutboxEmail).state == EmailState.QUEUED
