"""The checks of `flask doctor`. A check of one subject is in its file `checks`, and is registered when that is imported here."""

from app.accounts.ldap import checks as directory
from app.accounts.oidc import checks as providers
from app.accounts.second_factor import checks as second_factor
from app.checks import addresses, database, machine, site
from app.copies import checks as copies
from app.i18n import checks as languages
from app.outbox import checks as outbox

__all__ = [
    "addresses",
    "copies",
    "database",
    "directory",
    "languages",
    "machine",
    "outbox",
    "providers",
    "second_factor",
    "site",
]
