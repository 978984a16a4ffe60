"""The base of the JSON APIs: only declared columns are read or written, and errors have translated messages."""

import copy
import functools
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Any

import prison
from flask import Response, current_app, request
from flask_appbuilder import ModelRestApi as StockModelRestApi
from flask_appbuilder.api import protect, safe
from flask_appbuilder.api.convert import Model2SchemaConverter
from flask_appbuilder.api.schemas import get_info_schema, get_item_schema, get_list_schema
from flask_appbuilder.exceptions import InvalidColumnFilterFABException
from flask_babel import LazyString, gettext, lazy_gettext, ngettext
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for
from marshmallow import ValidationError, fields
from marshmallow.validate import Length, Validator
from prison.decoder import ParserException

from app.crud import references, row_versions
from app.crud.datamodel import SQLAInterface
from app.crud.db_errors import ConflictError, ConstraintError, GoneError, UnavailableError, translate_db_errors
from app.crud.fab_attributes import refuse
from app.crud.fields import clean_text
from app.crud.filters import CONVERTED, ApiFilterConverter, FilterIn, FilterNotIn, Filters, OfMoments, OwnFilters
from app.database import UTCDateTime, is_unavailable, transaction
from app.errors import DomainError
from app.extensions import db
from config import ConfigurationError

OK = 200
COLUMNS = ("list_columns", "show_columns", "add_columns", "edit_columns", "search_columns")
WRITTEN = ("add_columns", "edit_columns")
MAX_ARGUMENTS_LENGTH = 8_000
MAX_VALUES = 100
# Of what is not valid, in messages.
MAX_SHOWN = 60
# The operators whose value is a list; a list for any other means that all of it must be true.
LISTS = {FilterIn.arg_name, FilterNotIn.arg_name}
MESSAGES = {
    400: lazy_gettext("The request could not be understood."),
    401: lazy_gettext("Please log in to access this page."),
    403: lazy_gettext("You do not have permission to see this page or do this."),
    404: lazy_gettext("This page does not exist or has been removed."),
    412: lazy_gettext("Someone else has changed this in the meantime. Read it again, then repeat your change."),
    422: lazy_gettext("The data sent is incomplete or not valid."),
    500: lazy_gettext("This is an error on our side. It has been logged. Please try again."),
}
STATUSES = {ConflictError: 409, GoneError: 404, UnavailableError: 503}
# Marshmallow's messages are English. All that are not translated here become INVALID.
INVALID = lazy_gettext("Not a valid value.")
VALIDATION_MESSAGES = {
    "Missing data for required field.": lazy_gettext("This field must be filled in."),
    "Shorter than minimum length 1.": lazy_gettext("This field must be filled in."),
    "Field may not be null.": lazy_gettext("This field must be filled in."),
    "Unknown field.": lazy_gettext("This field does not exist."),
    "Not a valid integer.": lazy_gettext("Not a valid number."),
    "Not a valid number.": lazy_gettext("Not a valid number."),
    "Not a valid datetime.": lazy_gettext("Not a valid date and time."),
    "Not a valid boolean.": lazy_gettext("This must be true or false."),
    "Not a valid list.": lazy_gettext("This must be a list."),
    # Flask-AppBuilder's.
    "Alternative authentication provider is not allowed": INVALID,
    "Password null is not allowed": INVALID,
}
TOO_LONG, NO_CHOICE = (
    re.compile(r"Longer than maximum length (\d+)\."),
    re.compile(r"Must be one of: (.+)\.", re.DOTALL),
)
OF_MARSHMALLOW = re.compile(
    r"Not a valid .+|Must be (one of|equal to|greater than|less than).+|Field may not be .+|(Longer|Shorter) than .+"
    r"|Length must be .+|Invalid (input|type|value|input type)\.|Number too large\.|Special numeric values .+"
    r"|String does not match expected pattern\.|One or more of the choices .+|Could not deserialize .+"
    r"|.+ cannot be formatted as a .+",
    re.DOTALL,
)

Endpoint = Callable[..., Response]


class TranslatedMessage(str):
    """A validation message that is translated, or that a view has given; Marshmallow's own ones are English."""

    __slots__ = ()


