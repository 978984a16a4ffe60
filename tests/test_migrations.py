"""The migrations and the models say the same, on both databases, forwards and back."""

import pytest
from sqlalchemy import inspect

from app.extensions import db

pytestmark = pytest.mark.both_databases


@pytest.fixture
def flask_db(app, database):
    """Run `flask db ...` on a database without a table; its output."""
    database.empty()

    def run(*arguments):
        result = app.test_cli_runner().invoke(args=["db", *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    return run


def schema(app):
    """Return all that the database knows of its tables."""
    with app.app_context():
        inspector = inspect(db.engine)
        return {
            table: {
                "columns": {
                    column["name"]: (str(column["type"]), column["nullable"]) for column in inspector.get_columns(table)
                },
                "primary key": inspector.get_pk_constraint(table),
                "foreign keys": sorted(map(repr, inspector.get_foreign_keys(table))),
                "unique": sorted(map(repr, inspector.get_unique_constraints(table))),
                "checks": sorted(map(repr, inspector.get_check_constraints(table))),
                "indexes": sorted(map(repr, inspector.get_indexes(table))),
            }
            for table in inspector.get_table_names()
            if table != "alembic_version"
        }


# Flask-Migrate logs what it does; SQLite's indexes on expressions are not reflected, and it warns of that.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
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


def test_there_is_one_newest_migration(flask_db):
    assert len(flask_db("heads").splitlines()) == 1


def test_each_migration_can_be_taken_back_and_made_again(app, flask_db):
    flask_db("upgrade")
    newest = schema(app)
    while flask_db("current").strip():
        flask_db("downgrade")
    assert schema(app) == {}
    flask_db("upgrade")
    assert schema(app) == newest
