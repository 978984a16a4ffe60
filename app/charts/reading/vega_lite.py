"""A closed subset of Vega-Lite: what it draws is read, what would load or run something is refused by its name."""

import dataclasses
import datetime as dt
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from app.charts.limits import MAX_DEPTH, MAX_MULTIPLES, MAX_NUMBERS, MAX_SPECIFICATION
from app.charts.model import (
    Axis,
    Boxes,
    Chart,
    Event,
    HeatMap,
    Mark,
    Multiples,
    Number,
    Numbers,
    Parts,
    Plot,
    Point,
    Value,
)
from app.charts.reading import heat_maps, plots, timelines, values, vega_channels, vega_rows
from app.charts.reading.notes import CannotDrawError, Notes, no_numbers, unknown
from app.charts.reading.plots import Draft
from app.charts.reading.vega_channels import Channel
from app.charts.reading.vega_rows import Data, Json

MARKS = {
    "line": Mark.LINE,
    "trail": Mark.LINE,
    "area": Mark.AREA,
    "bar": Mark.BAR,
    "rule": Mark.BAR,
    "point": Mark.POINT,
    "circle": Mark.POINT,
    "square": Mark.POINT,
    "tick": Mark.TICK,
}
POINTS = {Mark.POINT, Mark.TICK}
# They load from elsewhere, run something, or belong to Vega itself.
REFUSED = {"url", "href", "expr", "signal", "signals", "image", "marks"}
CONCATS = ("concat", "hconcat", "vconcat")
# Only how it looks depends on them.
LEFT_OUT = {"labelExpr", "test", "projection"}
FACETS = ("facet", "row", "column")
# Channels that tell series apart, the most telling first.
SERIES = ("color", "fill", "stroke", "shape", "detail", "strokeDash", "xOffset", "yOffset")
CHANNELS = {*SERIES, *FACETS, "x", "y", "x2", "y2", "size", "theta", "angle", "order", "text", "tooltip"}
WITHOUT_SUM = {"mean", "average", "median", "min", "max", "q1", "q3", "stdev"}


def draw(specification: Json, payload: object, title: str, notes: Notes) -> Chart:
    """Return the chart of a specification. Its own data comes before the payload."""
    _refuse(specification, notes)
    return _view(specification, payload, title, notes)


def _refuse(specification: Json, notes: Notes) -> None:
    """Raise CannotDrawError if a key may not be, or if there are too many."""
    if "/vega/" in values.text(specification.get("$schema")):
        raise unknown("Vega")
    waiting: list[tuple[object, int]] = [(specification, 0)]
    for place, (found, depth) in enumerate(waiting):
        if place > MAX_SPECIFICATION or depth > MAX_DEPTH:
            raise CannotDrawError(_("The description of this chart is too large or too deep."))
        if isinstance(found, Mapping):
            for key, inner in found.items():
                if key in REFUSED:
                    raise CannotDrawError(_("“%(name)s” is refused: a chart loads nothing and runs nothing.", name=key))
                if key in LEFT_OUT:
                    notes.say(_("“%(name)s” is left out.", name=key))
                # Rows are data: only their values are taken.
                if key not in {"values", "datasets", "usermeta"}:
                    waiting.append((inner, depth + 1))
        elif isinstance(found, list):
            waiting.extend((inner, depth + 1) for inner in found)


# -- views


@dataclass
class View:
    """A mark with its data and its channels."""

    mark: str
    options: Json
    data: Data
    encoding: Json
    config: Json
    channels: dict[str, Channel]

    def get(self, *names: str) -> Channel | None:
        """Return the first of these channels that there is."""
        return next((self.channels[name] for name in names if name in self.channels), None)

    def axis(self, name: str) -> Axis:
        """Return the axis of a channel, or one without a title."""
        return self.channels[name].axis(self.data) if name in self.channels else Axis()

    def with_rows(self, rows: vega_rows.Rows) -> "View":
        """Return the same for other rows."""
        return dataclasses.replace(self, data=Data(rows, self.data.columns))


