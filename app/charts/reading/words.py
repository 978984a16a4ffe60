"""Words by their weight."""

from collections.abc import Iterable, Mapping

from flask_babel import gettext as _

from app.charts.limits import MAX_WORDS
from app.charts.model import Chart, Words
from app.charts.reading import values
from app.charts.reading.notes import CannotDrawError, Notes

TEXTS = ("text", "word", "name", "tag")
SIZES = ("size", "weight", "value", "count", "frequency")


def no_words() -> CannotDrawError:
    """Return the refusal of data without words."""
    return CannotDrawError(_("This chart needs words with their weights."))


def draw(payload: object, notes: Notes) -> Chart:
    """Return the words of a list of objects or pairs, or of an object with a weight for each word."""
    if isinstance(payload, Mapping):
        return cloud(payload.items(), notes)
    return cloud((_pair(each) for each in values.sequence(payload)), notes)


def _pair(each: object) -> tuple[object, object]:
    if isinstance(each, Mapping):
        word = next((each[name] for name in TEXTS if name in each), None)
        return word, next((each[name] for name in SIZES if name in each), None)
    pair = values.sequence(each)
    return (pair[0], pair[1]) if len(pair) >= 2 else (each, 1)


def cloud(pairs: Iterable[tuple[object, object]], notes: Notes) -> Words:
    """Return words, the heaviest first. Weights of one word are added."""
    sums: dict[str, float] = {}
    for word, weight in pairs:
        known, written = values.number(weight), values.text(word, 80)
        if known is not None and known >= 0 and written:
            sums[written] = sums.get(written, 0) + known
    if not sums:
        raise no_words()
    ordered = sorted(sums.items(), key=lambda pair: -pair[1])
    return Words(list(notes.first(ordered, MAX_WORDS)))
