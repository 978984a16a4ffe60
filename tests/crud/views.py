"""Views of e-mails on our base classes and on stock ones, for both kinds of tests."""

import threading
from concurrent.futures import ThreadPoolExecutor

from flask_appbuilder.actions import action
from flask_babel import lazy_gettext

from app.crud import ModelView, SQLAInterface
from app.crud.filters import FilterContains
from app.errors import DomainError
from app.outbox.models import OutboxEmail
from tests.support.factories import OutboxEmailFactory


def email_view(base, interface, **declared):
    """Return a view of e-mails on the given base classes."""
    common = {
        "datamodel": interface(OutboxEmail),
        "route_base": "/texts",
        "base_order": ("id", "asc"),
        "list_title": "Texts",
        "show_title": "Text",
        "add_title": "Add a text",
        "edit_title": "Edit a text",
        "label_columns": {name: name.capitalize() for name in (*LETTER_COLUMNS, "id")},
        "list_columns": ["id", "subject", "recipient"],
        "show_columns": ["id", "subject", "recipient"],
        "add_columns": LETTER_COLUMNS,
        "edit_columns": ["subject", "recipient", "dedupe_key"],
        "search_columns": ["subject", "recipient", "attempts", "created_at"],
    }
    return type("TextView", (base,), {**common, **declared})


LETTER_COLUMNS = [
    "recipient", "kind", "locale", "timezone", "subject", "text", "html", "dedupe_key", "message_id",
    "attempts", "created_at",
]  # fmt: skip


TYPED = {
    "recipient": "ada@example.com", "kind": "x", "locale": "en", "timezone": "UTC", "subject": "Typed with care",
    "text": "t", "html": "h", "dedupe_key": "one", "message_id": "m", "attempts": "0", "created_at": "2026-01-01T00:00",
}  # fmt: skip


OURS = ModelView, SQLAInterface
TextView = email_view(*OURS)


class Meeting:
    """Lets two requests meet between reading their filters and the query."""

    barrier: threading.Barrier

    def _get_list_widget(self, *args, **kwargs):
        self.barrier.wait(timeout=20)
        return super()._get_list_widget(*args, **kwargs)


def write_soup_and_salad():
    for subject in ("soup", "salad"):
        OutboxEmailFactory(subject=subject, recipient=f"{subject}@example.com")


def pages_of_two_threads(visitor, view):
    view.barrier = threading.Barrier(2)
    client = visitor.app.test_client

    def ask(subject):
        return client().get(f"/texts/list/?_flt_3_subject={subject}").text

    with ThreadPoolExecutor(2) as threads:
        return dict(zip(("soup", "salad"), threads.map(ask, ("soup", "salad")), strict=True))


def are_filters_mixed_up(pages):
    other = {"soup": "salad", "salad": "soup"}
    return any(
        f"{subject}@example.com" not in page or f"{other[subject]}@example.com" in page
        for subject, page in pages.items()
    )


def refuse(_self, _item):
    raise DomainError(lazy_gettext("Not today."), "warning")


class WithAction:
    base_filters = (["subject", FilterContains, "shown"],)

    @action("shout", "Shout", "Sure?", "")
    def shout(self, items):
        for item in items if isinstance(items, list) else [items]:
            item.subject = item.subject.upper()
        return "Shouted."
