"""Counters that all processes of one machine share: an SQLite file of their own, beside the database.

Nothing in it is worth a wait for the disk: after a power cut they start at zero.
"""

import math
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from limits.storage import Storage

# Reading and adding take microseconds. Who waits longer has a broken disk, and goes on without.
BUSY_SECONDS = 0.5
# Expired counters are deleted once in so many additions.
PURGE_EVERY = 1000
TABLE = "CREATE TABLE IF NOT EXISTS counter (key TEXT PRIMARY KEY, value REAL, expires_at REAL) WITHOUT ROWID"
ADD = """
    INSERT INTO counter (key, value, expires_at) VALUES (:key, :amount, :expires_at) ON CONFLICT (key) DO UPDATE SET
        value = CASE WHEN expires_at <= :now THEN 0 ELSE value END + :amount,
        expires_at = CASE WHEN expires_at <= :now THEN :expires_at ELSE expires_at END
    RETURNING value
"""


class Counters:
    """The counters in a file. May be used by any thread, and after a fork."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._owner = 0
        self._additions = 0

    def add(self, amounts: Mapping[str, float], seconds: float = math.inf) -> list[float]:
        """Add to counters, and return their values. A new one lasts for so many seconds."""
        now = time.time()
        common = {"now": now, "expires_at": now + seconds}
        with self._transaction() as connection:
            self._additions += 1
            if self._additions % PURGE_EVERY == 0:
                connection.execute("DELETE FROM counter WHERE expires_at <= ?", [now])
            return [
                connection.execute(ADD, {**common, "key": key, "amount": amount}).fetchone()[0]
                for key, amount in amounts.items()
            ]

    def find(self, key: str) -> tuple[float, float]:
        """Return the value of a counter and when it expires; 0 and now if there is none."""
        now = time.time()
        with self._transaction() as connection:
            found = connection.execute("SELECT value, expires_at FROM counter WHERE key = ?", [key]).fetchone()
        return found if found and found[1] > now else (0.0, now)

    def all(self, beginning: str) -> dict[str, float]:
        """Return the values of the counters whose keys begin with a text."""
        with self._transaction() as connection:
            found = connection.execute(
                "SELECT key, value FROM counter WHERE substr(key, 1, ?) = ? ORDER BY key", [len(beginning), beginning]
            )
            return dict(found.fetchall())

    def delete(self, key: str | None = None) -> int:
        """Delete one counter, or all of them; return how many there were."""
        with self._transaction() as connection:
            return connection.execute("DELETE FROM counter WHERE ? IS NULL OR key = ?", [key, key]).rowcount

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            finally:
                connection.execute("COMMIT")

    def _opened(self) -> sqlite3.Connection:
        # A connection must not be used after a fork.
        if self._connection is None or self._owner != os.getpid():
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = OFF", TABLE):
                connection.execute(statement)
            self._connection, self._owner = connection, os.getpid()
        return self._connection


class FileStorage(Storage):
    """Counters of rate limits for the library `limits`; the URL is `counters:` and the path of the file."""

    STORAGE_SCHEME = ["counters"]

    def __init__(self, uri: str, *, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._counters = Counters(unquote(urlsplit(uri).path))

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return (sqlite3.Error, OSError)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return int(self._counters.add({key: amount}, expiry)[0])

    def get(self, key: str) -> int:
        return int(self._counters.find(key)[0])

    def get_expiry(self, key: str) -> float:
        return self._counters.find(key)[1]

    def check(self) -> bool:
        try:
            self._counters.find("")
        except self.base_exceptions:
            return False
        return True

    def reset(self) -> int:
        return self._counters.delete()

    def clear(self, key: str) -> None:
        self._counters.delete(key)
