"""Requests about known and unknown e-mail addresses take the same work, so that response times reveal nothing.

tests/accounts/timing.py measures the time itself; these tests count what takes it: statements, hashes, e-mails.
"""

import contextlib
import re
from collections import Counter
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from flask import template_rendered

from tests.accounts.test_api_login import LOGIN
from tests.support.factories import PASSWORD, MemberFactory, RegistrationFactory
from tests.support.statements import count_statements

PERSON = {"first_name": "A", "last_name": "B", "password": PASSWORD, "timezone": "UTC"}
# Whether the e-mail address that is sent belongs to a member, and in which state.
ROW = ("INSERT INTO ab_register_user", "UPDATE ab_register_user")
VERB_AND_TABLE = re.compile(r"(?s)(INSERT INTO|UPDATE|DELETE FROM|SELECT.*?FROM) \(?\w+")
WHO = ("member", "inactive", "pending", "nobody")


class CountingHasher(PasswordHasher):
    """A password hasher that counts its calls."""

    count = 0

    def hash(self, *args, **options):
        self.count += 1
        return super().hash(*args, **options)

    def verify(self, *args, **options):
        self.count += 1
        return super().verify(*args, **options)


@pytest.fixture(autouse=True)
def hasher(app, monkeypatch):
    """The counting hasher, with cheap parameters."""
    hasher = CountingHasher(**app.config["PASSWORD_HASH"])
    monkeypatch.setitem(app.extensions, "password_hasher", hasher)
    return hasher


@pytest.fixture
def work(app, hasher):
    """Count the work of a block: statements by kind and table, hashes, and queued e-mails."""

    @contextlib.contextmanager
    def count() -> Iterator[Counter[str]]:
        done: Counter[str] = Counter()

        def note(_sender, template, **_more):
            done[f"renders {template.name}"] += (template.name or "").startswith("mail/")

        before = hasher.count
        with count_statements() as statements, template_rendered.connected_to(note, app):
            yield done
        done["hashes"] = hasher.count - before
        done.update(VERB_AND_TABLE.match(statement)[0] for statement in statements if "SAVEPOINT" not in statement)

    return count


@pytest.fixture(autouse=True)
def _people(app):
    MemberFactory(username="member", email="member@example.com")
    MemberFactory(username="inactive", email="inactive@example.com", inactive=True)
    RegistrationFactory(username="pending", email="pending@example.com")


def differences(done):
    """Return the differences between the work done for each of WHO."""
    return {
        what: {who: counts[what] for who, counts in done.items()}
        for what in set().union(*done.values())
        if len({counts[what] for counts in done.values()}) > 1
    }


def done_for_each(work, new_visitor, act):
    act(new_visitor(), "somebody-else")  # what a process does once only
    done = {}
    for who in WHO:
        visitor = new_visitor()
        visitor.get("/login/")
        with work() as done[who]:
            act(visitor, who)
    return done


@pytest.mark.both_databases
@pytest.mark.parametrize("name", ["{}", "{}@example.com"])
def test_a_wrong_login_takes_the_same_work(work, new_visitor, name):
    def act(visitor, who):
        visitor.post("/login/", {"username": name.format(who), "password": "wrong"})

    done = done_for_each(work, new_visitor, act)
    assert differences(done) == {}
    assert done["nobody"]["hashes"] == 1


def test_a_wrong_login_through_the_api_takes_the_same_work(work, new_visitor):
    done = done_for_each(
        work, new_visitor, lambda visitor, who: visitor.client.post(LOGIN, json={"username": who, "password": "wrong"})
    )
    assert differences(done) == {}
    assert done["nobody"]["hashes"] == 1


@pytest.mark.both_databases
def test_starting_and_continuing_a_lockout_take_the_same_work(work, new_visitor):
    def guess(visitor, who, times=1):
        for _attempt in range(times):
            visitor.post("/login/", {"username": who, "password": "wrong"})

    visitor = new_visitor()
    guess(visitor, "somebody-else", 6)
    begins, lasts = {}, {}
    for who in WHO:
        guess(visitor, who, 4)
        with work() as begins[who]:
            guess(visitor, who)
        with work() as lasts[who]:
            guess(visitor, who)
    assert differences(begins) == {}
    assert begins["nobody"]["renders mail/locked_out/body.txt"] == 1
    assert differences(lasts) == {}
    assert lasts["nobody"]["hashes"] == 0


@pytest.mark.both_databases
def test_a_password_reset_takes_the_same_work(work, new_visitor):
    done = done_for_each(
        work, new_visitor, lambda visitor, who: visitor.post("/password/forgot", {"email": f"{who}@example.com"})
    )
    assert differences(done) == {}
    assert done["nobody"]["renders mail/reset_password/body.txt"] == 1


@pytest.mark.both_databases
def test_a_registration_takes_the_same_work(work, new_visitor):
    numbers = iter(range(100))

    def act(visitor, who):
        form = {**PERSON, "username": f"new{next(numbers)}", "email": f"{who}@example.com"}
        visitor.post("/register/form", form)

    done = done_for_each(work, new_visitor, act)
    # The two e-mails have the same length; an existing row is updated instead of inserted.
    assert set(differences(done)) <= {
        *(f"renders mail/{kind}/{part}" for kind in ("activation", "already_registered")
          for part in ("subject.txt", "body.txt", "body.html")),
        *ROW,
    }  # fmt: skip
    letters = [sum(number for what, number in counts.items() if what.startswith("renders")) for counts in done.values()]
    assert set(letters) == {3}
    assert {counts["hashes"] for counts in done.values()} == {2}
    rows = [sum(counts[what] for what in ROW) for counts in done.values()]
    assert max(rows) - min(rows) <= 1


@pytest.mark.both_databases
def test_resending_the_activation_email_takes_the_same_work(work, new_visitor):
    done = done_for_each(
        work, new_visitor, lambda visitor, who: visitor.post("/register/resend", {"email": f"{who}@example.com"})
    )
    assert set(differences(done)) <= {ROW[1]}
    assert done["pending"][ROW[1]] - done["nobody"][ROW[1]] <= 1
