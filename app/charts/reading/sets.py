"""Sets and what they share, as venn.js has them. Circles tell sizes badly, so they are bars."""

from flask_babel import gettext as _

from app.charts.model import Chart, Mark, Plot
from app.charts.reading import plots, values
from app.charts.reading.notes import CannotDrawError, Notes


def draw(payload: object, notes: Notes) -> Chart:
    """Return a bar for each set, and for each number of things that sets share."""
    found = []
    for each in values.sequence(payload):
        names = [values.text(name) for name in values.sequence(values.mapping(each).get("sets"))[:10]]
        if names:
            found.append((len(names), " ∩ ".join(names), values.mapping(each).get("size")))
    if not found:
        raise CannotDrawError(_("This chart needs sets with their sizes."))
    notes.say(_("The sizes of the sets and of what they share are drawn as bars."))
    found.sort(key=lambda each: each[0])
    draft = plots.Draft("", [name for _count, name, _size in found], [size for *_head, size in found], Mark.BAR)
    return plots.plot([draft], notes, Plot([], is_flipped=True))
