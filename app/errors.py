"""Errors that a person may read."""

from typing import Literal

from config import ConfigurationError

__all__ = ["REFUSED", "Category", "ConfigurationError", "DomainError"]

Category = Literal["info", "warning", "danger"]
# The code of an error that programs need not tell from others.
REFUSED = "refused"


class DomainError(Exception):
    """A refusal by a rule of the product, in words that are shown to the person who asked.

    `message` is a (lazy) translated text; `category` the flash category it is shown in; `field` the name of the form
    field it is about, if it is about one; `code` is what programs tell it from others by.
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
