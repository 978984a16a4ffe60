"""What calendar programs make of an invitation, its update, its cancellation and the feed, and what the site makes of their answers.

`make readers` runs it after `tests.calendar_readers`. It needs node and npm, and the Debian packages evolution-data-server,
gir1.2-ecal-2.0, python3-gi and dbus; khal, vdirsyncer, Radicale and xandikos come from PyPI into a temporary folder.

Answers go to the inbound door by SMTP, as ical.js (Thunderbird) and libical (Evolution) write them, and as nodemailer sends them.
"""

import json
import logging
import os
import shutil
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask
from sqlalchemy import select

from app import create_app, setup
from app.accounts.models import Member
from app.database import transaction
from app.extensions import db
from app.inbound.server import Listener
from app.outbox.models import OutboxEmail
from app.parties import wall_clock
from app.parties.calendar import ics
from app.parties.calendar.ics import Published
from app.parties.enums import PartyStatus
from app.parties.hosting import service as hosting_service
from app.parties.invitations import service as invitation_service
from app.parties.invitations.import_list import ImportEntry
from app.parties.models import DinnerParty, Rsvp
from tests.support.smtp import HOST, free_port

logger = logging.getLogger(__name__)
PROGRAMS = ("khal==0.14.1", "vdirsyncer==0.21.0", "radicale==3.9.0", "xandikos==0.4.10")
JAVASCRIPT = ("ical.js@2.2.1", "nodemailer@8.0.0")
# The local times of the parties in the feed. The first one is the invitation, which is moved.
STARTS = {
    "America/Vancouver": "2027-01-15T19:00",
    "Europe/Madrid": "2027-03-28T19:00",
    "Africa/Casablanca": "2027-02-10T20:00",
    "Asia/Kolkata": "2027-05-01T20:00",
}
MOVED = "2027-01-16T20:00"
GUEST = "iris@example.org"
SECONDS = 60
# Reads iCalendar objects, gives each to Evolution's calendar, and prints when its event begins.
EVOLUTION = """\
import json, sys
import gi
for name, version in (("ECal", "2.0"), ("EDataServer", "1.2"), ("ICalGLib", "3.0")):
    gi.require_version(name, version)
from gi.repository import ECal, EDataServer, ICalGLib
registry = EDataServer.SourceRegistry.new_sync(None)
client = ECal.Client.connect_sync(registry.ref_builtin_calendar(), ECal.ClientSourceType.EVENTS, 30, None)
found = []
for text, uid in json.load(sys.stdin):
    client.receive_objects_sync(ICalGLib.Component.new_from_string(text), ECal.OperationFlags.NONE, None)
    try:
        _done, event = client.get_object_sync(uid, None, None)
    except gi.repository.GLib.Error:
        found.append(None)
        continue
    prop = event.get_first_property(ICalGLib.PropertyKind.DTSTART_PROPERTY)
    start, tzid = prop.get_dtstart(), prop.get_first_parameter(ICalGLib.ParameterKind.TZID_PARAMETER)
    zone = client.get_timezone_sync(tzid.get_tzid(), None)[1] if tzid else ICalGLib.Timezone.get_utc_timezone()
    clock = "%04d-%02d-%02dT%02d:%02d" % (*start.get_date(), *start.get_time()[:2])
    found.append([start.as_timet_with_zone(zone), event.get_status().value_nick, tzid and tzid.get_tzid(), clock])
print(json.dumps(found))
"""
# Makes the answer to an invitation as Thunderbird does, and sends it as nodemailer does.
ANSWER = """\
import { readFileSync } from "node:fs";
import ICAL from "ical.js";
import nodemailer from "nodemailer";
const { text, partstat, port, guest } = JSON.parse(readFileSync(0, "utf8"));
const asked = new ICAL.Component(ICAL.parse(text)), event = asked.getFirstSubcomponent("vevent");
const reply = new ICAL.Component(["vcalendar", [], []]), answer = ICAL.Component.fromString(event.toString());
reply.updatePropertyWithValue("prodid", "-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN");
reply.updatePropertyWithValue("version", "2.0");
reply.updatePropertyWithValue("method", "REPLY");
answer.getFirstProperty("attendee").setParameter("partstat", partstat);
answer.getFirstProperty("attendee").removeParameter("rsvp");
answer.updatePropertyWithValue("dtstamp", ICAL.Time.now());
reply.addSubcomponent(answer);
const to = event.getFirstPropertyValue("organizer").replace(/^mailto:/i, "");
await nodemailer.createTransport({ host: "127.0.0.1", port, ignoreTLS: true }).sendMail({
  from: guest, to, subject: `${partstat}: dinner`, text: "I have answered.",
  icalEvent: { method: "REPLY", filename: "invite.ics", content: reply.toString() },
});
"""
# Makes the answer as Evolution does: the event with one attendee, without the zone of others.
LIBICAL = """\
import sys
import gi
gi.require_version("ICalGLib", "3.0")
from gi.repository import ICalGLib
asked = ICalGLib.Component.new_from_string(sys.stdin.read())
event = asked.get_first_component(ICalGLib.ComponentKind.VEVENT_COMPONENT)
who = event.get_first_property(ICalGLib.PropertyKind.ATTENDEE_PROPERTY)
who.set_parameter(ICalGLib.Parameter.new_partstat(getattr(ICalGLib.ParameterPartstat, sys.argv[1])))
event.set_dtstamp(ICalGLib.Time.new_current_with_zone(ICalGLib.Timezone.get_utc_timezone()))
asked.set_method(ICalGLib.PropertyMethod.REPLY)
print(asked.as_ical_string())
"""


