"""Measure response times for known and unknown e-mail addresses: a script, no test.

    python -m tests.accounts.timing [tries] [database URL]

Requests about the two alternate, so that other load of the machine affects both. Hashing has the parameters of
production. A difference that a stranger could use would be larger than that between the fastest and slowest quarter.
"""

import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask

from app import create_app, setup
from app.accounts import password_policy
from app.accounts.members import add_member
from app.database import transaction
from tests.support.client import Visitor

TRIES = 200
PASSWORD = "a good dinner needs time"
Ask = Callable[[Visitor, str, int], int]


def main(tries: int = TRIES, url: str = "") -> None:
    """Print the medians for each request, in milliseconds."""
    with tempfile.TemporaryDirectory() as directory:
        settings = {
            "SQLALCHEMY_DATABASE_URI": url or f"sqlite:///{Path(directory) / 'timing.db'}",
            "RATELIMIT_ENABLED": False,
        }
        app = create_app({**settings, "INSTANCE_PATH": directory, "SECRET_KEY": secrets.token_hex(32)})
        with app.app_context():
            setup.prepare()
            with transaction():
                hashed = password_policy.hash_password(PASSWORD)
                for number in range(tries + 1):
                    add_member(username=f"known{number}", email=f"known{number}@example.com", first_name="A",
                               last_name="B", password_hash=hashed, role="Guest")  # fmt: skip
        for name, ask in QUESTIONS.items():
            _report(name, *_measure(app, ask, tries))


def _login(visitor: Visitor, who: str, number: int) -> int:
    return visitor.post("/login/", {"username": f"{who}{number}", "password": "wrong"}).status


def _api_login(visitor: Visitor, who: str, number: int) -> int:
    body = {"username": f"{who}{number}@example.com", "password": "wrong"}
    return visitor.client.post("/api/v1/security/login", json=body).status_code


def _forgot(visitor: Visitor, who: str, number: int) -> int:
    return visitor.post("/password/forgot", {"email": f"{who}{number}@example.com"}, follow=False).status


def _register(visitor: Visitor, who: str, number: int) -> int:
    form = {"username": f"{who[0]}-new-{number}", "email": f"{who}{number}@example.com", "first_name": "A",
            "last_name": "B", "password": PASSWORD, "timezone": "UTC"}  # fmt: skip
    return visitor.post("/register/form", form, follow=False).status


def _resend(visitor: Visitor, who: str, number: int) -> int:
    # The registrations with unknown addresses are the ones that wait for their e-mail.
    other = {"known": "unknown", "unknown": "nobody"}[who]
    return visitor.post("/register/resend", {"email": f"{other}{number}@example.com"}, follow=False).status


QUESTIONS: dict[str, Ask] = {
    "login": _login,
    "API login": _api_login,
    "forgotten password": _forgot,
    "registration": _register,
    "another activation letter": _resend,
}


def _measure(app: Flask, ask: Ask, tries: int) -> tuple[list[float], list[float]]:
    visitor = Visitor(app)
    times: dict[str, list[float]] = {"known": [], "unknown": []}
    for number in range(tries + 1):
        for who in ("known", "unknown") if number % 2 else ("unknown", "known"):
            token = visitor.csrf_token()
            started = time.perf_counter()
            status = ask(visitor, who, number)
            times[who].append((time.perf_counter() - started) * 1000)
            assert status in {303, 401}, (ask, status)
            assert token
    # The first requests of a process fill caches.
    return times["known"][1:], times["unknown"][1:]


def _report(name: str, known: list[float], unknown: list[float]) -> None:
    low, _median, high = statistics.quantiles(known, n=4)
    medians = statistics.median(known), statistics.median(unknown)
    print(  # noqa: T201 - what the script is for
        f"{name:28} known {medians[0]:7.2f} ms   unknown {medians[1]:7.2f} ms   "
        f"difference {medians[0] - medians[1]:+6.2f} ms   spread {high - low:5.2f} ms"
    )


if __name__ == "__main__":
    main(*(kind(given) for kind, given in zip((int, str), sys.argv[1:], strict=False)))
