"""Lists of public parties for strangers: rendered once for each state of the data, and sent once to each browser.

The key of a page has what it prints, as it has just been read from the database. So a change by any process, a command
or a package shows at once, and there is nothing to invalidate.
"""

from collections.abc import Callable, Iterable
from typing import Any

from flask import current_app, make_response, request, session
from sqlalchemy import inspect
from werkzeug.wrappers import Response as BaseResponse

from app import clock
from app.i18n.selectors import current_locale, current_timezone
from app.parties.models import DinnerParty

MAX_PAGES = 64
# What the templates of these pages read.
SETTINGS = ("APP_NAME", "REGISTRATION")


def respond(parties: Iterable[DinnerParty], render: Callable[[], str], *more: object) -> BaseResponse:
    """Return the page with a validator, from memory if it is there; readers with a session get one of their own.

    `more` is what the page prints besides the parties.
    """
    # A session may hold a login, a language or a flash. Other arguments would fill the memory with equal pages.
    if session or request.args.keys() - {"page"}:
        return make_response(render())
    pages: dict[Any, str] = current_app.extensions.setdefault("public_lists", {})
    key = _key(parties, more)
    page = pages.get(key) or render()
    if session:
        return make_response(page)
    if not current_app.debug:
        pages[key] = page
        while len(pages) > MAX_PAGES:
            pages.pop(next(iter(pages)), None)
    response = make_response(page)
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    return response.make_conditional(request)


def _key(parties: Iterable[DinnerParty], more: tuple[object, ...]) -> tuple[object, ...]:
    # Dates of this year are shown without it.
    reader = request.full_path, current_locale(), current_timezone(), clock.now().year
    settings = tuple(current_app.config[name] for name in SETTINGS)
    return (*reader, *settings, *more, *(_stored(party) for party in parties))


def _stored(party: DinnerParty) -> tuple[object, ...]:
    """Return all columns of a party, and the names of its host."""
    loaded: dict[str, Any] = inspect(party).dict
    columns = (loaded.get(attribute.key) for attribute in DinnerParty.__mapper__.column_attrs)
    return (*columns, party.host.username, party.host.display_name)
