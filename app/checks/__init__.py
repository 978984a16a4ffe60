"""The checks of `flask doctor`. A check of one subject is in its file `checks`, and is registered when that is imported here."""

from app.accounts.ldap import checks as directory
from app.checks import machine

__all__ = ["directory", "machine"]
