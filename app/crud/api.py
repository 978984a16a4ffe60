"""The base of the JSON APIs: only declared columns leave or enter, and errors are said in words."""

import copy
import functools
import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

import prison
from flask import Response, request
from flask_appbuilder import ModelRestApi as StockModelRestApi
from flask_appbuilder.api import protect, safe
from flask_appbuilder.api.convert import Model2SchemaConverter
from flask_appbuilder.api.schemas import get_info_schema, get_item_schema, get_list_schema
from flask_appbuilder.exceptions import InvalidColumnFilterFABException
from flask_babel import lazy_gettext
from jsonschema.validators import validator_for
from marshmallow import ValidationError, fields
from marshmallow.validate import Length
from prison.decoder import ParserException

from app.crud.datamodel import SQLAInterface
from app.crud.db_errors import ConflictError, ConstraintError, GoneError, UnavailableError, translate_db_errors
from app.crud.fields import clean_text
from app.crud.filters import Filters, OwnFilters
from app.database import UTCDateTime, is_unavailable, transaction
from app.errors import DomainError
from app.extensions import db
from config import ConfigurationError

COLUMNS = ("list_columns", "show_columns", "add_columns", "edit_columns", "search_columns")
WRITTEN = ("add_columns", "edit_columns")
MAX_ARGUMENTS_LENGTH = 8_000
MESSAGES = {
    400: lazy_gettext("The request could not be understood."),
    401: lazy_gettext("Please log in to access this page."),
    403: lazy_gettext("You do not have permission to see this page or do this."),
    404: lazy_gettext("This page does not exist or has been removed."),
    422: lazy_gettext("The data sent is incomplete or not valid."),
    500: lazy_gettext("This is an error on our side. It has been logged. Please try again."),
}
STATUSES = {ConflictError: 409, GoneError: 404, UnavailableError: 503}
# Marshmallow speaks English only. What is not listed here becomes INVALID.
INVALID = lazy_gettext("Not a valid value.")
VALIDATION_MESSAGES = {
    "Missing data for required field.": lazy_gettext("This field must be filled in."),
    "Field may not be null.": lazy_gettext("This field must be filled in."),
    "Unknown field.": lazy_gettext("This field does not exist."),
    "Not a valid integer.": lazy_gettext("Not a valid number."),
    "Not a valid number.": lazy_gettext("Not a valid number."),
    "Not a valid datetime.": lazy_gettext("Not a valid date and time."),
    "Not a valid boolean.": lazy_gettext("This must be true or false."),
    "Not a valid list.": lazy_gettext("This must be a list."),
}

Endpoint = Callable[..., Response]


class TranslatedMessage(str):
    """What is wrong with a value, in the reader's language already; all else that Marshmallow says is English."""

    __slots__ = ()


def _arguments(schema: Mapping[str, Any]) -> Callable[[Endpoint], Endpoint]:
    """Give an endpoint its `q` as `rison`; anything but `schema` is a bad request.

    Flask-AppBuilder's own decorator checks the schema itself again in every call, which takes longer than the query.
    """
    validator = validator_for(schema)(schema)

    def decorate(endpoint: Endpoint) -> Endpoint:
        @functools.wraps(endpoint)
        def wrapped(self: "JsonErrorResponses", *args: Any, **kwargs: Any) -> Response:
            try:
                asked = _read(request.args.get("q", ""))
            except (ValueError, LookupError, RecursionError, ParserException):
                return self.response_400()
            if not validator.is_valid(asked):
                return self.response_400()
            return endpoint(self, *args, rison=asked, **kwargs)

        return wrapped

    return decorate


def _read(text: str) -> Any:
    """Return what `text` says in Rison or JSON; raises ValueError and the like."""
    if not text:
        return {}
    if len(text) > MAX_ARGUMENTS_LENGTH or "\0" in text:
        raise ValueError(text[:20])
    return json.loads(text) if text.lstrip().startswith("{") else prison.loads(text)


def _same_type(stock: Endpoint) -> Callable[[Endpoint], Endpoint]:
    """Give an endpoint the routes, permission and documentation of Flask-AppBuilder's."""

    def decorate(endpoint: Endpoint) -> Endpoint:
        endpoint.__doc__ = stock.__doc__
        endpoint.__dict__.update({name: value for name, value in stock.__dict__.items() if name != "__wrapped__"})
        return endpoint

    return decorate


