"""Optimistic lock: a form carries the fingerprint of the rows it shows, and is refused if they have changed."""

import hashlib
import json
from collections.abc import Sequence

from flask_babel import lazy_gettext

from app.errors import DomainError

FINGERPRINT_LENGTH = 16


class StaleFormError(DomainError):
    """The rows were changed in the meantime. The page shows both versions."""

    def __init__(self) -> None:
        super().__init__(
            lazy_gettext("This was changed in the meantime; both versions are shown. Save again to keep yours."),
            "warning",
        )


def fingerprint(rows: Sequence[Sequence[object]]) -> str:
    """Return a hash of these values."""
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:FINGERPRINT_LENGTH]
