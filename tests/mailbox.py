"""The mailbox of the site in a real Dovecot, read by IMAP: `make mailbox`, as root.

It needs the Debian packages dovecot-imapd and dovecot-lmtpd. Dovecot runs with files in a temporary folder and on the loopback
interface. E-mail comes to it by LMTP, as from a mail server: answers of guests, a delivery report, and what must not disturb.
"""

import os
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

from flask import Flask
from sqlalchemy import select

from app import clock, create_app, setup
from app.accounts.models import Member
from app.database import transaction
from app.extensions import db
from app.inbound import addresses, imap, server
from app.inbound.models import InboundMessage
from app.outbox.models import EmailState, OutboxEmail, UnreachableAddress
from app.parties.calendar import ics
from app.parties.enums import PartyStatus
from app.parties.hosting import service as hosting_service
from app.parties.invitations import service as invitation_service
from app.parties.invitations.import_list import ImportEntry
from app.parties.models import DinnerParty, Rsvp
from tests.support.smtp import HOST, free_port

USER, PASSWORD, GUEST = "dinner", "s3cret & ñ/word", "iris@example.org"
SECONDS = 20
CONF = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:~/Maildir
recipient_delimiter = +
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%n {folder}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={folder}/home/%n
}}
auth_username_format = %Ln
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
namespace inbox {{
  inbox = yes
}}
"""


@contextmanager
def dovecot(folder: Path, imap_port: int, lmtp_port: int) -> Iterator[None]:
    """Run Dovecot with one mailbox."""
    (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    (folder / "home").mkdir(mode=0o777)
    (folder / "home").chmod(0o777)
    conf = folder / "dovecot.conf"
    conf.write_text(CONF.format(folder=folder, imap=imap_port, lmtp=lmtp_port))
    process = subprocess.Popen(["dovecot", "-F", "-c", conf])
    try:
        until = time.monotonic() + SECONDS
        while not _answers(imap_port) or not _answers(lmtp_port):
            if process.poll() is not None or time.monotonic() > until:
                sys.exit(f"Dovecot does not start: {(folder / 'log').read_text()}")
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), 1).close()
    except OSError:
        return False
    return True


def site(folder: Path, imap_port: int) -> Flask:
    """Return a site that reads the mailbox."""
    os.environ.update(
        INSTANCE_PATH=str(folder),
        MAIL_DEFAULT_SENDER=f"Dinner <{USER}@dinner.test>",
        PUBLIC_URL="https://dinner.test",
        SECRET_KEY="mailbox-0f8dM2zq-Yp3uWn7_kTgLx4RbVhJc6sE",
        INBOUND_IMAP=f"imap://{USER}:{quote(PASSWORD, safe='')}@{HOST}:{imap_port}/INBOX",
    )
    app = create_app()
    with app.app_context():
        setup.prepare()
    return app


def message(subject: str, to: str, text: str = "Is there parking?", **headers: str) -> EmailMessage:
    """Return what a guest writes."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = GUEST, to, subject
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


REPORT = """\
From: MAILER-DAEMON@example.org
Subject: Undelivered Mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=="

--==
Content-Type: message/delivery-status

Reporting-MTA: dns; example.org

Final-Recipient: rfc822; {guest}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 No such user

--==
Content-Type: text/rfc822-headers

Message-ID: {message_id}

--==--
"""


def compare(app: Flask, lmtp_port: int) -> Iterator[str]:
    """Send e-mail to the mailbox, read it, and yield what is wrong."""
    with app.app_context():
        with transaction():
            host = Member(username="host", email="host@example.org", first_name="Ada", last_name="Host", password="-")
            db.session.add(host)
            start = clock.now() + timedelta(days=30)
            party = DinnerParty(title="Soup", timezone="Europe/Madrid", starts_at=start, status=PartyStatus.PUBLISHED)
            hosting_service.create_party(party, host)
            invitation_service.invite(party, host, [ImportEntry(GUEST, "Iris", 2)], "en")
        invited = db.session.scalars(select(OutboxEmail).where(OutboxEmail.recipient == GUEST)).one()
        with transaction():
            invited.state = EmailState.SENT
        calendar, uid, message_id, number = str(invited.calendar), ics.uid(party), invited.message_id, invited.id
        bounce = str(addresses.make(addresses.BOUNCE, str(number)))
    organizer = calendar.replace("\r\n ", "").split("ORGANIZER")[1].partition("mailto:")[2].split("\r\n")[0]
    yes = message("Accepted", organizer, "Yes")
    answer = f"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:{GUEST}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    yes.add_alternative(answer, subtype="calendar", params={"method": "REPLY"})
    base = f"{USER}@dinner.test"
    large = message("Large", base, "x" * 70 + ("\n" + "y" * 70) * (server.MAX_BYTES // 70))
    with smtplib.LMTP(HOST, lmtp_port) as client:
        for to, sender, made in (
            (base, GUEST, message("Ñandú 🍲 to nobody", base, "Hello ñ")),
            (organizer, GUEST, yes),
            (reply_address(app), GUEST, message("Parking", "Dinner <hidden@example.org>", "Is there parking?")),
            (base, GUEST, message("Away", base, Auto_Submitted="auto-replied")),
            (bounce, "", REPORT.format(guest=GUEST, message_id=message_id)),
            (base, GUEST, large),
        ):
            client.sendmail(sender, [to], made if isinstance(made, str) else made.as_bytes())
    with app.app_context():
        first, second = imap.poll(), imap.poll()
        if (first, second) != (6, 0):
            yield f"{first} messages were read, then {second}"
        if (statuses := db.session.scalars(select(Rsvp.status).where(Rsvp.email == GUEST)).all()) != ["yes"]:
            yield f"the answer of the calendar was recorded as {statuses}"
        if "guest_reply" not in (kinds := db.session.scalars(select(OutboxEmail.kind)).all()):
            yield f"the reply was not passed on: {kinds}"
        if (kept := db.session.scalars(select(InboundMessage.text)).all()) != ["Hello ñ"]:
            yield f"kept for administrators: {kept}"
        if not db.session.scalars(select(UnreachableAddress).where(UnreachableAddress.email == GUEST)).all():
            yield "the delivery report was not understood"


def reply_address(app: Flask) -> str:
    """Return where the guest writes to the host."""
    with app.app_context():
        return str(db.session.scalars(select(OutboxEmail.reply_to).where(OutboxEmail.recipient == GUEST)).one())


def main() -> None:
    """Run everything, and exit with an error if something is wrong."""
    if shutil.which("dovecot") is None or os.geteuid() != 0:
        sys.exit("This needs root, dovecot-imapd and dovecot-lmtpd.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "site").mkdir()
        imap_port, lmtp_port = free_port(), free_port()
        with dovecot(folder, imap_port, lmtp_port):
            problems = list(compare(site(folder / "site", imap_port), lmtp_port))
        log = (folder / "log").read_text()
    print(f"Dovecot: {len(problems)} problems")  # noqa: T201
    sys.exit("\n".join([*problems, log]) if problems else None)


if __name__ == "__main__":
    main()
