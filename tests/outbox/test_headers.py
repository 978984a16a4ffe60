"""What is written in the header of an e-mail is what mail programs show."""

import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

import pytest

from app.i18n import catalogs, files
from app.outbox.headers import POLICY

LOCALES = ("en", "es", "ar")
ROOT = Path(__file__).parents[2]
SUBJECTS = (ROOT / "app/templates/mail").glob("*/subject.txt")
MSGIDS = {match[1] for path in SUBJECTS for match in re.finditer(r"'((?:[^'\\]|\\.)+)'", path.read_text())}
VALUES = {"en": "Soup & bread", "es": "Ñoquis para los niños", "ar": "عشاء في بيت زوي"}
TEXTS = {
    "a blank at every place": "¿" + " y ".join("abcdefghijklmnopqrstuvwxyz" * 5),
    "looks encoded": "=?utf-8?q?soup?= for all",
    "quotes and commas": 'Ana "the cook", Tom & Co. (Ltd.) \\o/ <no@example.org>',
    "one long word": "a" * 200,
    "emoji": "👩‍👩‍👧‍👦 Eve 🍽️ " * 8 + "end",
}


def subjects(locale):
    """Return the subjects of all e-mails in a language, with values in it."""
    for message in catalogs.messages(catalogs.read(files.po_path(ROOT / "translations", locale))):
        if MSGIDS.intersection(catalogs.sources_of(message)):
            yield from (re.sub(r"%\(\w+\)[sd]", VALUES[locale], text) for text in catalogs.texts_of(message))


def sent(text):
    """Return a message with `text` as its subject and as names, as a mail program reads it, and its lines."""
    message = EmailMessage(policy=POLICY)
    message["Subject"] = text
    message["From"] = Address(text, addr_spec="dinner@example.org")
    message["To"] = Address(text, addr_spec=f"{'a' * 60}@example.org")
    data = message.as_bytes()
    return message_from_bytes(data), data.decode("ascii").split("\r\n")


def decoded(header):
    return str(make_header(decode_header(header.replace("\r\n", ""))))


@pytest.mark.parametrize("texts", [*map(subjects, LOCALES), TEXTS.values()], ids=[*LOCALES, "what people write"])
def test_subjects_and_names_arrive_as_they_were_written(texts):
    texts = list(texts)
    assert texts
    for text in texts:
        message, lines = sent(text)
        assert decoded(message["Subject"]) == text
        for field in ("From", "To"):
            name, address = parseaddr(message[field].replace("\r\n", ""))
            assert (decoded(name), address.partition("@")[2]) == (text, "example.org")
        assert all(len(line) <= 200 for line in lines)
