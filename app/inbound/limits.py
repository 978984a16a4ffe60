"""How many messages are taken from an address, and in all. Counted in the memory of the process that receives them."""

import threading
from collections import deque
from datetime import datetime, timedelta

PERIOD = timedelta(hours=1)
MAX_PER_ADDRESS, MAX_IN_ALL = 20, 600
ALL = ""


class RateLimit:
    """Counts messages in a sliding period."""

    def __init__(self, per_address: int = MAX_PER_ADDRESS, in_all: int = MAX_IN_ALL) -> None:
        self._limits = per_address, in_all
        self._taken: dict[str, deque[datetime]] = {}
        self._lock = threading.Lock()

    def take(self, address: str, now: datetime) -> bool:
        """Count a message to `address` and return True, or return False if there were too many."""
        per_address, in_all = self._limits
        with self._lock:
            self._forget(now - PERIOD)
            if self._count(address) >= per_address or self._count(ALL) >= in_all:
                return False
            for key in (address, ALL):
                self._taken.setdefault(key, deque()).append(now)
            return True

    def _count(self, key: str) -> int:
        return len(self._taken.get(key, ()))

    def _forget(self, before: datetime) -> None:
        for key, moments in list(self._taken.items()):
            while moments and moments[0] <= before:
                moments.popleft()
            if not moments:
                del self._taken[key]