@dataclass(frozen=True)
class Sent:
    """An iCalendar object of the site, and when its parties begin, by their UID."""

    name: str
    text: str
    starts: dict[str, datetime]
    is_cancelled: bool = False


# -- the site


@contextmanager
def site(folder: Path) -> Iterator[Flask]:
    """Run a site that receives e-mail by SMTP."""
    port = free_port()
    os.environ.update(
        INSTANCE_PATH=str(folder),
        MAIL_DEFAULT_SENDER="Dinner <dinner@dinner.test>",
        PUBLIC_URL="https://dinner.test",
        SECRET_KEY="readers-0f8dM2zq-Yp3uWn7_kTgLx4RbVhJc6sE",
        INBOUND_LISTEN=f"smtp://{HOST}:{port}",
    )
    app = create_app()
    with app.app_context():
        setup.prepare()
    listener = Listener(app)
    thread = threading.Thread(target=listener.run_forever)
    thread.start()
    try:
        wait_for(lambda: listener.is_listening)
        yield app
    finally:
        listener.stop()
        thread.join()


def wait_for(condition: Callable[[], Any]) -> None:
    """Wait until a program is ready."""
    until = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.1)


def messages(app: Flask) -> list[Sent]:
    """Let a host plan parties, invite a guest to the first, move and cancel it; return what calendars get."""
    with app.app_context():
        with transaction():
            host = Member(username="host", email="host@example.org", first_name="Ada", last_name="Host", password="-")
            db.session.add(host)
            parties = []
            for zone, local in STARTS.items():
                party = DinnerParty(
                    title=f"Ñoquis, عشاء; {zone}", number_seats=9, timezone=zone, status=PartyStatus.PUBLISHED
                )
                party.starts_at = wall_clock.moment_of(datetime.fromisoformat(local), 0, zone)
                hosting_service.create_party(party, host)
                parties.append(party)
            first = parties[0]
            invitation_service.invite(first, host, [ImportEntry(GUEST, "Iris", 2)], "en")
            feed = Sent(
                "feed",
                ics.published([Published(party, with_address=True) for party in parties], "Dinners of Ada"),
                {ics.uid(party): party.starts_at for party in parties},
            )
        sent = [_sent("invitation", first)]
        with transaction():
            first.starts_at = wall_clock.moment_of(datetime.fromisoformat(MOVED), 0, first.timezone)
            hosting_service.update_party(first)
        sent.append(_sent("update", first))
        return [*sent, feed]


def cancel(app: Flask) -> Sent:
    """Cancel the first party."""
    with app.app_context():
        first = db.session.get_one(DinnerParty, 1)
        with transaction():
            hosting_service.cancel_party(first)
        return _sent("cancellation", first, is_cancelled=True)


def _sent(name: str, party: DinnerParty, *, is_cancelled: bool = False) -> Sent:
    return Sent(name, last_calendar(), {ics.uid(party): party.starts_at}, is_cancelled)


def last_calendar() -> str:
    """Return what the guest's calendar was sent last."""
    statement = select(OutboxEmail.calendar).where(OutboxEmail.recipient == GUEST, OutboxEmail.calendar.is_not(None))
    return str(db.session.scalars(statement.order_by(OutboxEmail.id.desc()).limit(1)).one())


# -- programs


def run(command: list[Any], text: str = "", **environment: str) -> str:
    """Run a command and return its output."""
    done = subprocess.run(
        [str(part) for part in command],
        input=text,
        text=True,
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr[-2000:]}")
    return done.stdout


