"""Texts that pages and API share."""

from app.errors import Category

Flash = tuple[str, Category]