def _view(specification: Json, payload: object, title: str, notes: Notes) -> Chart:
    # One more than is shown, so that the rest is noticed: there may be very many.
    parts = list(itertools.islice(_parts(specification, title), MAX_MULTIPLES + 1))
    if len(parts) == 1:
        return _single(parts[0][1], payload, title, notes)
    charts: list[tuple[str, Plot]] = []
    for name, part in notes.first_series(parts, MAX_MULTIPLES):
        drawn = _single(part, payload, name, notes)
        if not isinstance(drawn, Plot | Multiples):
            raise CannotDrawError(_("Only charts with axes are drawn beside each other."))
        charts += [(name, drawn)] if isinstance(drawn, Plot) else drawn.charts
    return Multiples([*notes.first_series(charts, MAX_MULTIPLES)], is_shared=False)


def _parts(specification: Json, title: str) -> Iterator[tuple[str, Json]]:
    """Yield the views that stand beside each other, with their titles. Each list has some, so this ends."""
    concat = next((name for name in CONCATS if name in specification), None)
    if concat is not None:
        listed = [values.mapping(each) for each in values.sequence(specification[concat])]
        if not listed:
            raise unknown(concat)
        for view in listed:
            yield from _parts(_inherited(specification, view), _title(view) or title)
    elif "repeat" in specification:
        inner = values.mapping(specification.get("spec"))
        if not inner:
            raise unknown("repeat")
        for chosen in _repeated(specification["repeat"]):
            view = _inherited(specification, values.mapping(_replaced(inner, chosen)))
            yield from _parts(view, _title(view) or " · ".join(dict.fromkeys(chosen.values())))
    else:
        yield title, specification


def _title(view: Json) -> str:
    found = view.get("title")
    return values.text(values.mapping(found).get("text", found))


def _inherited(outer: Json, view: Json) -> Json:
    """Return a view with what it has from the one around it."""
    shared = {name: outer[name] for name in ("data", "datasets", "config") if name in outer}
    return {**shared, **view, "transform": [*_steps(outer.get("transform")), *_steps(view.get("transform"))]}


def _repeated(described: object) -> Iterator[dict[str, str]]:
    """Yield the fields of each repeated view, by the name under which it asks for them."""
    sides = values.mapping(described) or {"repeat": described}
    if not set(sides) <= {"repeat", "row", "column"} or not all(values.sequence(each) for each in sides.values()):
        raise unknown(min(set(sides) - {"repeat", "row", "column"}, default="repeat"))
    for fields in itertools.product(*map(values.sequence, sides.values())):
        yield dict(zip(sides, map(values.text, fields), strict=True))


def _replaced(found: object, chosen: Mapping[str, str]) -> object:
    """Return a description with fields in place of `{"repeat": "column"}`. It is not deep, so this may call itself."""
    if isinstance(found, list):
        return [_replaced(each, chosen) for each in found]
    if not isinstance(found, Mapping):
        return found
    if set(found) == {"repeat"} and found["repeat"] in chosen:
        return chosen[found["repeat"]]
    return {name: each if name == "values" else _replaced(each, chosen) for name, each in found.items()}


def _single(specification: Json, payload: object, title: str, notes: Notes) -> Chart:
    inner = specification.get("spec")
    if isinstance(inner, Mapping):
        facet = values.mapping(specification.get("facet"))
        sides = facet if {"row", "column"} & set(facet) else {"facet": facet}
        merged = {**specification, **inner, "encoding": {**values.mapping(inner.get("encoding")), **sides}}
        if "layer" in inner or "layers" in inner:
            raise unknown("layer")
        specification = {name: value for name, value in merged.items() if name not in {"spec", "facet"}}
        if "data" not in specification and "data" in merged:
            specification = {**specification, "data": merged["data"]}
    layers = specification.get("layer", specification.get("layers"))
    if isinstance(layers, list):
        return _layers(specification, layers, payload, title, notes)
    return _faceted(_read(specification, payload, notes), title, notes)


