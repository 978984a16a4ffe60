"""Who handles which messages. Features register their handlers at the start, so the door knows nothing of them.

A handler gets the message and the key of the address that it came to, whose token is valid; for a bounce that came to the
plain address, an empty key. It runs in the transaction of the message, and returns False if it has no use for it: then
administrators can read it.
"""

from collections.abc import Callable

from app.inbound.addresses import CALENDAR
from app.inbound.reading import Received

Handler = Callable[[Received, str], bool]
CalendarHandler = Callable[[str, str], None]

handlers: dict[str, Handler] = {}


def register(kind: str, handler: Handler) -> None:
    """Hand messages to addresses of a `kind` to `handler`."""
    handlers[kind] = handler


def register_calendar(handle: CalendarHandler) -> None:
    """Hand calendar objects with a METHOD to `handle(reply_text, token)`.

    `reply_text` is the iCalendar object as it came: unchecked, up to 200,000 characters, any METHOD. `token` is the key that
    `addresses.make(CALENDAR, key)` was called with. What people write to such an address without a calendar object goes to
    the handler of replies, with the same key.
    """

    def handler(message: Received, token: str) -> bool:
        handle(message.calendar, token)
        return True

    register(CALENDAR, handler)


def handler_of(kind: str) -> Handler | None:
    return handlers.get(kind)
