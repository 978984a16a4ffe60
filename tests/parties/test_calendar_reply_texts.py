"""Replies as calendar programs write them are read; what is no reply is not."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.parties.calendar.replies import Reply, Wish, parse

# What icalendar says of the zones of Evolution.
pytestmark = pytest.mark.filterwarnings("ignore:Timezone .* is a globally unique TZID")
GUEST = "iris@example.org"
START, WRITTEN = datetime(2026, 7, 1, 18, 30, tzinfo=UTC), datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
UID = "dinner-7@dinner.example.org"
# ical.js, as in Thunderbird: everything of the event is repeated, long lines are folded.
THUNDERBIRD = """\
BEGIN:VCALENDAR
PRODID:-//A calendar//ical.js//EN
VERSION:2.0
METHOD:REPLY
BEGIN:VTIMEZONE
TZID:Europe/Madrid
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
LAST-MODIFIED:20260601T093000Z
DTSTAMP:20260601T093000Z
UID:dinner-7@dinner.example.org
SUMMARY:Soup
STATUS:CONFIRMED
ORGANIZER;CN=Rosa:mailto:dinner+calendar-i7-abcdefghijklmnop@dinner.exampl
 e.org
ATTENDEE;CN="Iris, of the soup";PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT;RSVP=TR
 UE:mailto:iris@example.org
DTSTART;TZID=Europe/Madrid:20260701T203000
DTEND;TZID=Europe/Madrid:20260701T233000
SEQUENCE:2
END:VEVENT
END:VCALENDAR
"""
# Evolution: what RFC 5546 asks for, with a comment.
EVOLUTION = """\
BEGIN:VCALENDAR
CALSCALE:GREGORIAN
PRODID:-//Another calendar//EN
VERSION:2.0
METHOD:REPLY
BEGIN:VEVENT
UID:dinner-7@dinner.example.org
DTSTAMP:20260601T093000Z
SEQUENCE:2
ORGANIZER;CN=Rosa:MAILTO:dinner+calendar-i7-abcdefghijklmnop@dinner.example.org
ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT=DECLINED;LANGUAGE=es:MAILTO:iris@example.org
COMMENT:Lo siento\\, otra vez será.\\nIris
SUMMARY:Soup
DTSTART;TZID=/freeassociation.sourceforge.net/Europe/Madrid:20260701T203000
END:VEVENT
END:VCALENDAR
"""
# Outlook and Exchange: zones of Windows, priorities, properties of their own, a tab after the fold, an upper-case address.
OUTLOOK = """\
BEGIN:VCALENDAR
METHOD:REPLY
PRODID:Yet another calendar
VERSION:2.0
BEGIN:VTIMEZONE
TZID:Romance Standard Time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
ATTENDEE;PARTSTAT=TENTATIVE;CN=Iris:mailto:IRIS@EXAMPLE.
\tORG
COMMENT;LANGUAGE=en-US:\\n
UID:dinner-7@dinner.example.org
SUMMARY;LANGUAGE=en-US:Tentative: Soup
DTSTART;TZID=Romance Standard Time:20260701T203000
DTEND;TZID=Romance Standard Time:20260701T233000
CLASS:PUBLIC
PRIORITY:5
DTSTAMP:20260601T093000Z
TRANSP:OPAQUE
STATUS:CONFIRMED
SEQUENCE:2
LOCATION;LANGUAGE=en-US:Casa
X-MICROSOFT-CDO-APPT-SEQUENCE:2
X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Reminder
TRIGGER;RELATED=START:-PT15M
END:VALARM
END:VEVENT
END:VCALENDAR
"""
# Google: in UTC, with the number of guests.
GOOGLE = """\
BEGIN:VCALENDAR
PRODID:-//One more calendar//EN
VERSION:2.0
CALSCALE:GREGORIAN
METHOD:REPLY
BEGIN:VEVENT
DTSTART:20260701T183000Z
DTEND:20260701T213000Z
DTSTAMP:20260601T093000Z
ORGANIZER;CN=Rosa:mailto:dinner+calendar-i7-abcdefghijklmnop@dinner.example.org
UID:dinner-7@dinner.example.org
ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=Iris;X-
 NUM-GUESTS=0:mailto:iris@example.org
