"""Errors whose messages are shown to people."""

from typing import Literal

from config import ConfigurationError

__all__ = ["REFUSED", "Category", "ConfigurationError", "DomainError"]

Category = Literal["info", "warning", "danger"]
# The code of errors that programs need not distinguish.
REFUSED = "refused"


class DomainError(Exception):
    """A rule of the product was violated. The message is shown to the member or guest.

    `message` is a (lazy) translated text, `category` its flash category, `field` the name of the form field it is about,
    if any, and `code` identifies the error in the API.
    """

    def __init__(
        self, message: object, category: Category = "danger", *, field: str | None = None, code: str = REFUSED
    ) -> None:
        super().__init__(message)
        self.message = message
        self.category = category
        self.field = field
        self.code = code

    def __str__(self) -> str:
        return str(self.message)
