"""What a site of a given size needs, from what this machine needs for one of each: `make capacity`.

Processor time is measured, not time by the clock, so that other programs on the machine do not count. docs/operations.md
works out a city with these figures.
"""

import multiprocessing
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from app import audit
from app.accounts.models import Member
from app.database import transaction
from app.extensions import db
from app.outbox import delivery
from app.parties.messages import mail as message_mail
from app.parties.models import DinnerParty, Rsvp
from tests.support import postgres
from tests.support.client import Visitor
from tests.support.databases import Database, application
from tests.support.factories import DinnerPartyFactory, MemberFactory, RowFactory, RsvpFactory
from tests.support.smtp import HOST, free_port, mail_server
from tests.support.waiting import wait_until

# The host comes, too.
GUESTS, EMAILS, REQUESTS, MEMBERS = 99, 400, 100, 1000
ROWS = {
    "ab_user": "member",
    "dinner_party": "party",
    "rsvp": "RSVP",
    "letter": "e-mail",
    "login_session": "login",
    "audit_event": "audit log entry",
}


def per(count: int, what: Callable[[], object]) -> float:
    """Return the milliseconds of processor time that each of `count` took."""
    began = time.process_time()
    what()
    return (time.process_time() - began) * 1000 / count


def say(name: str, value: str) -> None:
    """Print a figure."""
    print(f"{name:42} {value}", flush=True)  # noqa: T201


def main() -> None:
    """Measure and print."""
    port = free_port()
    receiver = multiprocessing.get_context("spawn").Process(target=_receive, args=(port,), daemon=True)
    receiver.start()
    with tempfile.TemporaryDirectory() as folder, postgres.running_server() as place:
        database = Database(place, Path(folder))
        site = application(database.url, Path(folder), {"MAIL_SERVER": HOST, "MAIL_PORT": port})
        RowFactory.app = site
        _measure(site, port, receiver)
        database.close()
    receiver.terminate()


def _measure(site: Any, port: int, receiver: Any) -> None:
    host = MemberFactory(username="host")
    party = DinnerPartyFactory(host=host, number_seats=100)
    members = MemberFactory.create_batch(MEMBERS)
    parties = DinnerPartyFactory.create_batch(200, host=host)
    RsvpFactory.create_batch(GUESTS, party=party)
    say("an e-mail is written", f"{per(EMAILS, lambda: _write(site, party.id)):.1f} ms")
    wait_until(lambda: _answers(port), alive=receiver.is_alive)
    say("an e-mail is handed to the mail server", f"{per(EMAILS, lambda: _deliver(site)):.1f} ms")
    stranger, guest = Visitor(site), Visitor(site)
    guest.log_in_as(members[0])
    for name, visitor, path in (
        ("the list of parties, for a stranger", stranger, "/parties/"),
        ("a party, for a member", guest, f"/parties/{parties[0].slug}"),
        ("the page of a host", guest, "/user/host"),
    ):
        visitor.get(path)
        say(name, f"{per(REQUESTS, lambda: [visitor.get(path) for _ in range(REQUESTS)]):.1f} ms")  # noqa: B023
    say(
        "an RSVP",
        f"{per(100, lambda: [guest.post(f'/parties/{p.slug}/rsvp', {'answer': 'yes'}, follow=False) for p in parties[:100]]):.1f} ms",
    )
    say("memory of this process at most", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")
    _logins_and_entries(site, members)
    with site.app_context():
        db.session.execute(text("ANALYZE"))
        for table, name in ROWS.items():
            size, count = db.session.execute(
                text(f"SELECT pg_total_relation_size('{table}'), (SELECT count(*) FROM {table})")  # noqa: S608
            ).one()
            say(f"{name}, {count} rows with their indexes", f"{size // max(count, 1)} bytes each")


def _write(site: Any, party_id: int) -> None:
    """Remind the guests of a party, as often as it takes."""
    with site.app_context():
        party = db.session.get_one(DinnerParty, party_id)
        rsvps = db.session.scalars(select(Rsvp).where(Rsvp.party_id == party_id)).all()
        for number in range(EMAILS // len(rsvps)):
            for rsvp in rsvps:
                with transaction():
                    message_mail.reminder_start(party, rsvp, str(number), ())


def _deliver(site: Any) -> None:
    with site.app_context():
        report = delivery.drain()
    if report.sent != EMAILS:
        sys.exit(f"Only {report.sent} of {EMAILS} e-mails were sent: {report.unreachable}")


def _logins_and_entries(site: Any, members: list[Member]) -> None:
    for member in members[:300]:
        Visitor(site).log_in_as(member)
    with site.app_context(), transaction():
        for member in members:
            audit.record("login_failed", "member", member, actor=member)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _receive(port: int) -> None:
    with mail_server(port):
        time.sleep(3600)


if __name__ == "__main__":
    main()
