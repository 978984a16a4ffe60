"""Flask-Migrate, and so Alembic, which only commands and the checks of a start load."""

from pathlib import Path
from typing import Any

from flask_migrate import Config
from flask_migrate import Migrate as StockMigrate


class Migrate(StockMigrate):
    """Flask-Migrate, whose folder may have any name: Alembic reads a percent sign as the beginning of an option's."""

    def get_config(self, directory: str | None = None, x_arg: Any = None, opts: Any = None) -> Config:
        """Return Alembic's configuration."""
        folder = directory or self.directory
        config = super().get_config(folder.replace("%", "%%"), x_arg, opts)
        # Under the escaped name there is no file: it was not read yet.
        config.config_file_name = str(Path(folder) / "alembic.ini")
        config.file_config.read(config.config_file_name, "utf-8")
        return config
