#!/usr/bin/env bash
# SQLAlchemy 2.1.9: a default that looks at the other columns fails in an INSERT of several rows of a class.
#
# context.get_current_parameters() gives a default the values of its row, also in insert().values([...]) (documented with
# isolate_multiinsert_groups). It does in an INSERT into a table. In one into a mapped class the names that it looks for
# have the table before them, and the result is KeyError, as StatementError. One row, and a list of parameters that is
# given to execute(), work. What works in all cases: isolate_multiinsert_groups=False, and the names as they are there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq sqlalchemy==2.1.9
cat >"$folder/insert.py" <<'PYTHON'
import sqlalchemy
from sqlalchemy import create_engine, insert, select
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Guest(Base):
    __tablename__ = "guest"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    key: Mapped[str] = mapped_column(default=lambda context: context.get_current_parameters()["name"].casefold())


rows = [{"name": "Ada"}, {"name": "Bo"}]
statements = {
    "table, one row": (insert(Guest.__table__).values(rows[0]),),
    "table, several rows": (insert(Guest.__table__).values(rows),),
    "class, one row": (insert(Guest).values(rows[0]),),
    "class, list given to execute": (insert(Guest), rows),
    "class, several rows": (insert(Guest).values(rows),),
}
print("SQLAlchemy", sqlalchemy.__version__)
for name, arguments in statements.items():
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        try:
            session.execute(*arguments)
            told = list(session.scalars(select(Guest.key)))
        except StatementError as error:
            told = repr(error.orig)
    print(f"{name}: {told}")
PYTHON
output=$("$folder/venv/bin/python" "$folder/insert.py")
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
SQLAlchemy 2.1.9
table, one row: ['ada']
table, several rows: ['ada', 'bo']
class, one row: ['ada']
class, list given to execute: ['ada', 'bo']
class, several rows: KeyError('guest.name_m0')
EXPECTED
echo "as written here"