SEQUENCE:2
SUMMARY:Soup
END:VEVENT
END:VCALENDAR
"""
# A small program that sends with nodemailer: only what is needed, small letters, lines that end in a single LF.
SMALL = """\
begin:vcalendar
version:2.0
prodid:small
method:reply
begin:vevent
uid:dinner-7@dinner.example.org
sequence:2
dtstamp:20260601T093000Z
attendee;partstat=accepted:mailto:iris@example.org
end:vevent
end:vcalendar
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize(
    ("text", "wish", "starts_at", "comment"),
    [
        pytest.param(THUNDERBIRD, Wish.YES, START, "", id="Thunderbird"),
        pytest.param(EVOLUTION, Wish.NO, START, "Lo siento, otra vez será.\nIris", id="Evolution"),
        pytest.param(OUTLOOK, Wish.MAYBE, START, "", id="Outlook"),
        pytest.param(GOOGLE, Wish.YES, START, "", id="Google"),
        pytest.param(SMALL, Wish.YES, None, "", id="small"),
    ],
)
def test_a_reply_is_read_as_its_program_writes_it(text, wish, starts_at, comment, end):
    text = text.replace("\n", end)
    found = parse(text, GUEST)
    assert found == Reply(wish, UID, 2, WRITTEN, found.starts_at, comment)
    # A zone with a name of the program's own may stay unknown, but is never wrong.
    assert found.starts_at in {starts_at, None}
    assert parse(("\ufeff" + text).encode(), GUEST) == found


@pytest.mark.parametrize(
    ("before", "after", "wish"),
    [
        ("partstat=accepted", "PARTSTAT=Declined", Wish.NO),
        ("partstat=accepted", 'partstat=delegated;delegated-to="mailto:jo@example.org"', Wish.OTHER),
        ("method:reply", "method:COUNTER", Wish.OTHER),
        ("method:reply", "method:REFRESH", Wish.OTHER),
        ("attendee;", "attendee;partstat=declined:mailto:jo@example.org\nattendee;", Wish.YES),
        # It came to the address that only Iris was sent: her calendar knows her by another one.
        ("mailto:iris", "mailto:i.of.the.soup", Wish.YES),
        ("dtstamp:20260601T093000Z", "dtstamp:yesterday", Wish.YES),
        ("sequence:2", "sequence:many", Wish.YES),
        *((f"method:{was}", f"method:{method}", None) for was, method in [("reply", "REQUEST"), ("reply", "CANCEL")]),
        ("partstat=accepted", "partstat=needs-action", None),
        ("partstat=accepted", "role=chair", None),
        ("attendee;partstat=accepted:mailto:iris@example.org\n", "", None),
        ("attendee;", "attendee;partstat=declined:mailto:iris@example.org\nattendee;", None),
        ("uid:dinner-7@dinner.example.org\n", "", None),
        ("begin:vevent", "begin:vevent\nuid:x\nend:vevent\nbegin:vevent", None),
        ("vevent", "vtodo", None),
        ("method:reply\n", "", None),
        ("end:vevent\n", "", None),
    ],
)  # fmt: skip
def test_what_a_reply_says_counts_and_what_is_no_reply_does_not(before, after, wish):
    assert before in SMALL
    found = parse(SMALL.replace(before, after), GUEST)
    assert (found.wish if found else None) == wish


@pytest.mark.parametrize(
    "text",
    [
        "", "hello", "BEGIN:VCALENDAR", SMALL + SMALL, "BEGIN:A\n" * 900, "X" * 60_000, SMALL * 300, b"\xff\xfe" * 100,
        SMALL.replace("begin:vevent", "begin:vevent\n" + "attendee:mailto:x@y\n" * 950),
        SMALL.replace("begin:vevent", "begin:vevent\nrrule:FREQ=SECONDLY;COUNT=2000000000"),
    ],
)  # fmt: skip
def test_nothing_that_arrives_takes_long_or_raises(text):
    started = time.process_time()
    parse(text, GUEST)
    assert time.process_time() - started < 10


PIECES = [*'BEGINVCALENDAR:;=,"\n\t 0Zé\\', "\n ", "BEGIN:VEVENT\n", "END:", SMALL[:90], SMALL]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_no_text_raises(text):
    parse(text, GUEST)
