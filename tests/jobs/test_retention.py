"""What grows with each day is deleted by age, in batches."""

from datetime import timedelta

import pytest

from app import clock, database, scheduler
from app.outbox.models import EmailState, OutboxEmail
from tests.support.factories import OutboxEmailFactory


@pytest.mark.both_databases
def test_old_emails_that_are_done_are_deleted_in_batches(app, records, monkeypatch):
    for module in (database, scheduler):
        monkeypatch.setattr(module, "BATCH", 2)
    old = clock.now() - timedelta(days=366)
    OutboxEmailFactory.create_batch(4, sent=True, created_at=old)
    OutboxEmailFactory(failed=True, created_at=old)
    kept = [OutboxEmailFactory(created_at=old), OutboxEmailFactory(sent=True)]
    with app.app_context():
        counts = {task.plural: count for count, task in scheduler.purge()}
    assert counts["old e-mails deleted"] == 5
    assert {email.id for email in records.all(OutboxEmail)} == {email.id for email in kept}
    assert kept[0].state == EmailState.QUEUED
