"""Messages are read as they come: of many programs, malformed, hostile."""

import time
from email.message import EmailMessage

import pytest

from app.inbound import reading

REPORT = b"""\
From: Mail Delivery System <MAILER-DAEMON@mx.example.net>
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Message-ID: <20261127@mx.example.net>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.net.

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Arrival-Date: Fri, 27 Nov 2026 10:00:00 +0000 (UTC)

Final-Recipient: rfc822; nobody@example.net
Original-Recipient: rfc822;nobody@example.net
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <nobody@example.net>: Recipient address
    rejected: User unknown in virtual mailbox table

--B
Content-Type: %s

Message-ID: <one@dinner.example.org>
Subject: Soup
To: nobody@example.net

--B--
"""
CALENDAR = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:%s\r\nEND:VCALENDAR\r\n"


def message(text="Hello", **headers):
    made = EmailMessage()
    made["Subject"] = "Soup"
    made["From"] = "Rosa <rosa@example.org>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


@pytest.mark.parametrize("kind", [b"message/rfc822", b"text/rfc822-headers"])
def test_a_delivery_report_says_which_email_and_why(kind):
    read = reading.read(REPORT % kind)
    (report,) = read.reports
    assert (report.action, report.status) == ("failed", "5.1.1")
    assert report.reason.startswith("550 5.1.1 <nobody@example.net>: Recipient address rejected: User unknown")
    assert read.reported_id == "<one@dinner.example.org>"
    assert read.is_automatic


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "Auto-Generated; reason=vacation"},
        {"Precedence": "bulk"},
        {"X_Autoreply": "yes"},
        {"List_Id": "<cooks.example.org>"},
    ],
)
def test_what_a_program_wrote_is_automatic(headers):
    assert reading.read(message(**headers).as_bytes()).is_automatic


def test_what_a_person_wrote_is_not():
    assert not reading.read(message(Auto_Submitted="no").as_bytes(), "rosa@example.org").is_automatic
    assert reading.read(message().as_bytes(), "").is_automatic


def test_the_text_is_the_plain_one_or_made_of_html():
    both = message("plain ñ")
    both.add_alternative("<p>html</p>", subtype="html")
    both.add_attachment(b"x", maintype="image", subtype="png", filename="cake.png")
    read = reading.read(both.as_bytes())
    assert (read.text, read.attachments) == ("plain ñ", ("cake.png",))
    html = EmailMessage()
    html.set_content(
        "<style>p {}</style><p>One &amp;\ntwo</p><script>x()</script><div>three<br>four</div>", subtype="html"
    )
    assert reading.read(html.as_bytes()).text == "One & two\n\nthree\nfour"


@pytest.mark.parametrize("kind", ["alternative", "attachment", "file"])
def test_a_calendar_object_is_found(kind):
    made, text = message("Yes"), CALENDAR % "reply"
    if kind == "alternative":
        made.add_alternative(text, subtype="calendar", params={"method": "REPLY"})
    elif kind == "attachment":
        made.add_attachment(text.encode(), maintype="application", subtype="ics")
    else:
        made.add_attachment(text.encode(), maintype="application", subtype="octet-stream", filename="invite.ICS")
    read = reading.read(made.as_bytes())
    assert (read.calendar_method, read.calendar) == ("REPLY", text.replace("\r\n", "\n"))


def test_a_calendar_without_a_method_is_none():
    made = message()
    made.add_attachment(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR", maintype="text", subtype="calendar")
    assert (reading.read(made.as_bytes()).calendar, reading.read(made.as_bytes()).calendar_method) == ("", "")


NESTED = b"".join(
    b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (number, number) for number in range(20_000)
)
HOSTILE = {
    "empty": b"",
    "binary": bytes(range(256)) * 100,
    "nested": NESTED,
    "unknown charset": b"Content-Type: text/plain; charset=nope\nSubject: =?nope?q?x?=\n\nhello",
    "header of a megabyte": b"Subject: " + b"a" * 1_000_000 + b"\n\nhello",
    "many parts": b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\nhello\n" * 10_000,
    "broken base64": b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n%%%",
    "broken report": b"Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\n\x00\n--x--",
    "much html": b"Content-Type: text/html\n\n" + b"<div><p" * 50_000,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_message_costs_little(data):
    started = time.process_time()
    read = reading.read(data)
    # Not as long as it takes where the time grows with the square of the size.
    assert time.process_time() - started < 10
    assert read is None or len(read.text) <= reading.MAX_TEXT
    assert read is None or "\0" not in read.text + read.subject + read.sender