class SchemaConverter(Model2SchemaConverter):
    """Converts each set of columns once, and moments as what they are."""

    def __init__(self, datamodel: SQLAInterface, validators_columns: dict[str, Callable[[Any], Any]]) -> None:
        super().__init__(datamodel, validators_columns)
        self._converted: dict[tuple[Any, ...], Any] = {}

    def convert(
        self,
        columns: list[str],
        model: type[Any] | None = None,
        nested: bool = True,  # noqa: FBT001, FBT002 - Flask-AppBuilder's signature
        parent_schema_name: str | None = None,
    ) -> Any:
        """Return the schema for `columns`."""
        key = (tuple(columns), model, nested, parent_schema_name)
        if key not in self._converted:
            self._converted[key] = super().convert(columns, model, nested, parent_schema_name)
        return self._converted[key]

    def _column2field(self, datamodel: SQLAInterface, column: Any, *args: Any, **kwargs: Any) -> Any:
        field = super()._column2field(datamodel, column, *args, **kwargs)
        mapped = datamodel.list_columns.get(column.name)
        if mapped is None:
            return field
        if datamodel.is_string(column.name) and not mapped.nullable and datamodel.get_col_default(column.name) != "":
            field.validators.append(Length(min=1))
        if not isinstance(mapped.type, UTCDateTime):
            return field
        return fields.AwareDateTime(
            default_timezone=UTC, required=field.required, allow_none=field.allow_none, metadata=field.metadata
        )


class JsonErrorResponses:
    """What an API says when it does not do what was asked, in the reader's language."""

    response: Callable[..., Response]

    def response_400(self, message: str | None = None) -> Response:  # noqa: ARG002 - FAB's texts are English for ever
        """Answer what could not be understood."""
        return self._answer(400)

    def response_401(self) -> Response:
        """Answer somebody unknown."""
        return self._answer(401)

    def response_403(self) -> Response:
        """Answer somebody who may not."""
        return self._answer(403)

    def response_404(self) -> Response:
        """Answer that there is nothing."""
        return self._answer(404)

    def response_422(self, message: Any = None) -> Response:
        """Answer what is not valid; of a form, with the fields it is about."""
        details = {"errors": message} if isinstance(message, dict) else {}
        return self.response(422, message=str(MESSAGES[422]), **details)

    def response_500(self, message: str | None = None) -> Response:  # noqa: ARG002
        """Answer that it is our fault, without a word about how; a database that is away is nobody's."""
        failure = sys.exc_info()[1]
        if failure is not None and is_unavailable(failure):
            raise failure
        # What failed may have been a statement; then nothing else can be asked for, not even the reader's language.
        db.session.rollback()
        return self._answer(500)

    def _answer(self, code: int) -> Response:
        answer: Response = self.response(code, message=str(MESSAGES[code]))
        return answer


