"""The migrations and the models say the same, on both databases, forwards and back."""

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from app.extensions import db

pytestmark = [
    pytest.mark.both_databases,
    # SQLite does not tell of indexes on expressions.
    pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index"),
    pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index"),
]


@pytest.fixture
def flask_db(app, database):
    """Run `flask db ...`, beginning on a database without a table."""
    database.empty()

    def run(*arguments):
        result = app.test_cli_runner().invoke(args=["db", *arguments])
        assert result.exit_code == 0, result.output

    return run


@pytest.fixture
def revisions(app):
    return ScriptDirectory(app.extensions["migrate"].directory)


def schema(app):
    """Return all that the database knows of its tables, in lines.

    FAB's constraints have a name, and its keys a default, in the migrations only: both are left out.
    """
    with app.app_context():
        inspector = inspect(db.engine)
        questions = {
            "column": inspector.get_columns,
            "primary key": lambda table: [inspector.get_pk_constraint(table)],
            "foreign key": inspector.get_foreign_keys,
            "unique": inspector.get_unique_constraints,
            "check": inspector.get_check_constraints,
            "index": lambda table: [
                index for index in inspector.get_indexes(table) if "duplicates_constraint" not in index
            ],
        }
        return {
            f"{table}: {what} {plain(what, fact)}"
            for table in inspector.get_table_names()
            if table != "alembic_version"
            for what, facts in questions.items()
            for fact in facts(table)
        }


def plain(what, fact):
    left_out = {"column": {"default", "autoincrement"}, "check": set(), "index": set()}.get(what, {"name"})
    return {key: value for key, value in fact.items() if key not in left_out}


def test_the_migrations_make_what_the_models_say(app, database, flask_db):
    flask_db("upgrade")
    migrated = schema(app)
    database.empty()
    with app.app_context():
        db.create_all()
    assert migrated == schema(app)


def test_nothing_is_left_to_migrate(flask_db):
    flask_db("upgrade")
    flask_db("check")


def test_there_is_one_newest_migration(revisions):
    assert len(revisions.get_heads()) == 1


def test_each_migration_can_be_taken_back_and_made_again(app, flask_db, revisions):
    flask_db("upgrade")
    newest = schema(app)
    for _revision in revisions.walk_revisions():
        flask_db("downgrade")
    assert schema(app) == set()
    flask_db("upgrade")
    assert schema(app) == newest
