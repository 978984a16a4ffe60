"""Run migrations in the application's database, through `flask db` or `flask setup`."""

from alembic import context
from flask import current_app
from sqlalchemy import Connection, event


def run(connection: Connection) -> None:
    """Run the migrations that were asked for, each with its row of the version in a transaction of its own."""
    if connection.dialect.name == "sqlite":
        _begin_before_ddl(connection)
    options = current_app.extensions["migrate"].configure_args
    context.configure(
        connection=connection,
        target_metadata=current_app.extensions["migrate"].db.metadata,
        transaction_per_migration=True,
        # Alembic believes that SQLite has no transactional DDL. It has.
        transactional_ddl=True,
        # Plug-ins have tables of their own.
        version_table=context.config.attributes.get("version_table", "alembic_version"),
        **options,
    )
    with context.begin_transaction():
        context.run_migrations()


def _begin_before_ddl(connection: Connection) -> None:
    """Let transactions on SQLite have everything in them, CREATE TABLE included.

    Python's driver begins a transaction before INSERT, UPDATE and DELETE only, so what a killed process had created
    stayed, without the row of the version that tells of it.

    SQLite makes a table anew to change it; what refers to the old one would go with it, so nobody looks meanwhile. That
    can be set outside a transaction only.
    """
    # No other statement gets this connection.
    connection.detach()
    driver = connection.connection.dbapi_connection
    driver.isolation_level = None
    driver.execute("PRAGMA foreign_keys = OFF")
    event.listen(connection, "begin", lambda begun: begun.exec_driver_sql("BEGIN IMMEDIATE"))


if context.is_offline_mode():
    raise SystemExit("Migrations look at the database they change: they cannot be written to a file.")

given = context.config.attributes.get("connection")
if given is not None:
    # A copy of the database, on which migrations are tried.
    run(given)
else:
    with current_app.extensions["migrate"].db.engine.connect() as connection:
        run(connection)
