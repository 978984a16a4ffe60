"""What PostgreSQL does for the statements of a block: it reads no large table as a whole, and sorts few rows."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, event

from app.crud.row_pages import MAX_COUNTED

MOST_SORTED = 1_000
# What one node of a plan may read, and throw away, of a table. Counting is the most that a list does.
MOST_READ, MOST_COUNTED = 3_000, 2 * MAX_COUNTED + 500
EXPLAINED = ("SELECT", "UPDATE", "DELETE", "WITH")

Statements = dict[str, Any]


@contextlib.contextmanager
def collect(statements: Statements) -> Iterator[None]:
    """Collect the statements sent within the block, each with the last parameters."""

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, executemany: bool) -> None:  # noqa: FBT001
        if statement.lstrip("( ").startswith(EXPLAINED) and statement not in statements:
            statements[statement] = parameters[0] if executemany else parameters

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def faults(connection: Connection, statement: str, parameters: Any) -> list[str]:
    """Return what is wrong with the plan of a statement, which is run in a transaction that is not committed."""
    explained = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
    with connection.begin_nested() as savepoint:
        answer = connection.exec_driver_sql(explained, parameters).scalar_one()
        savepoint.rollback()
    (plan,) = json.loads(answer) if isinstance(answer, str) else answer
    most = MOST_COUNTED if statement.startswith("SELECT count(*)") else MOST_READ
    return list(dict.fromkeys(_faults(plan["Plan"], most)))


def _faults(node: Mapping[str, Any], most: int) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name", "")
    removed = sum(value for name, value in node.items() if name.startswith("Rows Removed by"))
    read = (node["Actual Rows"] + removed) * node["Actual Loops"]
    if table and read > most:
        yield f"reads {read:.0f} rows of {table} by {node.get('Index Name', kind)}: {node.get('Filter', '')}"
    if "Sort" in kind:
        rows = sum(each["Actual Rows"] for each in node["Plans"])
        # One that is sorted already in part sorts a group at a time.
        if rows > MOST_SORTED and kind == "Sort":
            yield f"sorts {rows:.0f} rows by {', '.join(node['Sort Key'])}"
    for each in node.get("Plans", ()):
        yield from _faults(each, most)
