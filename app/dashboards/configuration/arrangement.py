"""Where modules are on a dashboard, and what a step in a direction does. Modules are mappings, as in a configuration."""

from collections.abc import Mapping, Sequence
from typing import Any

Module = dict[str, Any]

COLUMNS = 12
DEFAULT_WIDTH, DEFAULT_HEIGHT = 6, 300
MIN_HEIGHT, MAX_HEIGHT, HEIGHT_STEP = 50, 2000, 50
# Freeform: pixels from the start and the top, at most MAX_PLACE.
MAX_PLACE, PLACE_STEP = 10_000, 20
STEPS = ("left", "right", "up", "down")
DROPS = ("before", "after", "above", "below")
SIZES = {"wider": ("width", 1), "narrower": ("width", -1), "taller": ("height", 1), "shorter": ("height", -1)}


def rows(modules: Sequence[Mapping[str, Any]]) -> list[list[Module]]:
    """Return the modules by row, each in its order. A row without modules is none."""
    by_row: dict[int, list[Module]] = {}
    for module in sorted(modules, key=lambda each: (each.get("row", 1), each.get("order", 0))):
        by_row.setdefault(module.get("row", 1), []).append(dict(module))
    return list(by_row.values())


def step(modules: Sequence[Mapping[str, Any]], key: str, direction: str, *, is_freeform: bool) -> list[Module]:
    """Return the modules after `key` has moved one step: among its neighbours, or by pixels where they lie freely."""
    if is_freeform:
        axis, sign = {"left": ("x", -1), "right": ("x", 1), "up": ("y", -1), "down": ("y", 1)}[direction]
        return [
            {**each, axis: _clamp(each.get(axis, 0) + sign * PLACE_STEP, 0, MAX_PLACE)}
            if each["id"] == key
            else dict(each)
            for each in modules
        ]
    grid = rows(modules)
    row, place = find(grid, key)
    if direction in {"left", "right"}:
        other = place + (1 if direction == "right" else -1)
        if 0 <= other < len(grid[row]):
            grid[row][place], grid[row][other] = grid[row][other], grid[row][place]
        return numbered(grid)
    module = grid[row].pop(place)
    is_alone = not grid[row]
    target = row + (1 if direction == "down" else -1)
    if not 0 <= target < len(grid):
        # Beyond the first or last row is a new one; alone in its row, a module stays where it is.
        grid.insert(max(target, 0), [module])
    elif _total([*grid[target], module]) <= COLUMNS:
        grid[target].insert(min(place, len(grid[target])), module)
    elif is_alone:
        # There is no room in the next row: it is passed.
        grid.insert(target + (1 if direction == "down" else 0), [module])
    else:
        grid.insert(max(row, target), [module])
    return numbered(grid)


def resize(
    modules: Sequence[Mapping[str, Any]], key: str, *, width: int, height: int, is_freeform: bool
) -> list[Module]:
    """Return the modules after `key` has got this size, or the nearest one that is allowed."""
    size = {"width": _clamp(width, 1, COLUMNS), "height": _clamp(height, MIN_HEIGHT, MAX_HEIGHT)}
    resized = [{**each, **size} if each["id"] == key else dict(each) for each in modules]
    return resized if is_freeform else numbered(rows(resized))


def grow(modules: Sequence[Mapping[str, Any]], key: str, how: str, *, is_freeform: bool) -> list[Module]:
    """Return the modules after `key` has become wider, narrower, taller or shorter by a step."""
    module = next(each for each in modules if each["id"] == key)
    size = {"width": module.get("width", DEFAULT_WIDTH), "height": module.get("height", DEFAULT_HEIGHT)}
    name, sign = SIZES[how]
    size[name] += sign * (1 if name == "width" else HEIGHT_STEP)
    return resize(modules, key, **size, is_freeform=is_freeform)


def put(modules: Sequence[Mapping[str, Any]], key: str, where: str, target: str) -> list[Module]:
    """Return the modules of a grid after `key` was dropped before or after `target`, or in a new row above or below it."""
    grid = rows(modules)
    row, at = find(grid, key)
    if target == key:
        return numbered(grid)
    find(grid, target)
    module = grid[row].pop(at)
    row, at = find(grid, target)
    if where in {"above", "below"}:
        grid.insert(row + (where == "below"), [module])
    else:
        grid[row].insert(at + (where == "after"), module)
    return numbered(grid)


def place(modules: Sequence[Mapping[str, Any]], key: str, x: int, y: int) -> list[Module]:
    """Return the modules of a freeform dashboard after `key` was dropped at `x` and `y`."""
    spot = {"x": _clamp(x, 0, MAX_PLACE), "y": _clamp(y, 0, MAX_PLACE)}
    return [{**each, **spot} if each["id"] == key else dict(each) for each in modules]


def find(grid: Sequence[Sequence[Mapping[str, Any]]], key: str) -> tuple[int, int]:
    """Return the row and the place in it of a module, counted from zero. Raises KeyError."""
    for row, modules in enumerate(grid):
        for place, module in enumerate(modules):
            if module["id"] == key:
                return row, place
    raise KeyError(key)


def numbered(grid: Sequence[Sequence[Module]]) -> list[Module]:
    """Return the modules with the numbers of their rows. What does not fit into a row begins the next one."""
    fitting: list[list[Module]] = []
    for modules in grid:
        line: list[Module] = []
        for module in modules:
            if line and _total([*line, module]) > COLUMNS:
                fitting.append(line)
                line = []
            line.append(module)
        fitting += [line] if line else []
    return [
        {**module, "row": row, "order": order}
        for row, modules in enumerate(fitting, start=1)
        for order, module in enumerate(modules)
    ]


def _total(modules: Sequence[Mapping[str, Any]]) -> int:
    return sum(int(module.get("width", DEFAULT_WIDTH)) for module in modules)


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))


def stylesheet(modules: Sequence[Mapping[str, Any]], *, is_freeform: bool) -> str:
    """Return the rules that put each module in its place: the policy of the site allows no styles in the page.

    The class of a module is its number in the configuration. Narrow screens show one below the other.
    """
    rules = []
    for number, module in enumerate(modules):
        height, width = int(module.get("height", DEFAULT_HEIGHT)), int(module.get("width", DEFAULT_WIDTH))
        rules.append(f".dashboard .place-{number}{{--height:{height}px}}")
        if is_freeform:
            x, y = int(module.get("x", 0)), int(module.get("y", 0))
            share = f"{width / COLUMNS:.2%}"
            spot = f"inset-inline-start:min({x}px,100% - {share});inset-block-start:{y}px;inline-size:{share}"
        else:
            spot = f"grid-column:span {width}"
        rules.append(f"@media(width>=48rem){{.dashboard .place-{number}{{{spot}}}}}")
    if is_freeform:
        bottom = max((int(each.get("y", 0)) + int(each.get("height", DEFAULT_HEIGHT)) for each in modules), default=0)
        rules.append(f"@media(width>=48rem){{.dashboard.freeform{{block-size:{bottom + 40}px}}}}")
    return "\n".join(rules)
