"""Answers that a process keeps for a minute, in bounded memory."""

import pickle
import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any

from app import clock

LIFETIME = timedelta(minutes=1)
MAX_ENTRIES, MAX_BYTES, MAX_ENTRY_BYTES = 500, 2 * 1024 * 1024, 256 * 1024


class DataCache:
    """Values by keys, the least recently used first. They are stored as bytes, so that their size is known."""

    def __init__(self) -> None:
        self._entries: OrderedDict[object, tuple[datetime, bytes]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def find(self, key: object) -> tuple[Any] | None:
        """Return the value in a tuple, or None."""
        with self._lock:
            until, stored = self._entries.get(key, (clock.now(), b""))
            if until <= clock.now():
                self._drop(key)
                return None
            self._entries.move_to_end(key)
        # Only `store` has written it, in this process.
        return (pickle.loads(stored),)  # noqa: S301

    def store(self, key: object, value: object) -> None:
        """Keep a value, unless it is too large."""
        stored = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        if len(stored) > MAX_ENTRY_BYTES:
            return
        with self._lock:
            self._drop(key)
            self._entries[key] = (clock.now() + LIFETIME, stored)
            self._bytes += len(stored)
            while self._bytes > MAX_BYTES or len(self._entries) > MAX_ENTRIES:
                self._drop(next(iter(self._entries)))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def _drop(self, key: object) -> None:
        _until, stored = self._entries.pop(key, (None, b""))
        self._bytes -= len(stored)