def _read(specification: Json, payload: object, notes: Notes) -> View:
    data = vega_rows.transform(vega_rows.data(specification, payload, notes), specification.get("transform"), notes)
    written = specification.get("mark")
    options = values.mapping(written)
    mark = values.text(options.get("type", written)).replace("-", "")
    encoding = values.mapping(specification.get("encoding"))
    notes.work(len(data.rows), encoding)
    channels = {}
    for name, described in encoding.items():
        listed = values.sequence(described)
        definition = values.mapping(listed[0] if listed else described)
        found = vega_channels.channel(name, definition, data) if name in CHANNELS else None
        if found is not None:
            channels[name] = found
    if mark not in {*MARKS, *SHAPES}:
        raise unknown(mark or "mark")
    return View(mark, options, data, encoding, values.mapping(specification.get("config")), channels)


def _faceted(view: View, title: str, notes: Notes) -> Chart:
    """Return one chart, or one for each value of a facet."""
    facets = [view.channels.pop(name) for name in FACETS if name in view.channels]
    if not facets:
        return _drawn(view, title, notes)
    groups: dict[tuple[str, ...], vega_rows.Rows] = {}
    names_of_rows = [values.remembered(values.text, vega_channels.read(each, view.data.rows)) for each in facets]
    for key, row in zip(zip(*names_of_rows, strict=True), view.data.rows, strict=True):
        groups.setdefault(key, vega_rows.Rows()).append(row)
    orders = [{name: place for place, name in enumerate(_categories_of(facet, view))} for facet in facets]
    names = sorted(groups, key=lambda key: [order.get(part, 0) for order, part in zip(orders, key, strict=True)])
    charts = []
    for key in notes.first_series(names, MAX_MULTIPLES):
        try:
            drawn = _drawn(view.with_rows(groups[key]), title, notes)
        except CannotDrawError as error:
            notes.say(str(error))
            continue
        if not isinstance(drawn, Plot):
            raise CannotDrawError(_("Only charts with axes are drawn several times, once for each value."))
        charts.append((" · ".join(key), drawn))
    if not charts:
        raise no_numbers()
    return Multiples(charts)


def _categories_of(channel: Channel, view: View) -> list[str]:
    taken = vega_channels.read(channel, view.data.rows)
    if not channel.is_discrete:
        return _by_value(taken)
    texts: list[Value] = [values.text(each) for each in taken]
    if not isinstance(channel.definition.get("sort", "ascending"), str | list):
        return [each for each in dict.fromkeys(texts) if isinstance(each, str)]
    return vega_channels.categories(channel, {channel.name: texts}, view.data.rows)


def _by_value(taken: Sequence[Value]) -> list[str]:
    """Return numbers, days and moments as texts, from the least to the greatest."""
    return list(dict.fromkeys(values.text(each) for each in sorted(taken, key=_rank)))


def _rank(value: Value) -> float:
    if isinstance(value, dt.date):
        return values.at_midnight(value).timestamp()
    return values.number(value) or 0


def _drawn(view: View, title: str, notes: Notes) -> Chart:
    if view.mark in SHAPES:
        return SHAPES[view.mark](view, title, notes)
    return _plotted(view, notes)


def _layers(specification: Json, layers: Sequence[object], payload: object, title: str, notes: Notes) -> Chart:
    """Return the series of all layers on the same axes."""
    plotted: list[Plot] = []
    lines: list[tuple[View, str]] = []
    for layer in map(values.mapping, layers):
        shared = {name: value for name, value in specification.items() if name not in {"layer", "layers"}}
        encoding = {**values.mapping(specification.get("encoding")), **values.mapping(layer.get("encoding"))}
        steps = [*_steps(specification.get("transform")), *_steps(layer.get("transform"))]
        merged = {**shared, **layer, "encoding": encoding, "transform": steps}
        if "layer" in layer:
            raise unknown("layer")
        if values.text(values.mapping(layer.get("mark")).get("type", layer.get("mark"))) == "text":
            # It repeats what the table of values says.
            notes.say(_("“%(name)s” is left out.", name="text"))
            continue
        view = _read(merged, payload, notes)
        sides = [side for side in ("x", "y") if encoding.get(side)]
        if view.mark == "rule" and len(sides) == 1:
            lines.append((view, sides[0]))
            continue
        drawn = _faceted(view, title, notes)
        if not isinstance(drawn, Plot):
            if len(layers) == 1:
                return drawn
            raise CannotDrawError(_("Only charts with axes are drawn over each other."))
        plotted.append(drawn)
    if not plotted:
        raise no_numbers()
    return _merged(plotted, lines, notes)


