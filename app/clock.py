"""The clock of the application. All code reads the time here, so tests can set it."""

from datetime import UTC, datetime

_frozen: datetime | None = None


def now() -> datetime:
    """Return the current moment, aware, in UTC."""
    return _frozen or datetime.now(UTC)


def set_now(moment: datetime) -> None:
    """Stop the clock at an aware `moment`, for tests."""
    global _frozen  # noqa: PLW0603 - one process has one clock
    _frozen = moment.astimezone(UTC)


def reset() -> None:
    global _frozen  # noqa: PLW0603
    _frozen = None
