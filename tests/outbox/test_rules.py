"""Classification of errors, retries, and sanitising of headers."""

import smtplib
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.outbox import rules
from app.outbox.models import EmailState
from app.outbox.rules import DeliveryFailure

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def refused(code):
    return smtplib.SMTPRecipientsRefused({"a@example.com": (code, b"no")})


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (refused(550), DeliveryFailure.PERMANENT),
        (refused(554), DeliveryFailure.PERMANENT),
        (refused(450), DeliveryFailure.TEMPORARY),
        (refused(451), DeliveryFailure.TEMPORARY),
        (refused(421), DeliveryFailure.CONNECTION_LOST),
        (smtplib.SMTPDataError(552, b"too big"), DeliveryFailure.PERMANENT),
        (smtplib.SMTPDataError(452, b"disk full"), DeliveryFailure.TEMPORARY),
        (smtplib.SMTPDataError(-1, b"gibberish"), DeliveryFailure.CONNECTION_LOST),
        (smtplib.SMTPSenderRefused(530, b"log in first", "a@example.com"), DeliveryFailure.SERVER_UNAVAILABLE),
        (smtplib.SMTPSenderRefused(552, b"too big", "a@example.com"), DeliveryFailure.PERMANENT),
        (smtplib.SMTPServerDisconnected("gone"), DeliveryFailure.CONNECTION_LOST),
        (TimeoutError("timed out"), DeliveryFailure.CONNECTION_LOST),
        (ConnectionResetError("reset"), DeliveryFailure.CONNECTION_LOST),
        (ValueError("no address"), DeliveryFailure.PERMANENT),
        (UnicodeEncodeError("idna", "x", 0, 1, "label too long"), DeliveryFailure.PERMANENT),
    ],
    ids=str,
)
def test_permanent_errors_fail_an_email_and_others_defer_it(error, meaning):
    assert rules.delivery_failure(error) is meaning


def test_retries_back_off_for_three_days():
    steps, now = [], NOW
    for attempts in range(1, 100):
        moment = rules.retry_at(attempts, now, None, 0.5)
        if moment is None:
            break
        steps.append(moment - now)
        now = moment
    assert steps[:4] == [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60)]
    assert all(shorter <= longer for shorter, longer in pairwise(steps))
    assert timedelta(days=2.5) < now - NOW < timedelta(days=3.5)


@given(attempts=st.integers(0, 30), chance=st.floats(0, 1), hours=st.integers(0, 100))
def test_no_retry_is_in_the_past_or_after_expiry(attempts, chance, hours):
    end = NOW + timedelta(hours=hours)
    moment = rules.retry_at(attempts, NOW, end, chance)
    assert moment is None or NOW < moment < end


def test_emails_deferred_together_are_retried_apart():
    assert rules.retry_at(1, NOW, None, 0) < rules.retry_at(1, NOW, None, 0.1) < rules.retry_at(1, NOW, None, 1)


@pytest.mark.parametrize("timeout", [0.3, 1, 20, 300])
def test_a_lease_outlasts_the_slowest_possible_connection(timeout):
    assert rules.lease(timeout) >= timedelta(seconds=3 * timeout)


@given(st.text(max_size=300), st.integers(1, 100))
def test_a_header_is_one_line_within_its_limit_without_control_characters(text, longest):
    line = rules.one_line(text, longest)
    assert len(line) <= longest
    assert len(line.splitlines()) <= 1
    assert line == line.strip()
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in line)
    line.encode("utf-8")
    assert rules.one_line(line, longest) == line


@given(st.text(max_size=300))
def test_a_body_keeps_its_lines_and_loses_characters_no_database_stores(text):
    body = rules.body(text)
    assert body.count("\n") == text.count("\n")
    assert "\x00" not in body
    body.encode("utf-8")


def test_ordinary_text_is_unchanged():
    text = "Grüße, \u202bعشاء\u202c? no: \u2067عشاء\u2069, 👩‍👩‍👧 %s\n\tindented\n"
    assert rules.body(text) == text.replace("\u202b", "").replace("\u202c", "")


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("grete@example.com", "grete@example.com"),
        ("g.r+e'te@sub.example.com", "g.r+e'te@sub.example.com"),
        ("grete@löffel.example", "grete@xn--lffel-jua.example"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_addresses_are_encoded_as_ascii(address, plain):
    assert rules.ascii_address(address) == plain


@pytest.mark.parametrize(
    "address",
    [
        "", "@", "grete", "grete@", "@example.com", "a b@example.com", "a@b@example.com", "a@example.com\r\nDATA",
        "a@example.com,b@example.com", "<a@example.com>", "a\x00@example.com", "grëte@example.com", "a@" + "x" * 70 + ".com",
        "a@exa mple.com", "a..b@example.com", '"a"@example.com', "a@[127.0.0.1]", "\u202ea@example.com", "a@.com",
    ],
)  # fmt: skip
def test_an_invalid_address_is_refused(address):
    with pytest.raises(ValueError, match=r".") as caught:
        rules.ascii_address(address)
    assert rules.delivery_failure(caught.value) is DeliveryFailure.PERMANENT


def test_errors_are_one_line_without_the_secret():
    error = smtplib.SMTPDataError(554, b"spam:\r\nhttps://x/s3cret \xff" + b"x" * 2000)
    told = rules.describe(error, "s3cret")
    assert told.startswith("554 spam: https://x/… ")
    assert len(told) == 500


@pytest.mark.parametrize(
    ("state", "gone", "days_left", "may"),
    [
        (EmailState.SENT, False, None, True),
        (EmailState.FAILED, False, 1, True),
        (EmailState.SENT, True, None, False),
        (EmailState.FAILED, False, 0, False),
        (EmailState.QUEUED, False, None, False),
        (EmailState.SENDING, False, None, False),
    ],
)
def test_only_finished_unexpired_emails_can_be_resent(state, gone, days_left, may):
    end = None if days_left is None else NOW + timedelta(days=days_left)
    assert rules.may_resend(state, secret_is_gone=gone, expires_at=end, now=NOW) is may
