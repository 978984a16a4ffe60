"""The statements that are sent to the database: count them, or do something just before one."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Engine, event


@contextlib.contextmanager
def count_statements() -> Iterator[list[str]]:
    """Collect the SQL of every statement sent within the block, from whatever thread: its len() is their number."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@contextlib.contextmanager
def just_before(beginning: str, act: Callable[[], object]) -> Iterator[None]:
    """Call `act` once before the first statement in the block that starts with `beginning`."""
    other = threading.Thread(target=act)

    def interrupt(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(beginning) and other.ident is None:
            other.start()
            other.join()

    event.listen(Engine, "before_cursor_execute", interrupt)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", interrupt)
    assert other.ident is not None, f"no statement began with {beginning!r}"
