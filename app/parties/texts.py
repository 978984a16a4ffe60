"""The type of flash messages, which pages and API share."""

from app.errors import Category

Flash = tuple[str, Category]