class ModelRestApi(JsonErrorResponses, OwnFilters, StockModelRestApi):
    """The generated JSON API of a model.

    Required: `base_order` and all of list, show, add, edit and search columns. What is shown of a related row is
    dotted down to a column of it ("host.username"): a bare relation would send the whole row, password hashes
    included. What is added and edited may name one: it is sent as the related row's key. An API takes no cookie.
    `count` in lists is at most 10,000.
    """

    allow_browser_login = False
    model2schemaconverter = SchemaConverter
    constraint_messages: Mapping[str, object] = {}
    search_columns: Any
    label_columns: Any
    list_title: object
    show_title: object
    add_title: object
    edit_title: object

    # -- what is declared

    def _init_properties(self) -> None:
        self._check_declared()
        searched = list(self.search_columns)
        self.label_columns = dict(self.label_columns or {})
        super()._init_properties()
        self.search_columns = searched
        self._filters = self.datamodel.get_filters(searched, self.search_filters)

    def _init_titles(self) -> None:
        self.list_title = self.list_title or lazy_gettext("List")
        self.show_title = self.show_title or lazy_gettext("Show")
        self.add_title = self.add_title or lazy_gettext("Add")
        self.edit_title = self.edit_title or lazy_gettext("Edit")
        self.title = self.list_title

    def _gen_labels_columns(self, list_columns: list[str]) -> None:
        """Make no labels up: one that is derived from a name is never translated."""

    def _label_columns_json(self, cols: list[str] | None = None) -> dict[str, str]:
        return {name: str(self.label_columns[name]) for name in cols or () if name in self.label_columns}

    def _description_columns_json(self, cols: list[str] | None = None) -> dict[str, str]:
        return {name: str(self.description_columns[name]) for name in cols or () if name in self.description_columns}

    def _check_declared(self) -> None:
        if self.allow_browser_login:
            self._refuse("takes no cookie: allow_browser_login must be off")
        if not self.base_order:
            self._refuse("must declare base_order")
        for kind in COLUMNS:
            columns = getattr(self, kind)
            if columns is None or (not columns and kind != "search_columns"):
                self._refuse(f"must declare {kind}")
            for column in columns:
                self._check_column(kind, column)

    def _check_column(self, kind: str, column: str) -> None:
        root, dot, leaf = column.partition(".")
        if not self.datamodel.is_relation(root):
            if dot:
                self._refuse(f"{kind}: {root!r} is no relation")
            return
        if kind in WRITTEN and not dot:
            return
        related = type(self.datamodel)(self.datamodel.get_related_model(root))
        if not leaf or "." in leaf or related.is_relation(leaf) or not hasattr(related.obj, leaf):
            self._refuse(f"{kind}: {column!r} must name one column of the related row")

    def _refuse(self, reason: str) -> None:
        msg = f"{type(self).__name__} {reason}"
        raise ConfigurationError(msg)

    # -- reading

    @protect()
    @safe
    @_same_type(StockModelRestApi.info)
    @_arguments(get_info_schema)
    def info(self, **kwargs: Any) -> Response:
        return self.info_headless(**kwargs)

    @protect()
    @safe
    @_same_type(StockModelRestApi.get)
    @_arguments(get_item_schema)
    def get(self, pk: int, **kwargs: Any) -> Response:
        return self.get_headless(pk, **kwargs)

    @protect()
    @safe
    @_same_type(StockModelRestApi.get_list)
    @_arguments(get_list_schema)
    def get_list(self, **kwargs: Any) -> Response:
        return self.get_list_headless(**kwargs)

    def _handle_filters_args(self, rison_args: dict[str, Any]) -> Filters:
        filters: Filters = self._filters
        filters.clear_filters()
        asked = rison_args.get("filters", [])
        try:
            filters.rest_add_filters([{**each, "value": self._filter_value(**each)} for each in asked])
        except (ValueError, OverflowError) as error:
            raise InvalidColumnFilterFABException from error
        return filters.get_joined_filters(self._base_filters)

    def _filter_value(self, col: str, opr: str, value: Any) -> Any:
        """Return `value` as the column has it; raises ValueError for what is not on offer."""
        offered = {flt.arg_name for flt in self._filters.get_search_filters().get(col, ())}
        if opr not in offered or isinstance(value, list):
            raise ValueError(opr)
        return self.datamodel.parse_value(col, str(value))

    # -- writing

    def post_headless(self) -> Response:
        """Store a new row."""
        return self._load_and_store(self.add_model_schema, None, self._store_new)

    def put_headless(self, pk: Any) -> Response:
        """Change a row; what is not sent stays as it is."""
        item = self.datamodel.get(pk, self._base_filters)
        if item is None:
            return self.response_404()
        return self._load_and_store(self.edit_model_schema, item, self._store_changed)

    def delete_headless(self, pk: Any) -> Response:
        """Delete a row."""
        item = self.datamodel.get(pk, self._base_filters)
        if item is None:
            return self.response_404()
        try:
            with translate_db_errors(deleting=True), transaction():
                self.datamodel.lock(item)
                self.pre_delete(item)
                self.datamodel.delete(item, commit=False)
            self.post_delete(item)
        except DomainError as error:
            return self._refusal(error)
        return self.response(200, message="OK")

    def _load_and_store(self, schema: Any, item: Any, store: Callable[[Any, Any], Response]) -> Response:
        sent = request.get_json(silent=True)
        if not isinstance(sent, dict):
            return self.response_400()
        # A schema keeps the row it loads into in itself: a copy per request keeps threads apart.
        own = copy.copy(schema)
        try:
            cleaned = {name: self._cleaned(name, value) for name, value in sent.items()}
            return store(own, own.load(cleaned, instance=item, partial=item is not None))
        except ValidationError as error:
            return self.response_422(message=field_errors(error.messages))
        except DomainError as error:
            return self._refusal(error)

    def _cleaned(self, name: str, value: Any) -> Any:
        """Return what was sent for a column, without control characters; raises ValidationError for what is no key."""
        if self.datamodel.is_relation(name):
            parse = type(self.datamodel)(self.datamodel.get_related_model(name)).parse_pk
            keys = value if isinstance(value, list) else [value]
            if any(parse(key) is None for key in keys if key is not None):
                raise ValidationError({name: [str(INVALID)]})
        return clean_text(value) if isinstance(value, str) else value

    def _store_new(self, schema: Any, item: Any) -> Response:
        self._store(item, self.pre_add)
        self.post_add(item)
        return self.response(201, id=self.datamodel.get_pk_value(item), result=schema.dump(item, many=False))

    def _store_changed(self, schema: Any, item: Any) -> Response:
        self._store(item, self.pre_update)
        self.post_update(item)
        return self.response(200, result=schema.dump(item, many=False))

    def _store(self, item: Any, before: Callable[[Any], None]) -> None:
        with translate_db_errors(), transaction() as session:
            with session.no_autoflush:
                session.add(item)
                before(item)
            self.datamodel.edit(item, commit=False)

    # -- what is answered

    def _refusal(self, error: DomainError) -> Response:
        text = error.message
        if isinstance(error, ConstraintError):
            text = self.constraint_messages.get(error.constraint, text)
        return self.response(STATUSES.get(type(error), 422), message=str(text))


def field_errors(messages: Any) -> Any:
    """Return Marshmallow's errors in the reader's language."""
    if isinstance(messages, dict):
        return {str(name): field_errors(each) for name, each in messages.items()}
    return [
        text if isinstance(text, TranslatedMessage) else str(VALIDATION_MESSAGES.get(text, INVALID))
        for text in messages
    ]
