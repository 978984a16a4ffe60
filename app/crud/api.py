"""The base of the JSON APIs: only declared columns are read or written, and errors have translated messages."""

import copy
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jsonschema
import prison
from flask import Response, current_app, request
from flask_appbuilder import ModelRestApi as StockModelRestApi
from flask_appbuilder.api import protect, safe
from flask_appbuilder.api.schemas import get_info_schema, get_item_schema, get_list_schema
from flask_appbuilder.const import API_RESULT_RES_KEY, API_SELECT_COLUMNS_RIS_KEY
from flask_appbuilder.exceptions import FABException, InvalidColumnFilterFABException
from flask_babel import gettext, lazy_gettext
from marshmallow import Schema, ValidationError, fields
from prison.decoder import ParserException

from app.crud import history, references, row_versions
from app.crud.api_errors import INVALID, JsonErrorResponses, TranslatedMessage, field_errors
from app.crud.api_schemas import SchemaConverter
from app.crud.datamodel import SQLAInterface
from app.crud.db_errors import ConflictError, ConstraintError, GoneError, UnavailableError, translate_db_errors
from app.crud.fab_attributes import refuse
from app.crud.fields import clean_text
from app.crud.filters import CONVERTED, ApiFilterConverter, FilterIn, FilterNotIn, Filters, OfMoments, OwnFilters
from app.crud.row_values import NotPlainError, RowValues
from app.crud.view_config import ViewConfigMixin
from app.database import transaction
from app.errors import DomainError
from config import ConfigurationError

OK = 200
COLUMNS = ("list_columns", "show_columns", "add_columns", "edit_columns", "search_columns")
WRITTEN = ("add_columns", "edit_columns")
MAX_ARGUMENTS_LENGTH = 8_000
MAX_VALUES = 100
# A program may ask for any of the columns of a list; what is read for so many choices is remembered.
MAX_SCHEMAS = 32
# Of what is not valid, in messages.
MAX_SHOWN = 60
# The operators whose value is a list; a list for any other means that all of it must be true.
LISTS = {FilterIn.arg_name, FilterNotIn.arg_name}
STATUSES = {ConflictError: 409, GoneError: 404, UnavailableError: 503}
Endpoint = Callable[..., Response]


def _arguments(schema: Mapping[str, Any]) -> Callable[[Endpoint], Endpoint]:
    """Pass the query argument `q` as `rison` to an endpoint; what does not match `schema` is a bad request.

    Flask-AppBuilder's own decorator validates the schema in every call, which takes longer than the query.
    """

    @functools.cache
    def validator() -> Any:
        return jsonschema.validators.validator_for(schema)(schema)

    def decorate(endpoint: Endpoint) -> Endpoint:
        @functools.wraps(endpoint)
        def wrapped(self: JsonErrorResponses, *args: Any, **kwargs: Any) -> Response:
            try:
                query = _parse_query(request.args.get("q", ""))
            except (ValueError, LookupError, RecursionError, ParserException):
                return self.response_400()
            wrong = jsonschema.exceptions.best_match(validator().iter_errors(query))
            if wrong is not None:
                place = ".".join(map(str, wrong.absolute_path)) or "q"
                return self.response_400(
                    TranslatedMessage(gettext("The argument “%(name)s” is not valid.", name=place))
                )
            return endpoint(self, *args, rison=query, **kwargs)

        return wrapped

    return decorate