def khal(folder: Path, bin_: Path, sent: list[Sent]) -> Iterator[str]:
    """Import everything into khal, and compare what it lists in UTC."""
    conf = folder / "khal.conf"
    conf.write_text(
        f"[calendars]\n[[dinners]]\npath = {folder}/khal\n[locale]\nlocal_timezone = UTC\ndefault_timezone = UTC\n"
        "timeformat = %H:%M\ndateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\ndatetimeformat = %Y-%m-%d %H:%M\n"
        "longdatetimeformat = %Y-%m-%d %H:%M\n"
    )
    for each in sent:
        (folder / "one.ics").write_text(each.text)
        run([bin_ / "khal", "-c", conf, "import", "--batch", folder / "one.ics"], HOME=str(folder))
        listed = run(
            [bin_ / "khal", "-c", conf, "list", "--day-format", "", "--format", "{uid}|{start-long}|{cancelled}", "2027-01-01", "365d"],
            HOME=str(folder),
        )  # fmt: skip
        found = {
            uid: (start, cancelled)
            for uid, start, cancelled in (line.split("|") for line in listed.split("\n") if line)
        }
        for uid, meant in each.starts.items():
            start, cancelled = found.get(uid, ("nothing", ""))
            if start != f"{meant:%Y-%m-%d %H:%M}" or bool(cancelled.strip()) != each.is_cancelled:
                yield f"khal shows {start} {cancelled}for {uid} of the {each.name}, which is {meant:%Y-%m-%d %H:%M}"


def evolution(folder: Path, sent: list[Sent]) -> Iterator[str]:
    """Let Evolution's calendar receive everything."""
    home = folder / "evolution"
    home.mkdir(mode=0o700)
    (folder / "evolution.py").write_text(EVOLUTION)
    steps = [(each, uid) for each in sent for uid in each.starts]
    command = ["dbus-run-session", "--", "/usr/bin/python3", folder / "evolution.py"]
    answer = run(
        command, json.dumps([(each.text, uid) for each, uid in steps]), HOME=str(home), XDG_RUNTIME_DIR=str(home)
    )
    for (each, uid), found in zip(steps, json.loads(answer), strict=True):
        if each.is_cancelled:
            if found is not None and found[1] != "cancelled":
                yield f"Evolution keeps {uid} after the {each.name}: {found}"
        elif found is None or not _is_same(each.starts[uid], *found):
            yield f"Evolution has {found} for {uid} of the {each.name}, which is {each.starts[uid]}"


def _is_same(meant: datetime, seconds: int, _status: str, tzid: str | None, clock: str) -> bool:
    """Whether it is the same instant; or, by a calendar that goes by the name of the zone, the same time by the clock."""
    if datetime.fromtimestamp(seconds, UTC) == meant:
        return True
    name = next((zone for zone in STARTS if tzid and tzid.endswith(zone)), "UTC")
    return f"{meant.astimezone(ZoneInfo(name)):%Y-%m-%dT%H:%M}" == clock


@contextmanager
def server(command: list[Any], port: int) -> Iterator[str]:
    """Run a calendar server and return its address."""
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://{HOST}:{port}/"
    try:
        wait_for(lambda: process.poll() is not None or _answers(url))
        yield url
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - of this machine
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def synchronised(folder: Path, bin_: Path, name: str, url: str, calendar: str, feed: Sent) -> Iterator[str]:
    """Let vdirsyncer put the feed on a calendar server, and read it back from there."""
    here = folder / name
    (here / "in").mkdir(parents=True)
    (here / "out").mkdir()
    (here / "feed.ics").write_text(feed.text)
    conf = here / "vdirsyncer.conf"
    conf.write_text(
        f'[general]\nstatus_path = "{here}/status"\n'
        '[pair up]\na = "feed"\nb = "server"\ncollections = [["dinners", null, "{calendar}"]]\nconflict_resolution = "a wins"\n'
        f'[storage feed]\ntype = "singlefile"\npath = "{here}/feed.ics"\n'
        '[pair down]\na = "server"\nb = "files"\ncollections = [["dinners", "{calendar}", null]]\n'
        f'[storage server]\ntype = "caldav"\nurl = "{url}"\nusername = "ada"\npassword = "ada"\n'
        f'[storage files]\ntype = "filesystem"\npath = "{here}/out"\nfileext = ".ics"\n'
    )
    for pair in ("up", "down"):
        run([bin_ / "vdirsyncer", "-c", conf, "discover", pair], "y\ny\ny\n", HOME=str(here))
        run([bin_ / "vdirsyncer", "-c", conf, "sync", pair], HOME=str(here))
    texts = [path.read_text() for path in (here / "out").iterdir()]
    starts = {line for line in feed.text.splitlines() if line.startswith("DTSTART;TZID=")}
    kept = {line for text in texts for line in text.splitlines() if line in starts}
    uids = {uid for uid in feed.starts for text in texts if uid in text}
    if uids != set(feed.starts) or kept != starts or not all("BEGIN:VTIMEZONE" in text for text in texts):
        yield f"{name} returns {sorted(uids)} and {sorted(kept)} of the feed"


