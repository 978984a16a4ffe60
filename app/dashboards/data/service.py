"""The data of a chart, with the rights of whoever looks at it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from flask import current_app, g
from flask_babel import get_locale, gettext
from flask_login import current_user

from app import replica
from app.charts.model import Refusal, Table
from app.dashboards.access import ReaderAccess
from app.dashboards.data import own_api, remote, stored_periods, uploads
from app.dashboards.data.cache import DataCache
from app.dashboards.data.models import DashboardUpload
from app.dashboards.data.reader import is_for_another
from app.dashboards.enums import Action
from app.dashboards.models import Dashboard
from app.extensions import appbuilder_of
from app.named_queries import QUERIES, NamedQuery, Row

SOURCES = ("query", "values", "upload", "api", "url")
CACHE = "dashboard_data"


def load(source: Mapping[str, Any], inputs: Mapping[str, str], dashboard: Dashboard | None = None) -> Any:
    """Return the data of a chart: a Table, or a JSON value; a Refusal that says why there is none.

    `source` is the `data` of a module; `inputs` are what the reader has chosen, which replace parameters of its query.
    Who was let in to see `dashboard` sees its uploaded files, too; those of others need the right to see the other one.
    """
    try:
        payload = _payload(source, inputs, dashboard)
        return payload if isinstance(payload, Table) else _part(payload, source.get("key"))
    except ValueError as error:
        return Refusal(str(error))


def _payload(source: Mapping[str, Any], inputs: Mapping[str, str], dashboard: Dashboard | None) -> Any:
    match [(kind, source[kind]) for kind in SOURCES if kind in source]:
        case [("query", name)]:
            return _load_query(str(name), source.get("parameters") or {}, inputs)
        case [("values", values)]:
            return values
        case [("upload", key)]:
            return _load_upload(str(key), dashboard)
        case [("api", path)]:
            reader = current_user.get_id() if current_user else None
            return for_a_minute(("api", str(path), reader, str(get_locale())), lambda: own_api.read(str(path)))
        case [("url", url)]:
            return once(("url", str(url)), lambda: remote.last_answer(str(url)))
    raise ValueError(gettext("This chart does not say where its data come from."))


def cache() -> DataCache:
    """Return what this process keeps for a minute."""
    found: DataCache = current_app.extensions.setdefault(CACHE, DataCache())
    return found


def once(key: tuple[object, ...], read: Callable[[], Any]) -> Any:
    """Return what `read` returns, which several charts of a page share."""
    known: dict[tuple[object, ...], Any] = g.setdefault(CACHE, {})
    if key not in known:
        known[key] = read()
    return known[key]


def for_a_minute(key: tuple[object, ...], read: Callable[[], Any]) -> Any:
    """Return what `read` returns, or has returned for this key less than a minute ago. The key says who may know it."""

    def kept() -> Any:
        found = cache().find(key)
        if found is not None:
            return found[0]
        value = read()
        cache().store(key, value)
        return value

    return once(key, kept)


def may_ask(query: NamedQuery) -> bool:
    """Whether the reader may ask a named query."""
    if query.permission is None:
        return bool(current_user and current_user.is_authenticated)
    return bool(appbuilder_of().sm.has_access(*query.permission))


def arguments(query: NamedQuery, given: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of a query. Raises ValueError with a localized text, which names the parameter."""
    unknown = next((name for name in given if name not in {each.name for each in query.parameters}), None)
    if unknown is not None:
        raise ValueError(gettext("The query “%(query)s” has no parameter “%(name)s”.", query=query.name, name=unknown))
    values = {}
    for parameter in query.parameters:
        try:
            text = _as_text(inputs.get(parameter.name, given.get(parameter.name)))
            values[parameter.name] = parameter.read(text) if text else parameter.default
        except ValueError as error:
            raise ValueError(gettext("%(name)s: %(reason)s", name=parameter.title, reason=error)) from error
    return values


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    raise ValueError(gettext("Enter a text or a whole number."))


def _load_query(name: str, given: Any, inputs: Mapping[str, str]) -> Table:
    query = QUERIES.get(name)
    if query is None:
        raise ValueError(gettext("There is no query “%(name)s”.", name=name[:100]))
    if not isinstance(given, Mapping):
        raise ValueError(gettext("The parameters of a query are an object of names and values."))  # noqa: TRY004
    if not may_ask(query):
        raise ValueError(gettext("You may not see these data."))
    values = arguments(query, given, inputs)
    reader = query.permission or current_user.id
    key = ("query", query.name, json.dumps(values), reader, str(get_locale()))
    rows = for_a_minute(key, lambda: _ask(query, [*values.values()]))
    # The lists know the period, and nothing else that was chosen.
    with_links = _is_usual(query, [*values.values()]) and not is_for_another()
    return once(("table", *key), lambda: query.table(rows, with_links=with_links))


def _ask(query: NamedQuery, values: list[Any]) -> list[Row]:
    if query.series is None or not _is_usual(query, values):
        return replica.read(lambda: query.read(*values))
    return stored_periods.rows(query.name, query.series, values[0], for_a_minute)


def _is_usual(query: NamedQuery, values: list[Any]) -> bool:
    """Whether nothing but the first parameter was chosen."""
    return values[1:] == [parameter.default for parameter in query.parameters[1:]]


def _load_upload(key: str, dashboard: Dashboard | None) -> Table:
    upload = once(("upload", key), lambda: uploads.find(key))
    if upload is None or not _sees(upload, dashboard):
        raise ValueError(gettext("There is no uploaded file “%(key)s”.", key=key[:100]))
    table: Table = once(("table", key), lambda: uploads.table(upload))
    return table


def _sees(upload: DashboardUpload, dashboard: Dashboard | None) -> bool:
    if dashboard is not None and dashboard.id == upload.dashboard_id:
        return True
    return bool(current_user and current_user.is_authenticated) and ReaderAccess().may(Action.READ, upload.dashboard)


def _part(payload: Any, key: object) -> Any:
    """Return the part of a payload that several charts share."""
    if key is None:
        return payload
    # jsondash keeps the parts of a shared payload under this name.
    parts = payload.get("multicharts", payload) if isinstance(payload, Mapping) else None
    if not isinstance(parts, Mapping) or not isinstance(key, str) or key not in parts:
        raise ValueError(gettext("The data have no part “%(key)s”.", key=str(key)[:100]))
    return parts[key]