def _strict(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return Flask-AppBuilder's schema of a list, but with filters that have known keys only."""
    stricter = copy.deepcopy(dict(schema))
    stricter["properties"]["filters"]["items"]["additionalProperties"] = False
    return stricter


def _parse_query(text: str) -> Any:
    """Parse Rison or JSON; raises ValueError, LookupError, RecursionError or ParserException."""
    if not text:
        return {}
    if len(text) > MAX_ARGUMENTS_LENGTH or "\0" in text:
        raise ValueError(text[:20])
    is_json = text.lstrip().startswith("{") and current_app.config.get("FAB_API_ALLOW_JSON_QS", True)
    return json.loads(text) if is_json else prison.loads(text)


def documented_like(stock: Endpoint) -> Callable[[Endpoint], Endpoint]:
    """Give an endpoint the routes, permission and documentation of Flask-AppBuilder's."""

    def decorate(endpoint: Endpoint) -> Endpoint:
        endpoint.__doc__ = stock.__doc__
        endpoint.__dict__.update({name: value for name, value in stock.__dict__.items() if name != "__wrapped__"})
        return endpoint

    return decorate


class InvalidFilterError(InvalidColumnFilterFABException):
    """A filter that a list does not have, or whose value is none of its column."""

    def __init__(self, each: Mapping[str, Any]) -> None:
        super().__init__()
        names = {name: str(each[name])[:MAX_SHOWN] for name in ("col", "opr", "value")}
        self._text = gettext("There is no filter “%(col)s %(opr)s %(value)s”.", **names)

    # Flask-AppBuilder's exceptions have no text for people.
    def __str__(self) -> str:
        return TranslatedMessage(self._text)


class ModelRestApi(JsonErrorResponses, OwnFilters, StockModelRestApi):
    """The generated JSON API of a model.

    Required: `base_order` and all of list, show, add, edit and search columns. A related row is shown by one of its
    columns ("host.username"): a bare relation would send the whole row, including password hashes. In add and edit
    columns a relation is allowed: its value is the key of the related row. Cookies are ignored. `count` in lists is at
    most 10,000.

    The ETag of a row is the version of its edit columns (row_versions). A PUT or DELETE with another one in If-Match is
    refused with 412.
    """

    model2schemaconverter = SchemaConverter
    constraint_messages: Mapping[str, object] = {}
    search_columns: Any
    label_columns: Any
    list_title: object
    show_title: object
    add_title: object
    edit_title: object

    # -- configuration

    # Flask-AppBuilder's takes all columns where none are declared, and makes labels that cannot be translated.
    def _init_properties(self) -> None:
        refuse(self, ModelRestApi)
        self._check_declared()
        searched = list(self.search_columns)
        self.label_columns = dict(self.label_columns or {})
        super()._init_properties()
        self._row_values = functools.lru_cache(maxsize=MAX_SCHEMAS)(self._read_values)
        self.search_columns = searched
        self._filters = Filters(ApiFilterConverter, self.datamodel, searched, self.search_filters)

    # Flask-AppBuilder's are English: "List Model".
    def _init_titles(self) -> None:
        self.list_title = self.list_title or lazy_gettext("List")
        self.show_title = self.show_title or lazy_gettext("Show")
        self.add_title = self.add_title or lazy_gettext("Add")
        self.edit_title = self.edit_title or lazy_gettext("Edit")
        self.title = self.list_title

    def _gen_labels_columns(self, list_columns: list[str]) -> None:
        """Generate no labels: Flask-AppBuilder's could not be translated."""

    # Flask-AppBuilder's looks up a text that is translated already.
    def _description_columns_json(self, cols: list[str] | None = None) -> dict[str, str]:
        return {name: str(self.description_columns[name]) for name in cols or () if name in self.description_columns}

    def _get_field_info(
        self, field: fields.Field, filter_rel_field: Any, page: int | None = None, page_size: int | None = None
    ) -> dict[str, Any]:
        """Describe a field as Flask-AppBuilder does, with the site's labels and without addresses in memory."""
        described: dict[str, Any] = super()._get_field_info(field, filter_rel_field, page=page, page_size=page_size)
        name = field.name or ""
        described["label"] = str(self.label_columns.get(name, ""))
        described["description"] = str(self.description_columns.get(name, ""))
        if "validate" in described:
            rules = field.validate if isinstance(field.validate, list) else [field.validate]
            described["validate"] = [getattr(rule, "__name__", str(rule)) for rule in rules]
        return described

    def _check_declared(self) -> None:
        if self.allow_browser_login:
            self._fail_config("must not set allow_browser_login: the API ignores cookies")
        if not isinstance(self.datamodel, SQLAInterface):
            self._fail_config("must have a datamodel that is an app.crud.SQLAInterface")
        if self.datamodel.is_pk_composite():
            self._fail_config("must have a model with one primary key: an address of the API names a row by a number")
        if not self.base_order:
            self._fail_config("must declare base_order")
        for kind in COLUMNS:
            columns = getattr(self, kind)
            if columns is None or (not columns and kind != "search_columns"):
                self._fail_config(f"must declare {kind}")
            for column in columns:
                self._check_column(kind, column)

    def _check_column(self, kind: str, column: str) -> None:
        root, dot, leaf = column.partition(".")
        if not self.datamodel.is_relation(root):
            if dot:
                self._fail_config(f"{kind}: {root!r} is not a relation")
            return
        if kind == "search_columns" and dot:
            self._fail_config(f"search_columns: {column!r} cannot be searched; name the relation {root!r}")
        if kind in {*WRITTEN, "search_columns"} and not dot:
            return
        related = type(self.datamodel)(self.datamodel.get_related_model(root))
        if not leaf or "." in leaf or related.is_relation(leaf) or not hasattr(related.obj, leaf):
            self._fail_config(f"{kind}: {column!r} must name one column of the related row")

    def _fail_config(self, reason: str) -> None:
        raise ConfigurationError(f"{type(self).__name__} {reason}")

    # -- reading: the three differ only in how they check their argument

    # Flask-AppBuilder's validate the schema of their arguments anew in each call.
    @protect()
    @safe
    @documented_like(StockModelRestApi.info)
    @_arguments(get_info_schema)
    def info(self, **kwargs: Any) -> Response:
        return self.info_headless(**kwargs)

    # As above.
    @protect()
    @safe
    @documented_like(StockModelRestApi.get)
    @_arguments(get_item_schema)
    def get(self, pk: int, **kwargs: Any) -> Response:
        return self.get_headless(pk, **kwargs)

    # As above.
    @protect()
    @safe
    @documented_like(StockModelRestApi.get_list)
    @_arguments(_strict(get_list_schema))
    def get_list(self, **kwargs: Any) -> Response:
        return self.get_list_headless(**kwargs)

    # Flask-AppBuilder's loads the rows, and lets marshmallow look for each value. Lists that need more than columns still do.
    def get_list_headless(self, **kwargs: Any) -> Response:
        asked = kwargs.get("rison", {})
        try:
            _columns, pruned = self._handle_columns_args(asked, self.list_select_columns, self.list_columns)
            # Flask-AppBuilder has made an instance of the class by now.
            convert = self.model2schemaconverter.convert
            values = self._row_values(convert(pruned) if pruned else self.list_model_schema)  # type: ignore[call-arg]
            if values is None:
                return super().get_list_headless(**kwargs)
            filters, order = self._handle_filters_args(asked), self._handle_order_args(asked)
        except FABException as error:
            return self.response_400(message=str(error))
        response: dict[str, Any] = {}
        self.set_response_key_mappings(response, self.get_list, asked, **{API_SELECT_COLUMNS_RIS_KEY: pruned})
        number, size = self._handle_page_args(asked)
        page = self.datamodel.page(filters, order, number=number or 0, size=size, columns=values)
        response[API_RESULT_RES_KEY] = [values.write(row) for row in page.rows]
        response["ids"] = [row[0] for row in page.rows]
        response["count"] = page.count
        self.pre_get_list(response)
        return self.response(OK, **response)

    def _read_values(self, schema: Schema) -> RowValues | None:
        """Return what a list reads for a schema; None if it takes more than columns."""
        try:
            return RowValues(self.datamodel, schema)
        except NotPlainError:
            return None

    # Flask-AppBuilder's has no ETag, without which the last of two programs wins.
    def get_headless(self, pk: Any, **kwargs: Any) -> Response:
        response = super().get_headless(pk, **kwargs)
        if response.status_code == OK:
            # Known already: this takes no statement.
            self._set_etag(response, self.datamodel.session.get(self.datamodel.obj, pk))
        return response

    def _set_etag(self, response: Response, item: Any) -> Response:
        response.set_etag(row_versions.version(item, self.datamodel.stored(self.edit_columns)))
        return response

    def _was_changed(self, item: Any) -> bool:
        """Whether the request names another version of `item` than the stored one."""
        version = row_versions.version(item, self.datamodel.stored(self.edit_columns))
        return bool(request.if_match) and not request.if_match.contains(version)

    # Flask-AppBuilder's stores the filters in the view, which all threads share.
    def _handle_filters_args(self, rison_args: dict[str, Any]) -> Filters:
        filters: Filters = self._filters
        filters.clear_filters()
        for each in rison_args.get("filters", []):
            try:
                found = self._filter(**each)
            except (ValueError, OverflowError) as error:
                raise InvalidFilterError(each) from error
            # Not rest_add_filters: it takes the class that any other view has last made with this operator.
            filters._add_filter(*found)  # noqa: SLF001 - Flask-AppBuilder has no other way
        return filters.get_joined_filters(self._base_filters)

    def _filter(self, col: str, opr: str, value: Any) -> tuple[Any, Any]:
        """Return the filter and its value as the column has it; raises ValueError for what does not exist."""
        offered = {flt.arg_name: flt for flt in self._filters.get_search_filters().get(col, ())}
        if opr not in offered:
            raise ValueError(opr)
        if type(offered[opr]) not in CONVERTED:
            return offered[opr], value
        if opr in LISTS and not isinstance(value, list):
            raise ValueError(value)
        if not isinstance(value, list):
            parse = self.datamodel.parse_period if isinstance(offered[opr], OfMoments) else self.datamodel.parse_value
            return offered[opr], parse(col, str(value))
        if len(value) > MAX_VALUES:
            raise ValueError(len(value))
        return offered[opr], [self.datamodel.parse_value(col, str(each)) for each in value]

    # -- writing: Flask-AppBuilder's commits before it runs post hooks, tells database errors, and lets the last of two win

    # As above.
    def post_headless(self) -> Response:
        return self._load_and_store(self.add_model_schema, self.add_query_rel_fields, None, self._store_new)

    # As above. Fields that are not sent keep their value.
    def put_headless(self, pk: Any) -> Response:
        item = self.datamodel.get_locked(pk, self._base_filters, self.datamodel.stored(self.edit_columns))
        if item is None:
            return self.response_404()
        if self._was_changed(item):
            return self._error_response(412)
        return self._load_and_store(self.edit_model_schema, self.edit_query_rel_fields, item, self._store_changed)

    # The same, and it deletes what somebody else has just changed.
    def delete_headless(self, pk: Any) -> Response:
        item = self.datamodel.get_locked(pk, self._base_filters)
        if item is None:
            return self.response_404()
        if self._was_changed(item):
            return self._error_response(412)
        try:
            with references.explained([item]), translate_db_errors(deleting=True), transaction():
                self.pre_delete(item)
                self._write(history.DELETED, item, {}, {})
                self.datamodel.delete(item, commit=False)
            self.post_delete(item)
        except DomainError as error:
            return self._domain_error(error)
        return self.response(200, message="OK")

    def _load_and_store(
        self, schema: Any, allowed: Mapping[str, Sequence[Any]], item: Any, store: Callable[..., Response]
    ) -> Response:
        sent = self._sent()
        if not isinstance(sent, dict):
            return self.response_400()
        # A schema stores the row that it loads into, so each request needs a copy.
        own = copy.copy(schema)
        stored = {} if item is None else self._values(item, self.edit_columns)
        try:
            cleaned = {name: self._cleaned(name, value) for name, value in sent.items()}
            for name in filter(self.datamodel.is_relation, cleaned):
                self._check_related(name, cleaned[name], allowed.get(name, ()), item)
            return store(own, own.load(cleaned, instance=item, partial=item is not None), stored)
        except ValidationError as error:
            return self.response_422(message=field_errors(error.messages))
        except DomainError as error:
            return self._domain_error(error)

    def _sent(self) -> Any:
        """Return the JSON of the request."""
        return request.get_json(silent=True)

    def _cleaned(self, name: str, value: Any) -> Any:
        """Return the value for a column without control characters; raises ValidationError for an invalid key."""
        if self.datamodel.is_relation(name):
            parse = type(self.datamodel)(self.datamodel.get_related_model(name)).parse_pk
            keys = value if isinstance(value, list) else [value]
            if any(parse(key) is None for key in keys if key is not None):
                raise ValidationError({name: [str(INVALID)]})
        return clean_text(value) if isinstance(value, str) else value

    def _check_related(self, name: str, value: Any, allowed: Sequence[Any], item: Any) -> None:
        """Raise ValidationError for the key of a related row that cannot be chosen; those that are stored may stay."""
        related = self.datamodel.get_related_interface(name)
        stored = getattr(item, name, None)
        kept = {related.get_pk_value(row) for row in (stored if isinstance(stored, list) else [stored]) if row}
        sent = {related.parse_pk(key) for key in (value if isinstance(value, list) else [value]) if key is not None}
        new = sent - kept
        permitted = related.get_many(new, related.get_filters().add_filter_list(allowed)) if new else []
        if new - {related.get_pk_value(row) for row in permitted}:
            raise ValidationError({name: [str(INVALID)]})

    def _store_new(self, schema: Any, item: Any, stored: Mapping[str, Any]) -> Response:
        self._store(item, self.pre_add, history.ADDED, stored, self.add_columns)
        self.post_add(item)
        return self.response(201, id=self.datamodel.get_pk_value(item), result=schema.dump(item, many=False))

    def _store_changed(self, schema: Any, item: Any, stored: Mapping[str, Any]) -> Response:
        self._store(item, self.pre_update, history.CHANGED, stored, self.edit_columns)
        self.post_update(item)
        return self._set_etag(self.response(200, result=schema.dump(item, many=False)), item)

    def _store(
        self,
        item: Any,
        before: Callable[[Any], None],
        kind: str,
        stored: Mapping[str, Any],
        columns: Sequence[str],
    ) -> None:
        with translate_db_errors(), transaction() as session:
            with session.no_autoflush:
                session.add(item)
                before(item)
            self.datamodel.edit(item, commit=False)
            self._write(kind, item, stored, self._values(item, columns))

    # -- history: that of the generated pages of the same rows, so that it is told and undone there

    def _page(self) -> Any:
        """Return the generated view of the same rows, or None."""
        pages = (view for view in self.appbuilder.baseviews if isinstance(view, ViewConfigMixin))
        same = [view for view in pages if view.datamodel.obj is self.datamodel.obj]
        return max(same, key=lambda view: bool(view.audit_subject), default=None)

    def _values(self, item: Any, columns: Sequence[str]) -> dict[str, Any]:
        page = self._page()
        named = page.named_relations if page else {}
        return history.values_of(item, self.datamodel.stored(columns), named)

    def _write(self, kind: str, item: Any, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Write what has changed to the journal."""
        old, new = history.changes(before, after)
        if not new and kind == history.CHANGED:
            return
        page = self._page()
        subject = page.subject if page else str(self.datamodel.obj.__table__.name)[:40]
        name = page.item_name(item) if page else str(item)
        history.journal().write(history.Change(kind, subject, item, name, old, new))

    # -- errors

    def _domain_error(self, error: DomainError) -> Response:
        if isinstance(error, references.InUseError):
            places = [{"list": place.title, "count": place.count, "url": place.url} for place in error.places]
            return self.response(422, message=error.text, in_use=places)
        text = error.message
        if isinstance(error, ConstraintError):
            text = self.constraint_messages.get(error.constraint, text)
        return self.response(STATUSES.get(type(error), 422), message=str(text))
