"""Addresses with a token: who has one can write to it, and nobody can make one up."""

import pytest

from app.inbound import addresses
from app.inbound.addresses import REPLY, SignedAddress


@pytest.fixture(autouse=True)
def context(app, monkeypatch):
    monkeypatch.setitem(app.config, "INBOUND_ADDRESS", "Dinner@example.org")
    with app.app_context():
        yield


def test_an_address_says_what_it_is_for():
    address = addresses.make(REPLY, "r12")
    assert address.startswith("Dinner+reply-r12-")
    assert address.endswith("@example.org")
    assert addresses.parse(address) == SignedAddress("reply", "r12")


@pytest.mark.parametrize("change", [str.upper, str.lower, str.title])
def test_mail_programs_may_change_its_case(change):
    assert addresses.parse(change(addresses.make(REPLY, "r12"))) == SignedAddress("reply", "r12")


def test_it_fits_into_what_smtp_allows():
    mailbox = addresses.make(REPLY, "r1234567h1234567").partition("@")[0]
    assert len(mailbox) - len("dinner") + 24 <= 64


def test_an_address_with_another_token_is_not_known():
    address = addresses.make(REPLY, "r12")
    others = [
        address.replace("r12", "r13"),
        address.replace("reply", "bounce"),
        address.replace("example.org", "example.com"),
        address.replace("Dinner", "lunch"),
        address.replace("@", "a@"),
        address.partition("-")[0] + "@example.org",
        "dinner@example.org",
        "",
        "dinner+@example.org",
        "dinner+reply-r12-ñ@example.org",
        "dinner+reply-r12-\udcff@example.org",
    ]
    assert [other for other in others if addresses.parse(other)] == []


def test_with_another_secret_key_it_is_not_known(app, monkeypatch):
    address = addresses.make(REPLY, "r12")
    monkeypatch.setitem(app.config, "SECRET_KEY", "x" * 40)
    assert addresses.parse(address) is None


def test_while_the_door_is_closed_there_are_none(app, monkeypatch):
    address = addresses.make(REPLY, "r12")
    monkeypatch.setitem(app.config, "INBOUND_ADDRESS", "")
    assert addresses.make(REPLY, "r12") is None
    assert addresses.parse(address) is None
    assert not addresses.is_base("")
