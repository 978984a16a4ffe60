"""The site map: every view, API and menu entry in menu order; and what each role may do, as data."""

from app.extensions import AppBuilder


def register(appbuilder: AppBuilder) -> None:
    """Add every view and API to `appbuilder`."""
