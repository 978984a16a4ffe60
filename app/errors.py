"""Errors that a person may read."""

from typing import Literal

from config import ConfigurationError

__all__ = ["Category", "ConfigurationError", "DomainError"]

Category = Literal["info", "warning", "danger"]


class DomainError(Exception):
    """A refusal by a rule of the product, in words that are shown to the person who asked.

    `message` is a (lazy) translated text; `category` the flash category it is shown in; `field` the name of the form
    field it is about, if it is about one.
    """

    def __init__(self, message: object, category: Category = "danger", *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.category = category
        self.field = field

    def __str__(self) -> str:
        return str(self.message)