def _steps(transform: object) -> Sequence[object]:
    return [transform] if isinstance(transform, Mapping) else values.sequence(transform)


def _merged(plotted: Sequence[Plot], lines: Sequence[tuple[View, str]], notes: Notes) -> Plot:
    first = plotted[0]
    same = [plot for plot in plotted if plot.is_flipped == first.is_flipped]
    if len(same) < len(plotted):
        notes.say(_("What is drawn in another direction is left out."))
    drafts = []
    for plot in same:
        for series in plot.series:
            title = series.title or plot.y.title
            drafts.append(_draft(title, series.points, series.mark))
    xs = [point.x for point in first.series[0].points] if first.series else []
    for view, side in lines:
        if side == ("x" if first.is_flipped else "y"):
            drafts.extend(Draft(title, xs, [value] * len(xs)) for title, value in _constants(view, side))
        else:
            notes.say(_("“%(name)s” is left out.", name="rule"))
    return plots.plot(
        drafts,
        notes,
        first if len(plotted) == 1 else dataclasses.replace(first, is_stacked=False, is_share=False),
        in_order=True,
        categories=[x for x in xs if isinstance(x, str)],
    )


def _draft(title: str, points: Sequence[Point], mark: Mark) -> Draft:
    return Draft(
        title,
        [point.x for point in points],
        [point.y for point in points],
        mark,
        lows=[point.low for point in points],
        sizes=[point.size for point in points],
        labels=[point.label for point in points],
    )


def _constants(view: View, side: str) -> list[tuple[str, float]]:
    """Return the values of lines that go through the whole chart."""
    channel = view.get(side)
    if channel is None:
        known = values.number(values.mapping(view.encoding.get(side)).get("datum"))
        return [] if known is None else [(values.text(known), known)]
    taken = vega_channels.table({side: channel}, view.data.rows)[side]
    return [(channel.title(view.data), known) for each in taken[:5] if (known := values.number(each)) is not None]


# -- series on axes


def _plotted(view: View, notes: Notes) -> Chart:
    x, y = view.get("x"), view.get("y")
    if x is None and y is None:
        raise CannotDrawError(_("This chart needs “%(name)s”.", name="x"))
    taken = vega_channels.table(view.channels, view.data.rows)
    if view.mark in {"bar", "rule", "point", "circle", "square", "tick"} and _is_timeline(view):
        return _timeline(taken, notes)
    if x is not None and y is not None and not (_is_value(x) or _is_value(y)):
        return _cells(view, taken, notes)
    is_flipped = _is_flipped(view)
    across, up = (y, x) if is_flipped else (x, y)
    if up is None or not _is_value(up):
        # Only places on the other axis.
        raise CannotDrawError(_("This chart needs numbers on one axis."))
    stack = _stacking(view, up, notes)
    drafts, order = _drafts(view, taken, across, up)
    shape = Plot(
        [],
        across.axis(view.data) if across is not None else Axis(),
        up.axis(view.data),
        is_stacked=len(drafts) > 1 and stack != "none",
        is_share=stack == "normalize",
        is_flipped=is_flipped,
    )
    return plots.plot(
        drafts,
        notes,
        shape,
        in_order="order" in view.channels,
        categories=order,
    )


def _is_value(channel: Channel) -> bool:
    """Whether its values are numbers. Bars stand on bins, so those are none."""
    return channel.is_measure


