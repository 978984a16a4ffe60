"""The checks of `flask doctor`. A check of one subject is in its file `checks`, and is registered when that is imported here."""

from app.accounts.ldap import checks as directory
from app.accounts.oidc import checks as providers
from app.checks import addresses, machine

__all__ = ["addresses", "directory", "machine", "providers"]
