"""Every kind of e-mail in every language, through Postfix and OpenDKIM into a mailbox: `make letters`, as root.

It needs the Debian packages postfix, opendkim and opendkim-tools, and uses spamassassin where it is installed. All run
with files in a temporary folder and on the loopback interface. Each e-mail must arrive with its subject, and signed with
the headers that one-click unsubscribe needs (RFC 8058).
"""

import email.header
import mailbox
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app import clock, create_app, setup
from app.charts import png_process
from app.charts.model import Mark, Plot, Point, Series
from app.dashboards.weekly import mail as weekly_mail
from app.database import transaction
from app.extensions import db
from app.i18n import locales
from app.i18n.selectors import force_locale
from app.outbox import delivery, service
from app.outbox.models import SECRET, EmailTopic, OutboxEmail
from tests.support.smtp import free_port

DOMAIN, SELECTOR = "dinner.test", "letters"
READER = f"reader@guests.{DOMAIN}"
SIGNED = {"from", "to", "subject", "list-unsubscribe", "list-unsubscribe-post"}
# Kinds that their readers can unsubscribe from.
TOPICS = {
    "party_invitation": EmailTopic.INVITATIONS,
    "reminder_answer": EmailTopic.INVITATIONS,
    "guest_message": EmailTopic.MESSAGES,
    "reminder_start": EmailTopic.REMINDERS,
    "answers_digest": EmailTopic.ANSWERS,
    "dashboard": EmailTopic.DASHBOARDS,
}
TITLE, NAME = "Ñoquis, عشاء & Käse in Zoës Küche", "Zoë Müller عمر"
SECONDS = 60
CHART = Plot([Series(NAME, [Point("Käse", 3), Point("عشاء", 5)], Mark.BAR)])
MAIN_CF = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.{domain}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = guests.{domain}
virtual_mailbox_maps = static:all
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
virtual_minimum_uid = 1
smtpd_milters = inet:127.0.0.1:{milter}
milter_default_action = tempfail
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
import_environment = MAIL_CONFIG={folder}/conf
"""
OPENDKIM_CONF = """
Domain {domain}
Selector {selector}
KeyFile {folder}/{selector}.private
Socket inet:{milter}@127.0.0.1
InternalHosts 127.0.0.1
SignHeaders *,+list-unsubscribe,+list-unsubscribe-post
RequireSafeKeys no
Syslog no
Background no
"""
NOBODY = 65534


def main() -> None:
    """Send all e-mails, and exit with an error if one does not arrive as it should."""
    missing = [name for name in ("postfix", "opendkim", "opendkim-genkey") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        sys.exit(f"This needs root and {', '.join(missing) or 'nothing else'}.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        port, milter = free_port(), free_port()
        with _opendkim(folder, milter), _postfix(folder, port, milter):
            sent = _send(folder, port)
            arrived = _wait(folder, len(sent))
        problems = _problems(sent, arrived)
        score = _spam_score(folder / "mail" / "all")
    print(f"{len(sent)} e-mails sent, {len(arrived)} arrived; SpamAssassin: {score}")  # noqa: T201
    sys.exit("\n".join(problems) or None)


@contextmanager
def _opendkim(folder: Path, milter: int) -> Iterator[None]:
    subprocess.run(["opendkim-genkey", "-D", folder, "-d", DOMAIN, "-s", SELECTOR], check=True)
    conf = folder / "opendkim.conf"
    conf.write_text(OPENDKIM_CONF.format(folder=folder, domain=DOMAIN, selector=SELECTOR, milter=milter))
    process = subprocess.Popen(["opendkim", "-f", "-x", conf])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _postfix(folder: Path, port: int, milter: int) -> Iterator[None]:
    conf = folder / "conf"
    for name in (conf, folder / "queue", folder / "data", folder / "mail"):
        name.mkdir()
    shutil.chown(folder / "data", "postfix")
    os.chown(folder / "mail", NOBODY, NOBODY)
    (conf / "main.cf").write_text(MAIN_CF.format(folder=folder, domain=DOMAIN, milter=milter, uid=NOBODY))
    services = Path("/usr/share/postfix/master.cf.dist").read_text().splitlines()
    own = [
        line.replace("smtp ", f"127.0.0.1:{port} ", 1) if line.startswith("smtp      inet") else line
        for line in services
    ]
    (conf / "master.cf").write_text("\n".join(own) + "\n")
    subprocess.run(["postfix", "-c", conf, "start"], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["postfix", "-c", conf, "stop"], check=False, capture_output=True)


def _send(folder: Path, port: int) -> dict[str, OutboxEmail]:
    """Send each kind in each language; return the e-mails by Message-ID."""
    for key, value in {
        "INSTANCE_PATH": str(folder / "instance"),
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": str(port),
        "MAIL_DEFAULT_SENDER": f"Löffel & Co <dinner@{DOMAIN}>",
        "PUBLIC_URL": f"https://{DOMAIN}",
        "SECRET_KEY": "letters-0f8dM2zq-Yp3uWn7_kTgLx4RbVhJc6sE",
    }.items():
        os.environ[key] = value
    (folder / "instance").mkdir()
    app = create_app()
    kinds = sorted(path.name for path in Path(app.root_path, "templates", "mail").iterdir() if path.is_dir())
    with app.app_context():
        setup.prepare()
        with transaction():
            service.enqueue_many([_request(kind, info.key) for kind in kinds for info in locales.shipped()])
            sent = {each.message_id: each for each in db.session.scalars(select(OutboxEmail))}
        _wait_for_port(port)
        report = delivery.drain()
    if report.sent != len(sent):
        sys.exit(f"Not all e-mails were sent: {report}")
    return sent


def _request(kind: str, locale: str) -> service.EmailRequest:
    request = service.EmailRequest(
        kind,
        to=READER,
        name=NAME,
        locale=locale,
        context=_context(),
        dedupe_key=f"{kind}:{locale}",
        secret="s3cret",
        topic=TOPICS.get(kind),
    )
    if kind != weekly_mail.KIND:
        return request
    with force_locale(locale, "Europe/Madrid"):
        drawn = {f"{number}.png": png_process.draw(CHART, f"{TITLE} {number}") for number in (1, 2)}
    parts = [
        weekly_mail.Part(TITLE, f"cid:{service.content_id(name)}", NAME, ["Käse"], [["8"]], is_cut=True)
        for name in drawn
    ]
    return replace(request, context={**request.context, "dashboard": TITLE, "parts": parts, "more": 1}, pictures=drawn)


def _context() -> dict[str, Any]:
    """Return a value for each name that occurs in the templates of e-mails."""
    now, url = clock.now(), f"https://{DOMAIN}/{SECRET}"
    party = {
        "title": TITLE, "slug": "soup", "starts_at": now + timedelta(days=9), "timezone": "Europe/Madrid",
        "venue": "Zoë's", "address": "Calle Mayor 1", "map_url": "https://maps.example.org/", "map_site": "maps.example.org",
        "main_dish": "Käsespätzle", "host_name": NAME, "url": url, "seats_free": 2,
        "answers": [{"guest": NAME, "status": "yes", "seats": 2, "note": "¡Qué bien!"}],
    }  # fmt: skip
    numbers = {"seats": 2, "size": 4, "earlier": 1, "most": 5, "needed": 2, "max_party": 3, "left": 3, "count": 1}
    names = dict.fromkeys(
        ("author", "guest", "host", "inviter", "username", "key_name", "factor_name", "provider"), NAME
    )
    moments = dict.fromkeys(
        ("at", "erase_at", "expires_at", "key_expires_at", "locked_until", "until", "asked_at"), now
    )
    links = dict.fromkeys(
        (
            "url",
            "devices_url",
            "factors_url",
            "forgot_url",
            "identities_url",
            "keys_url",
            "login_url",
            "offer_url",
            "party_url",
            "ticket_url",
        ),
        url,
    )
    texts = {"title": TITLE, "subject": TITLE, "note": "Sin gluten", "reason": "Spam", "dish": "Käse", "quantity": 2}
    more = {
        "party": party, "parties": [party], "address": READER, "place": 3, "status": "yes", "factor": "app",
        "browser": "Firefox", "scope": "read", "what": "ValueError", "where": "app.py:1", "answered_maybe": False,
        "brought": [{"name": "Käse", "quantity": 2}], "dishes": ["Käse"], "can_reply": True, "left_out": ["Käse.png"],
        "paragraphs": [["Hola,", "¿vienes?"]], "reach": "note",
    }  # fmt: skip
    return {**numbers, **names, **moments, **links, **texts, **more}


def _wait_for_port(port: int) -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.2)
        else:
            return


def _wait(folder: Path, count: int) -> list[Any]:
    until, path = time.monotonic() + SECONDS, folder / "mail" / "all"
    found: list[Any] = []
    while len(found) < count and time.monotonic() < until:
        time.sleep(0.5)
        found = list(mailbox.mbox(path)) if path.exists() else []
    return found


def _problems(sent: dict[str, OutboxEmail], arrived: list[Any]) -> list[str]:
    found = [f"{len(sent)} e-mails were sent, and {len(arrived)} arrived"] if len(sent) != len(arrived) else []
    for message in arrived:
        kind, subject = sent[message["Message-ID"]].dedupe_key, sent[message["Message-ID"]].subject
        shown = str(email.header.make_header(email.header.decode_header(message["Subject"].replace("\n", ""))))
        if shown != subject:
            found.append(f"{kind}: the subject {subject!r} arrived as {shown!r}")
        signature = "".join(str(message["DKIM-Signature"]).split())
        signed = set(signature.partition(";h=")[2].partition(";")[0].lower().split(":"))
        needed = {name for name in SIGNED if name in message}
        if not needed <= signed:
            found.append(f"{kind}: {sorted(needed - signed)} are not signed")
        shown_pictures = message.as_bytes().count(b"Content-ID: <")
        if shown_pictures != (2 if kind.startswith(f"{weekly_mail.KIND}:") else 0):
            found.append(f"{kind}: {shown_pictures} pictures arrived")
    return found


def _spam_score(path: Path) -> str:
    """Return the highest score of the rules that need no network."""
    if shutil.which("spamassassin") is None:
        return "not installed"
    command = ["spamassassin", "--local", "--test-mode", "--mbox", path]
    checked = subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8", "replace")
    scores = [float(score) for score in re.findall(r"^X-Spam-Status: .*?score=(-?[\d.]+)", checked, re.MULTILINE)]
    return f"highest score {max(scores)} of {len(scores)}" if scores else "no score found"


if __name__ == "__main__":
    main()
