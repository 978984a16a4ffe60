"""A read replica: lists come from a real standby, nobody misses what they did, and without it nothing is lost."""

import signal

import pytest
from sqlalchemy import event

from app import replica
from app.extensions import REPLICA
from tests.support import postgres
from tests.support.client import Visitor
from tests.support.databases import COPY
from tests.support.factories import DinnerPartyFactory
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]
APPLIED_ALL = "SELECT pg_last_wal_replay_lsn() >= '{}'::pg_lsn"


@pytest.fixture
def standby(database):
    with postgres.running_standby(database.place) as running:
        yield running


@pytest.fixture
def site(new_app, standby):
    """The application with the replica; `site.read` has the tables that were read there."""
    site = new_app(DATABASE_REPLICA_URL=standby.url(COPY))
    site.read = []
    event.listen(site.extensions[REPLICA].engine, "before_cursor_execute", lambda *about: site.read.append(about[2]))
    return site


def has_caught_up(database, standby):
    written = database.place.connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone()[0]
    return standby.execute(APPLIED_ALL.format(written))


def reads_parties(site):
    """Whether the parties of a list were read on the replica since the last question."""
    found = any("FROM dinner_party" in statement for statement in site.read)
    site.read.clear()
    return found


def wait_for_list_of_replica(site, visitor, path, title):
    """Open the list until the replica answers. The server writes on its own, so it may be behind at any moment."""

    def answers():
        assert title in visitor.get(path).text
        return reads_parties(site)

    wait_until(answers)


def test_lists_come_from_a_replica_that_will_do_and_else_from_the_primary(
    site, database, standby, cast, monkeypatch, caplog
):
    monkeypatch.setattr(replica, "SAMPLE_SECONDS", 0)
    # Longer than this test may take.
    monkeypatch.setattr(replica, "MAX_LAG_SECONDS", 600)
    soup = DinnerPartyFactory(host=cast.host, title="Soup")
    wait_until(lambda: has_caught_up(database, standby))
    stranger, host = Visitor(site), Visitor(site)
    wait_for_list_of_replica(site, stranger, "/parties/", "Soup")
    host.log_in_as(cast.host)
    wait_until(lambda: has_caught_up(database, standby))
    # The replica falls behind. Who has written nothing may read what is some seconds old, who has does not.
    standby.execute("SELECT pg_wal_replay_pause()::text")
    form = host.get(f"/parties/{soup.slug}/edit").form("/edit")
    host.submit(form, title="Broth")
    site.read.clear()
    assert "Broth" in host.get(f"/user/{cast.host.username}").text
    assert not reads_parties(site)
    assert "Soup" in stranger.get("/parties/").text
    assert reads_parties(site)
    # What is older than that nobody reads.
    monkeypatch.setattr(replica, "MAX_LAG_SECONDS", 0)
    # Another URL: the page of strangers is kept for a second.
    assert "Broth" in stranger.get("/parties/?again=yes").text
    assert not reads_parties(site)
    standby.execute("SELECT pg_wal_replay_resume()::text")
    wait_until(lambda: has_caught_up(database, standby))
    wait_for_list_of_replica(site, host, f"/user/{cast.host.username}", "Broth")
    # It is killed.
    standby.process.send_signal(signal.SIGQUIT)
    standby.process.wait()
    for time in range(3):
        assert "Broth" in stranger.get(f"/parties/?time={time}").text
    assert caplog.text.count("The replica is not read for") == 1


def test_a_primary_is_no_replica(new_app, database, cast, caplog):
    site = new_app(DATABASE_REPLICA_URL=database.url)
    DinnerPartyFactory(host=cast.host, title="Soup")
    assert "Soup" in Visitor(site).get("/parties/").text
    assert "it is no standby" in caplog.text