def _arguments(schema: Mapping[str, Any]) -> Callable[[Endpoint], Endpoint]:
    """Pass the query argument `q` as `rison` to an endpoint; what does not match `schema` is a bad request.

    Flask-AppBuilder's own decorator validates the schema in every call, which takes longer than the query.
    """
    validator = validator_for(schema)(schema)

    def decorate(endpoint: Endpoint) -> Endpoint:
        @functools.wraps(endpoint)
        def wrapped(self: "JsonErrorResponses", *args: Any, **kwargs: Any) -> Response:
            try:
                query = _parse_query(request.args.get("q", ""))
            except (ValueError, LookupError, RecursionError, ParserException):
                return self.response_400()
            wrong = best_match(validator.iter_errors(query))
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


class SchemaConverter(Model2SchemaConverter):
    """Converts each set of columns once, and keeps the time zone of datetimes."""

    def __init__(self, datamodel: SQLAInterface, validators_columns: dict[str, Callable[[Any], Any]]) -> None:
        super().__init__(datamodel, {name: _with_own_words(given) for name, given in validators_columns.items()})
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
        validator = self.validators_columns.get(column.name)
        if validator is not None and validator not in field.validators and datamodel.obj is self.datamodel.obj:
            # Flask-AppBuilder forgets those of relations and enumerations.
            field.validators.append(validator)
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


def _with_own_words(given: Any) -> Callable[[Any], None]:
    """Return the validators that a view gives for a column as one, whose own messages are shown as they are.

    Those of Marshmallow's validators are English, unless the view has given them.
    """
    validators = given if isinstance(given, list | tuple) else [given]

    def validate(value: Any) -> None:
        for validator in validators:
            try:
                accepted = validator(value)
            except ValidationError as error:
                if isinstance(validator, Validator) and not getattr(validator, "error", None):
                    raise
                said = error.messages
                raise ValidationError([TranslatedMessage(each) for each in _listed(said)]) from error
            if accepted is False:
                raise ValidationError([TranslatedMessage(INVALID)])

    # `_info` names the validators of a field.
    validate.__name__ = ", ".join(getattr(each, "__name__", type(each).__name__) for each in validators)
    return validate


def _listed(messages: Any) -> list[Any]:
    return messages if isinstance(messages, list) else [messages]


class InvalidFilterError(InvalidColumnFilterFABException):
    """A filter that a list does not have, or whose value is none of its column."""

    def __init__(self, each: Mapping[str, Any]) -> None:
        super().__init__()
        names = {name: str(each[name])[:MAX_SHOWN] for name in ("col", "opr", "value")}
        self._text = gettext("There is no filter “%(col)s %(opr)s %(value)s”.", **names)

    def __str__(self) -> str:
        return TranslatedMessage(self._text)


