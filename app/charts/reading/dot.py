"""The common part of DOT, the language of Graphviz: graphs, subgraphs, edges, labels."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.charts.limits import MAX_DEPTH, MAX_DOT, MAX_EDGES
from app.charts.reading import values

TOKEN = re.compile(
    r"""
    (?P<skip>\s+ | //[^\n]* | \#[^\n]* | /\*.*?(?:\*/|\Z))
    | (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<edge>-> | --)
    | (?P<sign>[{}\[\];,=:+])
    | (?P<name>-?(?:\d+(?:\.\d*)?|\.\d+) | [^\W\d]\w*)
    | (?P<html><)
    """,
    re.VERBOSE | re.DOTALL,
)
TAG = re.compile(r"<[^<>]*>")
DEFAULTS = {"node", "edge", "graph"}
MAX_TOKENS = 20_000
# Edges from one group of nodes to another multiply.
MOST = 4 * MAX_EDGES


@dataclass
class Parsed:
    """A graph: titles by the key of the node, and edges with their titles."""

    is_directed: bool
    titles: dict[str, str] = field(default_factory=dict)
    edges: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass
class _Group:
    """What stands between two braces, and the statement that is being read in it."""

    nodes: dict[str, None] = field(default_factory=dict)
    ends: list[list[str]] = field(default_factory=list)
    is_joined: bool = False
    label: str = ""


class _Tokens:
    """Tokens as pairs of a kind and a text, with a look at the next."""

    def __init__(self, text: str) -> None:
        self._tokens = list(itertools.islice(_tokens(text[:MAX_DOT]), MAX_TOKENS))
        self._place = 0

    def peek(self) -> tuple[str, str]:
        return self._tokens[self._place] if self._place < len(self._tokens) else ("end", "")

    def next(self) -> tuple[str, str]:
        token = self.peek()
        self._place += 1
        return token

    def skip(self, sign: str) -> bool:
        """Go over a sign if it is next."""
        if self.peek() != ("sign", sign):
            return False
        self._place += 1
        return True

    def word(self) -> str | None:
        """Return the next name or text, with what is added to it; None if there is another token."""
        if self.peek()[0] not in {"name", "text"}:
            return None
        found = self.next()[1]
        while self.peek() == ("sign", "+"):
            self._place += 1
            if self.peek()[0] == "text":
                found += self.next()[1]
        return found


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(text):
        found = TOKEN.match(text, place)
        if found is None and text[place] == '"':
            # A text without an end: so is the rest.
            return
        if found is None:
            # A sign that DOT does not have.
            place += 1
            continue
        kind, place = str(found.lastgroup), found.end()
        if kind == "html":
            end = _end_of_html(text, place)
            yield "text", TAG.sub(" ", text[place : end - 1])
            place = end
        elif kind == "text":
            yield "text", _unescaped(found.group()[1:-1])
        elif kind != "skip":
            yield kind, found.group()


def _end_of_html(text: str, place: int) -> int:
    depth = 1
    while place < len(text) and depth:
        depth += {"<": 1, ">": -1}.get(text[place], 0)
        place += 1
    return place


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: " " if found.group(1) in "nlr\n" else found.group(1), text, flags=re.DOTALL)


def parse(text: str) -> Parsed | None:
    """Return the graph of a text, as far as it can be read; None if it is none."""
    tokens = _Tokens(text)
    words = []
    while (word := tokens.word()) is not None:
        words.append(word.lower())
    if not words or not {"graph", "digraph"} & set(words[:2]) or not tokens.skip("{"):
        return None
    parsed = Parsed("digraph" in words[:2])
    groups = [_Group()]
    while 0 < len(groups) <= MAX_DEPTH and tokens.peek()[0] != "end":
        _step(tokens, groups, parsed)
    for group in groups:
        _finish(group, parsed)
    return parsed


def _step(tokens: _Tokens, groups: list[_Group], parsed: Parsed) -> None:
    group = groups[-1]
    if tokens.skip("{"):
        groups.append(_Group())
    elif tokens.skip("}"):
        _finish(group, parsed)
        groups.pop()
        if groups:
            groups[-1].nodes.update(group.nodes)
            _add_end(groups[-1], list(group.nodes), parsed)
    elif tokens.peek() == ("sign", "["):
        attributes = _attributes(tokens)
        group.label = attributes.get("label") or attributes.get("xlabel") or group.label
    elif tokens.peek()[0] == "edge":
        tokens.next()
        group.is_joined = True
    elif (word := tokens.word()) is not None:
        _word(word, tokens, group, parsed)
    else:
        tokens.next()
        _finish(group, parsed)


def _word(word: str, tokens: _Tokens, group: _Group, parsed: Parsed) -> None:
    if tokens.skip("="):
        tokens.word()
    elif word.lower() in DEFAULTS and tokens.peek() == ("sign", "["):
        _finish(group, parsed)
        _attributes(tokens)
    elif word.lower() == "subgraph":
        if tokens.peek()[0] in {"name", "text"}:
            tokens.word()
    else:
        while tokens.skip(":"):
            # A port: where on the node the edge ends.
            tokens.word()
        key = values.text(word)
        if key:
            _add_end(group, [key], parsed)
            group.nodes[key] = None
            parsed.titles.setdefault(key, key)


def _attributes(tokens: _Tokens) -> dict[str, str]:
    found = {}
    while tokens.skip("["):
        while not tokens.skip("]") and tokens.peek()[0] != "end":
            name = tokens.word()
            if name is None:
                tokens.next()
            elif tokens.skip("="):
                found[name.lower()] = tokens.word() or ""
    return found


def _add_end(group: _Group, nodes: list[str], parsed: Parsed) -> None:
    """Add nodes to the edge that is being read, or begin a new statement."""
    if not group.is_joined:
        _finish(group, parsed)
    group.is_joined = False
    group.ends.append(nodes)


def _finish(group: _Group, parsed: Parsed) -> None:
    """Take the statement that was read: a node or edges."""
    label = values.text(group.label)
    if len(group.ends) == 1 and label:
        for key in group.ends[0][:1]:
            parsed.titles[key] = key if label == "N" else label
    for starts, ends in itertools.pairwise(group.ends):
        pairs = itertools.islice(itertools.product(starts, ends), max(MOST - len(parsed.edges), 0))
        parsed.edges.extend((start, end, label) for start, end in pairs)
    group.ends, group.label, group.is_joined = [], "", False