def _is_flipped(view: View) -> bool:
    """Whether numbers go to the right."""
    x, y = view.get("x"), view.get("y")
    if y is None or x is None:
        return y is None
    if not _is_value(x) or not _is_value(y):
        return _is_value(x)
    if view.options.get("orient") == "horizontal":
        return True
    # Of two axes of numbers, bars stand on the one that is not summed.
    return view.mark in {"bar", "area"} and bool(y.bin_size or x.aggregate) and not (x.bin_size or y.aggregate)


def _mark(view: View) -> Mark:
    mark = MARKS[view.mark]
    shape = values.text(view.options.get("interpolate"))
    if mark is Mark.LINE and shape:
        if shape.startswith("step"):
            return Mark.STEP
        return Mark.LINE if shape.startswith("linear") else Mark.SPLINE
    return mark


def _stacking(view: View, up: Channel, notes: Notes) -> str:
    """Return "none", "zero" or "normalize"."""
    if MARKS[view.mark] not in {Mark.BAR, Mark.AREA} or {"xOffset", "yOffset", "x2", "y2"} & set(view.channels):
        return "none"
    stack = up.stack
    old = values.mapping(view.config.get("mark")).get("stacked")
    if stack is True and old is not None:
        stack = old
    if stack is None or stack is False or stack == "none":
        return "none"
    if stack == "normalize":
        return "normalize"
    if stack == "center":
        notes.say(_("The series stand on zero instead of around the middle."))
    is_added = up.aggregate not in WITHOUT_SUM and not up.axis(view.data).is_logarithmic
    return "zero" if is_added or "stack" in up.definition else "none"


def _series(view: View) -> list[Channel]:
    """Return the channels that tell series apart."""
    return [
        view.channels[name]
        for name in SERIES
        if name in view.channels and not (view.channels[name].is_measure and not view.channels[name].bin_size)
    ]


def _drafts(
    view: View, taken: Mapping[str, Sequence[Value]], across: Channel | None, up: Channel
) -> tuple[list[Draft], list[str]]:
    """Return the series, and the order of the categories that they stand on."""
    series, mark = _series(view), _mark(view)
    if across is None:
        places_across: tuple[Sequence[Value], list[str]] = [up.title(view.data)] * len(taken[up.name]), []
    else:
        places_across = _across(view, taken, across, mark)
    xs, categories = places_across
    ends = taken.get(up.name + "2")
    extras = {name: taken[name] for name in ("size", "text", "tooltip") if name in taken}
    groups = _groups(taken, series, len(xs))
    drafts = []
    for key in _in_order(groups, series, taken, view):
        places = groups[key]
        # Rows of a single series need no choosing, unless they have another order.
        is_whole = len(places) == len(xs) and "order" not in taken
        pairs = [] if ends is None else [_ends(taken[up.name][place], ends[place]) for place in places]
        drafts.append(
            Draft(
                " · ".join(key) or (up.title(view.data) if not series else ""),
                xs if is_whole else [xs[place] for place in places],
                [end for _start, end in pairs]
                or (taken[up.name] if is_whole else [taken[up.name][place] for place in places]),
                mark,
                lows=[start for start, _end in pairs],
                sizes=[extras["size"][place] for place in places] if "size" in extras and mark in POINTS else [],
                labels=_labels(extras, places) if mark in POINTS else [],
            )
        )
    return drafts, categories


def _across(
    view: View, taken: Mapping[str, Sequence[Value]], across: Channel, mark: Mark
) -> tuple[Sequence[Value], list[str]]:
    """Return where the values stand, and the order of categories if those are some."""
    if across.bin_size and across.is_measure:
        xs = _on_bins(taken[across.name], across, mark)
        starts = sorted({value for value in taken[across.name] if isinstance(value, float)})
        return xs, [plots.bin_label(start, across.bin_size) for start in starts] if mark is Mark.BAR else []
    if across.is_discrete:
        return taken[across.name], vega_channels.categories(across, taken, view.data.rows)
    return taken[across.name], []