# -- answers


def answers(app: Flask, folder: Path) -> Iterator[str]:
    """Answer the invitation by SMTP as Thunderbird, Evolution and nodemailer do; compare what is recorded."""
    port = int(app.config["INBOUND_LISTEN"].rpartition(":")[2])
    (folder / "answer.mjs").write_text(ANSWER)
    (folder / "libical.py").write_text(LIBICAL)

    def by_javascript(text: str, partstat: str) -> None:
        asked = json.dumps({"text": text, "partstat": partstat, "port": port, "guest": GUEST})
        run(["node", folder / "answer.mjs"], asked)

    def by_evolution(text: str, partstat: str) -> None:
        reply = run(["/usr/bin/python3", folder / "libical.py", partstat], text)
        message = EmailMessage()
        message["From"], message["Subject"] = GUEST, f"{partstat}: dinner"
        message["To"] = text.replace("\r\n ", "").split("ORGANIZER")[1].partition("mailto:")[2].split("\r\n")[0]
        message.set_content(reply, subtype="calendar", params={"method": "REPLY", "name": "meeting.ics"})
        with smtplib.SMTP(HOST, port) as client:
            client.send_message(message)

    for name, send, partstat, status in (
        ("ical.js and nodemailer", by_javascript, "ACCEPTED", "yes"),
        ("Evolution", by_evolution, "TENTATIVE", "maybe"),
        ("ical.js and nodemailer", by_javascript, "DECLINED", "no"),
        ("Evolution", by_evolution, "ACCEPTED", "yes"),
    ):
        with app.app_context():
            text = last_calendar()
            if "METHOD:CANCEL" in text:
                # Who changes their mind answers the invitation that is still in their mailbox.
                statement = select(OutboxEmail.calendar).where(OutboxEmail.kind == "invitation_changed")
                text = str(db.session.scalars(statement).one())
        # An answer counts if it is not older than the last one, to the second.
        time.sleep(1)
        send(text, partstat)
        with app.app_context():
            found = db.session.scalars(select(Rsvp.status).where(Rsvp.email == GUEST)).all()
        if found != [status]:
            yield f"{partstat} of {name} was recorded as {found}"


# -- all of them


def prepare(folder: Path) -> None:
    """Install what comes from PyPI and npm."""
    (folder / "package.json").write_text("{}")
    run(["npm", "install", "--prefix", folder, "--no-fund", "--no-audit", *JAVASCRIPT])
    run([sys.executable, "-m", "venv", folder / "venv"])
    run([folder / "venv" / "bin" / "pip", "install", "--quiet", *PROGRAMS])


def compare(folder: Path) -> list[str]:
    """Return what is wrong."""
    bin_ = folder / "venv" / "bin"
    (folder / "site").mkdir()
    with site(folder / "site") as app:
        invitation, update, feed = messages(app)
        problems = list(answers(app, folder))
        sent = [invitation, update, cancel(app)]
    problems += [*khal(folder, bin_, [*sent, feed]), *evolution(folder, [*sent, feed])]
    for name, program, calendar in (("Radicale", _radicale, "dinners"), ("xandikos", _xandikos, "calendar")):
        port = free_port()
        with server(program(folder, bin_, port), port) as url:
            problems += synchronised(folder, bin_, name, url, calendar, feed)
    return problems


def _radicale(folder: Path, bin_: Path, port: int) -> list[Any]:
    where = ["--hosts", f"{HOST}:{port}", "--storage-filesystem-folder", folder / "radicale"]
    return [bin_ / "radicale", "--auth-type", "none", *where]


def _xandikos(folder: Path, bin_: Path, port: int) -> list[Any]:
    where = ["--listen-address", HOST, "--port", port, "-d", folder / "xandikos"]
    return [bin_ / "xandikos", "serve", "--defaults", "--current-user-principal", "/ada", *where]


def main() -> int:
    """Log what programs make of what the site sends, and return 1 if something is wrong."""
    wanted = ("node", "npm", "dbus-run-session")
    missing = [name for name in wanted if shutil.which(name) is None]
    if missing:
        sys.exit(f"This needs {', '.join(missing)}.")
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name))
        problems = compare(Path(name))
    for problem in problems:
        logger.error(problem)
    logger.info(
        "%d problems with khal, vdirsyncer, Radicale, xandikos, Evolution, ical.js and nodemailer", len(problems)
    )
    return int(bool(problems))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logger.setLevel(logging.INFO)
    sys.exit(main())
