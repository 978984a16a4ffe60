"""What readers tell: why nothing is drawn, and what was left out."""

from collections.abc import Sequence
from typing import TypeVar

from flask_babel import gettext as _

from app.charts.limits import MAX_WORK
from app.charts.reading.values import UNPRINTABLE

T = TypeVar("T")


class CannotDrawError(Exception):
    """Why nothing is drawn, in a localized sentence. It may quote what was written, whatever that has in it."""

    def __init__(self, reason: str) -> None:
        super().__init__(UNPRINTABLE.sub("", reason))


def nothing() -> CannotDrawError:
    """Return the refusal of a chart without data."""
    return CannotDrawError(_("There is nothing here yet."))


def no_numbers() -> CannotDrawError:
    """Return the refusal of data without numbers."""
    return CannotDrawError(_("This chart needs numbers, and its data has none."))


def unknown(name: str) -> CannotDrawError:
    """Return the refusal of a kind of chart or a key, by its name."""
    return CannotDrawError(_("“%(name)s” is not drawn here.", name=name[:80]))


class Notes:
    """Localized sentences about what was left out, each once."""

    def __init__(self) -> None:
        self._sentences: dict[str, None] = {}
        self._work = 0

    def say(self, sentence: str) -> None:
        """Add a sentence."""
        self._sentences[UNPRINTABLE.sub("", sentence)] = None

    def work(self, rows: int, described: object) -> None:
        """Count what is done to rows. Raises CannotDrawError if it is too much."""
        waiting = [described]
        # No more than is needed to see that it is too much.
        while waiting and self._work <= MAX_WORK:
            self._work += rows
            found = waiting.pop()
            waiting.extend(found.values() if isinstance(found, dict) else found if isinstance(found, list) else ())
        if self._work > MAX_WORK:
            raise CannotDrawError(_("The description of this chart asks too much of so many rows."))

    def first(self, items: Sequence[T], limit: int) -> Sequence[T]:
        """Return the first values, rows, parts ..., and say if there are more."""
        if len(items) > limit:
            self.say(
                _("There are %(count)s values; the first %(limit)s are shown.", count=str(len(items)), limit=str(limit))
            )
        return items[:limit]

    def first_series(self, items: Sequence[T], limit: int) -> Sequence[T]:
        """Return the first series, and say if there are more."""
        if len(items) > limit:
            self.say(
                _("There are %(count)s series; the first %(limit)s are shown.", count=str(len(items)), limit=str(limit))
            )
        return items[:limit]

    @property
    def sentences(self) -> tuple[str, ...]:
        """All sentences, in their order."""
        return tuple(self._sentences)