def _groups(
    taken: Mapping[str, Sequence[Value]], series: Sequence[Channel], count: int
) -> dict[tuple[str, ...], list[int]]:
    """Return the places of the rows of each series, in the order of the channel `order`."""
    order = list(range(count))
    steps = taken.get("order")
    if steps is not None:
        order.sort(key=lambda place: (values.number(steps[place]) is None, values.number(steps[place]) or 0))
    names = [_names(channel, taken) for channel in dict.fromkeys(channel.name for channel in series)]
    if not names:
        return {(): order}
    groups: dict[tuple[str, ...], list[int]] = {}
    if len(names) == 1:
        for place in order:
            groups.setdefault((names[0][place],), []).append(place)
        return groups
    for place in order:
        # Two channels may show the same field.
        groups.setdefault(tuple(dict.fromkeys(each[place] for each in names)), []).append(place)
    return groups


def _on_bins(xs: Sequence[Value], across: Channel, mark: Mark) -> list[Value]:
    """Return bins as categories for bars, or their middle for points and lines."""
    size = across.bin_size or 1
    if mark is Mark.BAR:
        return [plots.bin_label(value, size) if isinstance(value, float) else None for value in xs]
    return [value + size / 2 if isinstance(value, float) else None for value in xs]


def _names(channel: str, taken: Mapping[str, Sequence[Value]]) -> list[str]:
    return values.remembered(values.text, taken[channel])


def _in_order(
    groups: Mapping[tuple[str, ...], list[int]],
    series: Sequence[Channel],
    taken: Mapping[str, Sequence[Value]],
    view: View,
) -> list[tuple[str, ...]]:
    """Return the names of series in the order of the first channel that tells them apart."""
    if not series:
        return list(groups)
    first = series[0]
    texts: dict[str, Sequence[Value]] = {**taken, first.name: values.remembered(values.text, taken[first.name])}
    names = (
        vega_channels.categories(first, texts, view.data.rows) if first.is_discrete else _by_value(taken[first.name])
    )
    places = {name: place for place, name in enumerate(names)}
    return sorted(groups, key=lambda key: places.get(key[0] if key else "", len(places)))


def _ends(value: Value, other: Value) -> tuple[Value, Value]:
    """Return the lower and the upper end."""
    known = values.number(value), values.number(other)
    if known[0] is None or known[1] is None:
        return None, value
    return min(known[0], known[1]), max(known[0], known[1])


def _labels(extras: Mapping[str, Sequence[Value]], places: Sequence[int]) -> list[Value]:
    found = extras.get("text", extras.get("tooltip"))
    return [] if found is None else [found[place] for place in places]


# -- other shapes


def _is_timeline(view: View) -> bool:
    """Whether times go to the right and texts down."""
    x, y = view.get("x"), view.get("y")
    return x is not None and x.type == "temporal" and not x.is_discrete and y is not None and y.is_discrete


def _timeline(taken: Mapping[str, Sequence[Value]], notes: Notes) -> Chart:
    ends = taken.get("x2", [None] * len(taken["x"]))
    texts = taken.get("text", taken.get("color", [None] * len(taken["x"])))
    events = []
    for start, end, name, text in zip(taken["x"], ends, taken["y"], texts, strict=True):
        began = values.moment(start)
        if began is not None:
            events.append(Event(values.text(name), began, values.moment(end), values.text(text)))
    return timelines.timeline(events, notes)


def _cells(view: View, taken: Mapping[str, Sequence[Value]], notes: Notes) -> HeatMap:
    """Return a heat map of two axes of categories: its values are colours, sizes or counts."""
    x, y = view.get("x"), view.get("y")
    value = next((view.channels[name] for name in ("color", "fill", "size", "text") if _measures(view, name)), None)
    if x is None or y is None:
        raise CannotDrawError(_("This chart needs “%(name)s”.", name="y"))
    numbers = taken[value.name] if value is not None else [1] * len(taken["x"])
    columns, rows = (_labels_of(channel, taken, view) for channel in (x, y))
    across, down = (_as_labels(channel, taken) for channel in (x, y))
    unit = value.axis(view.data).unit if value is not None else ""
    shape = HeatMap(columns, rows, [], x.axis(view.data), y.axis(view.data), unit)
    return heat_maps.from_cells(zip(across, down, numbers, strict=True), shape, notes)


