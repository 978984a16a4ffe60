"""Two tabs: what a form was filled in upon is marked, so that nobody overwrites what they have not seen."""

import hashlib
import json
from collections.abc import Sequence

from flask_babel import lazy_gettext

from app.errors import DomainError

FINGERPRINT_LENGTH = 16


class ConflictError(DomainError):
    """Somebody else has stored something meanwhile; whoever asks is shown both texts, and nothing is lost."""

    def __init__(self) -> None:
        super().__init__(
            lazy_gettext("This was changed in the meantime; both versions are shown. Save again to keep yours."),
            "warning",
        )


def fingerprint(rows: Sequence[Sequence[object]]) -> str:
    """Return what tells these rows from any others."""
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:FINGERPRINT_LENGTH]
