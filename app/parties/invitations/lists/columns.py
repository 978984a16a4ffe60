"""Which column of a sheet is which, by its title, checked against the cells below it."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from . import addresses, names, numbers
from .headings import (
    ASKING,
    CONTAINED,
    COUNTED,
    COUNTING,
    FOREIGN,
    GIVEN_BESIDE_FAMILY,
    GROUP_NAMES,
    TITLES,
    WEAK_NAMES,
)
from .tables import Role, Row, Sheet

# The titles are among the first rows, or among those just above the first address.
FIRST_ROWS, ROWS_ABOVE = 12, 3
SAMPLE = 200
NUMERIC = {Role.SEATS, Role.PLUS_ONES, Role.ADULTS, Role.CHILDREN}
NAMES = {Role.NAME, Role.GIVEN, Role.FAMILY}
# The article, which stands at the beginning of words.
ARTICLES = (("ال", 4), ("ה", 4))


class Layout(NamedTuple):
    """The columns of a sheet: the position of the row with the titles in it, if any, and what each column holds."""

    titles_at: int | None
    titles: list[str]
    roles: list[Role]
    is_family_first: bool = False


@cache
def fold(text: str) -> str:
    """Return a title in the form in which titles are compared."""
    spread = unicodedata.normalize(
        "NFKD", text.replace("ß", "ss").replace("ı", "i").replace("ł", "l").replace("ø", "o").casefold()
    )
    plain = "".join(c for c in spread if not unicodedata.combining(c))
    # French elisions, and marks inside of words: l'adresse, Ім'я, דוא"ל.
    plain = re.sub(r"\b(?:[cdjlmnst]|qu)['’](?=[a-z])", "", plain)
    joined = re.sub(r"\be[\s_-]?mail", "email", re.sub(r"[\"״'’׳`´ʼ.]", "", plain))
    joined = re.sub(r"\be[\s_-]?post", "epost", re.sub(r"\+\s?1(s?)\b", r"plusone\1", joined))
    return " ".join(_without_article(word) for word in re.sub(r"[^\w#№]+|_", " ", joined).split())


def _without_article(word: str) -> str:
    for article, length in ARTICLES:
        if word.startswith(article) and len(word) >= length:
            return word.removeprefix(article)
    return word


@cache
def _known() -> Mapping[str, tuple[Role, ...]]:
    known: dict[str, tuple[Role, ...]] = {}
    for role, titles in TITLES.items():
        for title in titles:
            folded = fold(title)
            if role not in known.get(folded, ()):
                known[folded] = (*known.get(folded, ()), role)
    return known


@cache
def folded(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(fold(word) for word in words)


@cache
def roles_of(title: str) -> tuple[Role, ...]:
    """Return what a column with this title may hold; nothing if the title is unknown."""
    shorter = re.sub(r"\(.*?\)|\*|\?|:|（.*?）", " ", title)
    for candidate in (fold(title), fold(shorter)):
        if candidate in _known():
            return _known()[candidate]
    words = fold(shorter).split()
    if not words or len(words) > 9 or len(title) > 80:
        return ()
    if folded(FOREIGN) & set(words):
        return (Role.IGNORE,)
    for role, stems in CONTAINED:
        if any(_has(words, fold(stem)) for stem in stems):
            return (role,)
    counts = folded(COUNTING) & set(words) and folded(COUNTED) & set(words)
    if counts or folded(ASKING) & {*words, "".join(words[:2])}:
        return (Role.SEATS,)
    return _longest_part(words)


def _longest_part(words: Sequence[str]) -> tuple[Role, ...]:
    """Return the role of a known title inside this one: "guest last name" has "last name"."""
    for length in range(len(words) - 1, 0, -1):
        for start in range(len(words) - length, -1, -1):
            roles = _known().get(" ".join(words[start : start + length]), ())
            useful = tuple(role for role in roles if role in NAMES)
            if useful and (length > 1 or len(words) <= 3):
                return useful
    return ()


def _has(words: Sequence[str], stem: str) -> bool:
    if stem and "\u3040" <= stem[0] <= "\ud7a3":
        return stem in "".join(words)
    return any(word.startswith(stem) or (len(stem) > 4 and stem in word) for word in words) or stem in "".join(
        words[:2]
    )


def find(sheet: Sheet) -> Layout:
    """Return the layout of a sheet."""
    width = max((len(row.cells) for row in sheet.rows), default=0)
    if sheet.roles is not None:
        return Layout(None, [""] * width, list(sheet.roles))
    first = next((at for at, row in enumerate(sheet.rows) if any("@" in cell for cell in row.cells)), None)
    best = _best_titles(sheet.rows, first)
    if best is None:
        return Layout(None, [""] * width, _hide(_roles_by_content(sheet.rows, width), sheet))
    titles = _padded(sheet.rows[best].cells, width)
    below = [row for row in sheet.rows[best + 1 :] if any(row.cells)][:SAMPLE]
    roles = _roles_by_titles(titles, below, sheet.hidden_columns)
    family_first = Role.FAMILY in roles and names.is_east_asian(titles[roles.index(Role.FAMILY)])
    return Layout(best, titles, roles, family_first)


def _padded(cells: Sequence[str], width: int) -> list[str]:
    return [*cells, *[""] * (width - len(cells))]


def _best_titles(rows: Sequence[Row], first: int | None) -> int | None:
    """Return the position of the row with the titles: the one with most known ones of those above the first address."""
    if first is None:
        return None
    above = [at for at in range(first) if any(rows[at].cells)]
    near = sorted({*above[:FIRST_ROWS], *above[-ROWS_ABOVE:]})
    score, before = max(((_title_score(rows[at].cells, rows[first].cells), -at) for at in near), default=(0.0, 0))
    return -before if score >= 1 else None


def _title_score(cells: Sequence[str], first: Sequence[str]) -> float:
    filled = [cell for cell in cells if cell]
    score = sum(1.0 if set(roles_of(cell)) - {Role.IGNORE} else 0.4 if roles_of(cell) else 0 for cell in filled)
    # Guests with "Guest" as a name of theirs are rare; a line of a letter above the guests has one cell.
    if len(filled) == 1 and sum(bool(cell) for cell in first) > 1:
        score -= 0.5
    return score - 0.3 * sum(bool(numbers.count(cell) is not None and not roles_of(cell)) for cell in filled)


def _column(rows: Sequence[Row], index: int) -> list[str]:
    return [row.cells[index] for row in rows if index < len(row.cells) and row.cells[index]]


def _share(cells: Sequence[str], test: Callable[[str], bool]) -> float:
    return sum(map(test, cells)) / len(cells) if cells else 0.0


def _is_number(cell: str) -> bool:
    return numbers.count(cell) is not None


def _has_address(cell: str) -> bool:
    return "@" in cell and any(found.email for found in addresses.find(cell))


def _roles_by_titles(titles: Sequence[str], rows: Sequence[Row], hidden: frozenset[int]) -> list[Role]:
    columns = [_column(rows, index) for index in range(len(titles))]
    chosen = [
        Role.IGNORE if index in hidden else _choose(roles_of(title), columns[index])
        for index, title in enumerate(titles)
    ]
    if Role.EMAIL not in chosen:
        _take_address_column(chosen, columns, hidden)
    _settle_names(chosen, titles, columns)
    _keep_one(chosen, columns)
    return chosen


def _choose(roles: tuple[Role, ...], cells: Sequence[str]) -> Role:
    """Return the role that fits the cells."""
    mostly_numbers = _share(cells, _is_number) > 0.5
    for role in roles:
        if role in NUMERIC and role is not Role.PLUS_ONES:
            fits = mostly_numbers
        elif role in NAMES:
            fits = not mostly_numbers
        elif role is Role.EMAIL:
            fits = not cells or _share(cells, lambda cell: "@" in cell) > 0.3
        else:
            fits = True
        if fits:
            return role
    return Role.IGNORE


def _take_address_column(chosen: list[Role], columns: Sequence[Sequence[str]], hidden: frozenset[int]) -> None:
    """Without a title for addresses, take the column that has most, unless they stand beside the names."""
    counts = [0 if index in hidden else sum(map(_has_address, cells)) for index, cells in enumerate(columns)]
    best = max(range(len(counts)), key=counts.__getitem__, default=None)
    if best is not None and counts[best] and chosen[best] not in NAMES:
        chosen[best] = Role.EMAIL


def _settle_names(chosen: list[Role], titles: Sequence[str], columns: Sequence[Sequence[str]]) -> None:
    """Decide what "Name" means beside a first or a last name."""
    given = [at for at, role in enumerate(chosen) if role is Role.GIVEN]
    family = [at for at, role in enumerate(chosen) if role is Role.FAMILY]
    full = [at for at, role in enumerate(chosen) if role is Role.NAME]
    weak = [at for at in full if fold(titles[at]) in folded(WEAK_NAMES)]
    if len(weak) == len(full):
        weak = [at for at in weak if given and family and fold(titles[at]) in folded(GROUP_NAMES)]
    for at in weak:
        chosen[at] = Role.IGNORE
    full = [at for at in full if at not in weak]
    ambiguous = [at for at in full if fold(titles[at]) in folded(GIVEN_BESIDE_FAMILY)]
    if family and not given and ambiguous:
        chosen[ambiguous[0]] = Role.GIVEN
    elif given and not family and ambiguous and _repeats(columns[given[0]], columns[ambiguous[0]]) < 0.5:
        chosen[ambiguous[0]] = Role.FAMILY
    elif given and not family and not full:
        chosen[given[0]] = Role.NAME


def _repeats(parts: Sequence[str], wholes: Sequence[str]) -> float:
    """Return how many of the wholes begin or end with the part beside them."""
    pairs = list(zip(parts, wholes, strict=False))
    longer = [(part, whole) for part, whole in pairs if part != whole]
    return sum(whole.startswith(part) or whole.endswith(part) for part, whole in longer) / max(len(pairs), 1)


def _keep_one(chosen: list[Role], columns: Sequence[Sequence[str]]) -> None:
    """Keep one column of each role but e-mail and names: the first that has cells."""
    for role in set(chosen) - {Role.EMAIL, Role.IGNORE, Role.NAME}:
        with_role = [at for at, each in enumerate(chosen) if each is role]
        kept = next((at for at in with_role if columns[at]), with_role[0])
        for at in with_role:
            if at != kept:
                chosen[at] = Role.IGNORE


def _hide(roles: list[Role], sheet: Sheet) -> list[Role]:
    return [Role.IGNORE if at in sheet.hidden_columns else role for at, role in enumerate(roles)]


def _roles_by_content(rows: Sequence[Row], width: int) -> list[Role]:
    """Return the roles of columns without titles: addresses, and a name if one stands beside them."""
    with_address = [row for row in rows if any(map(_has_address, row.cells))][:SAMPLE]
    columns = [_column(with_address, index) for index in range(width)]
    roles = [Role.EMAIL if _share(cells, _has_address) > 0.5 else Role.IGNORE for cells in columns]
    first = roles.index(Role.EMAIL) if Role.EMAIL in roles else width
    like = [at for at in range(width) if roles[at] is Role.IGNORE and _is_of_names(columns[at], len(with_address))]
    # A column that repeats a few words is a group or a town, unless there is no other.
    like = [at for at in like if _differ(columns[at])] or [at for at in like if len(set(columns[at])) > 1][:1]
    before = [at for at in like if at < first] or like
    if not before:
        return roles
    # One that stands alone, or the first with whole names, or two beside each other with a word each.
    whole = next((at for at in before if _share(columns[at], lambda cell: len(cell.split()) > 1) >= 0.5), None)
    if whole is None and len(before) > 1 and before[1] == before[0] + 1:
        roles[before[0]], roles[before[1]] = Role.GIVEN, Role.FAMILY
    else:
        roles[before[0] if whole is None else whole] = Role.NAME
    return roles


def _is_of_names(cells: Sequence[str], rows: int) -> bool:
    if len(cells) < rows / 2 or not cells:
        return False
    return _share(cells, names.is_name_like) > 0.7


def _differ(cells: Sequence[str]) -> bool:
    return len(cells) < 4 or len(set(cells)) > len(cells) / 2
