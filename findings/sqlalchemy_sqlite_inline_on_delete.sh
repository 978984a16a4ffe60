#!/usr/bin/env bash
# SQLAlchemy 2.1.9: SQLite's ON DELETE of a foreign key inside a column is not reflected.
#
# ALTER TABLE in SQLite adds a foreign key only inside a new column. SQLite then does what ON DELETE says, and so says
# PRAGMA foreign_key_list. SQLAlchemy's inspector finds the key, but reads its options from "FOREIGN KEY (...)" in the
# text of the table alone. So Alembic 1.20.1 wants to replace the key again after each migration.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq sqlalchemy==2.1.9 alembic==1.20.1
output=$("$folder/venv/bin/python" - <<'PYTHON'
import alembic
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

metadata = sa.MetaData()
series = sa.Table("series", metadata, sa.Column("id", sa.Integer, primary_key=True))
key = sa.ForeignKey("series.id", ondelete="SET NULL")
party = sa.Table("party", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("series_id", sa.Integer, key))

with sa.create_engine("sqlite://").connect() as connection:
    for statement in (
        "CREATE TABLE series (id INTEGER NOT NULL PRIMARY KEY)",
        "CREATE TABLE party (id INTEGER NOT NULL PRIMARY KEY)",
        "ALTER TABLE party ADD COLUMN series_id INTEGER REFERENCES series (id) ON DELETE SET NULL",
    ):
        connection.exec_driver_sql(statement)
    print("SQLAlchemy", sa.__version__, "Alembic", alembic.__version__)
    print("SQLite:", connection.exec_driver_sql("PRAGMA foreign_key_list(party)").one()[6])
    print("inspector:", sa.inspect(connection).get_foreign_keys("party")[0]["options"])
    found = compare_metadata(MigrationContext.configure(connection), metadata)
    print("Alembic:", [change[0] for change in found])
PYTHON
)
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
SQLAlchemy 2.1.9 Alembic 1.20.1
SQLite: SET NULL
inspector: {}
Alembic: ['remove_fk', 'add_fk']
EXPECTED
echo "as written here"