def _measures(view: View, name: str) -> bool:
    return name in view.channels and view.channels[name].is_measure


def _as_labels(channel: Channel, taken: Mapping[str, Sequence[Value]]) -> list[str]:
    found = taken[channel.name]
    if channel.bin_size and channel.is_measure:
        return [plots.bin_label(value, channel.bin_size) if isinstance(value, float) else "" for value in found]
    return [values.text(value) for value in found]


def _labels_of(channel: Channel, taken: Mapping[str, Sequence[Value]], view: View) -> list[str]:
    """Return the labels of an axis in their order."""
    if channel.is_discrete:
        return vega_channels.categories(channel, taken, view.data.rows)
    pairs = dict(zip(_as_labels(channel, taken), taken[channel.name], strict=True))
    known = [(value, label) for label, value in pairs.items() if value is not None]
    return [label for _value, label in sorted(known, key=lambda pair: _rank(pair[0]))]


def _arc(view: View, _title: str, notes: Notes) -> Parts:
    theta, names = view.get("theta", "angle"), view.get("color", "fill", "text", "detail")
    if theta is None:
        raise CannotDrawError(_("This chart needs “%(name)s”.", name="theta"))
    taken = vega_channels.table(view.channels, view.data.rows)
    sizes = taken[theta.name]
    labels = taken[names.name] if names is not None else [str(place) for place in range(1, len(sizes) + 1)]
    order = {
        name: place
        for place, name in enumerate(vega_channels.categories(names, taken, vega_rows.Rows()) if names else [])
    }
    pairs = sorted(zip(labels, sizes, strict=True), key=lambda pair: order.get(values.text(pair[0]), 0))
    is_hollow = bool(values.number(view.options.get("innerRadius")))
    return plots.parts(pairs, notes, is_hollow=is_hollow, unit=theta.axis(view.data).unit)


def _rect(view: View, _title: str, notes: Notes) -> Chart:
    if {"x2", "y2"} & set(view.channels):
        raise unknown("rect")
    return _cells(view, vega_channels.table(view.channels, view.data.rows), notes)


def _box_plot(view: View, _title: str, notes: Notes) -> Boxes:
    x, y = view.get("x"), view.get("y")
    value = next((each for each in (y, x) if each is not None and each.is_measure), None)
    if value is None:
        raise no_numbers()
    heads = [each for each in (x, y, view.get("color")) if each is not None and each.is_discrete]
    groups: dict[str, list[object]] = {}
    names = [values.remembered(values.text, vega_channels.read(head, view.data.rows)) for head in heads]
    for place, number in enumerate(view.data.rows.column(value.field)):
        key = " · ".join(dict.fromkeys(each[place] for each in names))
        groups.setdefault(key, []).append(number)
    if heads:
        taken = {heads[0].name: vega_channels.read(heads[0], view.data.rows)}
        if isinstance(heads[0].definition.get("sort", "ascending"), str | list):
            order = {
                name: place for place, name in enumerate(vega_channels.categories(heads[0], taken, vega_rows.Rows()))
            }
            groups = dict(sorted(groups.items(), key=lambda pair: order.get(pair[0].split(" · ")[0], len(order))))
    return plots.boxes(groups.items(), notes, value.axis(view.data))


def _text(view: View, title: str, notes: Notes) -> Chart:
    if "x" in view.channels and "y" in view.channels:
        return _cells(view, vega_channels.table(view.channels, view.data.rows), notes)
    text = view.get("text")
    if text is None:
        raise CannotDrawError(_("This chart needs “%(name)s”.", name="text"))
    taken = vega_channels.table({"text": text}, view.data.rows)["text"]
    unit = text.axis(view.data).unit
    name = title if len(taken) == 1 and title else text.title(view.data)
    return Numbers([Number(name, _short(value), unit) for value in notes.first(taken, MAX_NUMBERS)])


def _short(value: Value) -> Value:
    return values.whole(value) if isinstance(value, int | float) else value


SHAPES = {
    "arc": _arc,
    "rect": _rect,
    "boxplot": _box_plot,
    "text": _text,
}
