"""Run migrations in the application's database, through `flask db` or `flask setup`."""

from alembic import context
from flask import current_app
from sqlalchemy import Connection


def run(connection: Connection) -> None:
    """Run the migrations that were asked for, each in a transaction of its own.

    SQLite makes a table anew to change it; what refers to the old one would go with it, so nobody looks meanwhile.
    """
    sqlite = connection.dialect.name == "sqlite"
    driver = connection.connection.dbapi_connection
    if sqlite:
        driver.execute("PRAGMA foreign_keys = OFF")
    options = current_app.extensions["migrate"].configure_args
    context.configure(
        connection=connection,
        target_metadata=current_app.extensions["migrate"].db.metadata,
        transaction_per_migration=True,
        # Plug-ins have tables of their own.
        version_table=context.config.attributes.get("version_table", "alembic_version"),
        **options,
    )
    with context.begin_transaction():
        context.run_migrations()
    if sqlite:
        driver.execute("PRAGMA foreign_keys = ON")


if context.is_offline_mode():
    raise SystemExit("Migrations look at the database they change: they cannot be written to a file.")

given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with current_app.extensions["migrate"].db.engine.connect() as connection:
        run(connection)