class JsonErrorResponses:
    """Error responses with a message in the language of the member; Flask-AppBuilder's are English."""

    response: Callable[..., Response]

    def response_400(self, message: str | None = None) -> Response:
        """Return an error of the client. Flask-AppBuilder's texts are English for ever: they are not shown."""
        if isinstance(message, TranslatedMessage):
            return self.response(400, message=str(message))
        return self._error_response(400)

    def response_401(self) -> Response:
        return self._error_response(401)

    def response_403(self) -> Response:
        return self._error_response(403)

    def response_404(self) -> Response:
        return self._error_response(404)

    def response_422(self, message: Any = None) -> Response:
        """Return a validation error; a dictionary has the errors of each field."""
        details = {"errors": message} if isinstance(message, dict) else {}
        return self.response(422, message=str(MESSAGES[422]), **details)

    def response_500(self, message: str | None = None) -> Response:  # noqa: ARG002
        """Return a server error without details. If the database is down, raise the error, which becomes a 503."""
        failure = sys.exc_info()[1]
        if failure is not None and is_unavailable(failure):
            raise failure
        # After a failed statement the session could not even load the language of the member.
        db.session.rollback()
        return self._error_response(500)

    def _error_response(self, code: int) -> Response:
        response: Response = self.response(code, message=str(MESSAGES[code]))
        return response


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

    def _init_properties(self) -> None:
        refuse(self, ModelRestApi)
        self._check_declared()
        searched = list(self.search_columns)
        self.label_columns = dict(self.label_columns or {})
        super()._init_properties()
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
        """Generate no labels: they could not be translated."""

    # Flask-AppBuilder's look up a text that is translated already.
    def _label_columns_json(self, cols: list[str] | None = None) -> dict[str, str]:
        return {name: str(self.label_columns[name]) for name in cols or () if name in self.label_columns}

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

    @protect()
    @safe
    @documented_like(StockModelRestApi.info)
    @_arguments(get_info_schema)
    def info(self, **kwargs: Any) -> Response:
        return self.info_headless(**kwargs)

    @protect()
    @safe
    @documented_like(StockModelRestApi.get)
    @_arguments(get_item_schema)
    def get(self, pk: int, **kwargs: Any) -> Response:
        return self.get_headless(pk, **kwargs)

    @protect()
    @safe
    @documented_like(StockModelRestApi.get_list)
    @_arguments(_strict(get_list_schema))
    def get_list(self, **kwargs: Any) -> Response:
        return self.get_list_headless(**kwargs)

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

    def post_headless(self) -> Response:
        return self._load_and_store(self.add_model_schema, self.add_query_rel_fields, None, self._store_new)

    def put_headless(self, pk: Any) -> Response:
        """Change a row; fields that are not sent keep their value."""
        item = self.datamodel.get_locked(pk, self._base_filters)
        if item is None:
            return self.response_404()
        if self._was_changed(item):
            return self._error_response(412)
        return self._load_and_store(self.edit_model_schema, self.edit_query_rel_fields, item, self._store_changed)

    def delete_headless(self, pk: Any) -> Response:
        item = self.datamodel.get_locked(pk, self._base_filters)
        if item is None:
            return self.response_404()
        if self._was_changed(item):
            return self._error_response(412)
        try:
            with references.explained([item]), translate_db_errors(deleting=True), transaction():
                self.pre_delete(item)
                self.datamodel.delete(item, commit=False)
            self.post_delete(item)
        except DomainError as error:
            return self._domain_error(error)
        return self.response(200, message="OK")

    def _load_and_store(
        self, schema: Any, allowed: Mapping[str, Sequence[Any]], item: Any, store: Callable[[Any, Any], Response]
    ) -> Response:
        sent = self._sent()
        if not isinstance(sent, dict):
            return self.response_400()
        # A schema stores the row that it loads into, so each request needs a copy.
        own = copy.copy(schema)
        try:
            cleaned = {name: self._cleaned(name, value) for name, value in sent.items()}
            for name in allowed.keys() & cleaned.keys():
                self._check_related(name, cleaned[name], allowed[name], item)
            return store(own, own.load(cleaned, instance=item, partial=item is not None))
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
        permitted = related.get_many(sent - kept, related.get_filters().add_filter_list(allowed))
        if sent - kept - {related.get_pk_value(row) for row in permitted}:
            raise ValidationError({name: [str(INVALID)]})

    def _store_new(self, schema: Any, item: Any) -> Response:
        self._store(item, self.pre_add)
        self.post_add(item)
        return self.response(201, id=self.datamodel.get_pk_value(item), result=schema.dump(item, many=False))

    def _store_changed(self, schema: Any, item: Any) -> Response:
        self._store(item, self.pre_update)
        self.post_update(item)
        return self._set_etag(self.response(200, result=schema.dump(item, many=False)), item)

    def _store(self, item: Any, before: Callable[[Any], None]) -> None:
        with translate_db_errors(), transaction() as session:
            with session.no_autoflush:
                session.add(item)
                before(item)
            self.datamodel.edit(item, commit=False)

    # -- errors

    def _domain_error(self, error: DomainError) -> Response:
        if isinstance(error, references.InUseError):
            places = [{"list": place.title, "count": place.count, "url": place.url} for place in error.places]
            return self.response(422, message=error.text, in_use=places)
        text = error.message
        if isinstance(error, ConstraintError):
            text = self.constraint_messages.get(error.constraint, text)
        return self.response(STATUSES.get(type(error), 422), message=str(text))


def field_errors(messages: Any) -> Any:
    """Translate Marshmallow's errors; those in the words of a view or its schema stay as they are."""
    if isinstance(messages, dict):
        return {str(name): field_errors(each) for name, each in messages.items()}
    return [_translated(text) for text in _listed(messages)]


def _translated(text: Any) -> str:
    if isinstance(text, TranslatedMessage | LazyString):
        return str(text)
    said = str(text)
    longest, choices = TOO_LONG.fullmatch(said), NO_CHOICE.fullmatch(said)
    if longest:
        return str(
            ngettext(
                "At most %(num)d character is allowed.", "At most %(num)d characters are allowed.", int(longest[1])
            )
        )
    if choices:
        return str(gettext("This must be one of: %(choices)s.", choices=choices[1]))
    return str(VALIDATION_MESSAGES.get(said) or (INVALID if OF_MARSHMALLOW.fullmatch(said) else said))
