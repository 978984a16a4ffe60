"""The API with which programs provision users: Flask-AppBuilder's, by the rules of the pages."""

from typing import Any

from flask import Response
from flask_appbuilder.api import expose, protect, safe
from flask_appbuilder.security.decorators import permission_name
from flask_babel import lazy_gettext
from flask_login import current_user
from marshmallow import ValidationError
from marshmallow.validate import Email, Length, OneOf
from sqlalchemy import inspect
from sqlalchemy.orm.attributes import set_committed_value

from app.accounts import rules
from app.accounts.form_fields import MAX_NAME_LENGTH, NOT_WRITABLE
from app.accounts.models import Member
from app.accounts.passwords import service as password_service
from app.accounts.users import account_deletion
from app.accounts.users import service as user_service
from app.accounts.users.texts import EMAIL_TAKEN, INVALID_USERNAME, USERNAME_TAKEN, deletion_scheduled
from app.crud.api import ModelRestApi
from app.crud.api_errors import VALIDATION_MESSAGES, TranslatedMessage
from app.crud.datamodel import SQLAInterface
from app.crud.fields import clean_line
from app.crud.reason_form import MAX_REASON_LENGTH
from app.database import transaction
from app.errors import DomainError
from app.i18n import formats
from app.i18n.selectors import is_timezone
from app.outbox.rules import is_writable

READ = [
    "id", "username", "first_name", "last_name", "email", "active", "roles.id", "roles.name", "groups.id",
    "groups.name", "locale", "timezone", "hour_cycle", "joined_at", "last_login", "login_count", "fail_login_count", "erase_at",
]  # fmt: skip
WRITE = [
    "username",
    "first_name",
    "last_name",
    "email",
    "active",
    "roles",
    "groups",
    "locale",
    "timezone",
    "hour_cycle",
]
REQUIRED = VALIDATION_MESSAGES["Missing data for required field."]


def _validate_username(name: str) -> None:
    if not rules.is_username(name):
        raise ValidationError(TranslatedMessage(INVALID_USERNAME))


def _validate_email(address: str) -> None:
    Email()(address)
    if not is_writable(address):
        raise ValidationError(TranslatedMessage(NOT_WRITABLE))


def _validate_timezone(name: str | None) -> None:
    if name and not is_timezone(name):
        raise ValidationError(name)


def _take_password(member: Member) -> str | None:
    """Return the password that was sent, and put the stored hash back in its place."""
    history: Any = inspect(member).attrs.password.history
    if not history.has_changes():
        return None
    set_committed_value(member, "password", history.deleted[0])
    if not history.added[0]:
        raise DomainError(lazy_gettext("This field must be filled in."))
    return str(history.added[0])


class UserApi(ModelRestApi):
    """Users. A new one without a password gets an e-mail to choose one."""

    datamodel = SQLAInterface(Member)
    resource_name = "security/users"
    openapi_spec_tag = "Security Users"
    class_permission_name = "User"
    list_title = lazy_gettext("Users (API)")
    list_columns = READ
    show_columns = READ
    add_columns = [*WRITE, "password"]
    edit_columns = [*WRITE, "password"]
    search_columns = ["username", "first_name", "last_name", "email", "active", "roles", "groups"]
    order_columns = ["id", "username", "email", "last_login"]
    base_order = ("username", "asc")
    validators_columns = {
        "username": _validate_username,
        "email": _validate_email,
        "timezone": _validate_timezone,
        "hour_cycle": OneOf(list(formats.SKELETONS)),
    }
    constraint_messages = {
        "uq_ab_user_email": EMAIL_TAKEN,
        "uq_ab_user_email_key": EMAIL_TAKEN,
        "uq_ab_user_username": USERNAME_TAKEN,
        "uq_ab_user_username_key": USERNAME_TAKEN,
    }

    @expose("/<int:pk>/deletion", methods=["POST"])
    @protect()
    @safe
    @permission_name("delete")
    def schedule_deletion(self, pk: int) -> Response:
        """Delete the account of a user who has asked for it, after the days in which they can keep it.

        ---
        post:
          description: Schedule the deletion of an account. The user gets an e-mail with a link to keep it.
          parameters:
          - in: path
            name: pk
            schema:
              type: integer
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [reason]
                  properties:
                    reason:
                      type: string
          responses:
            200:
              description: The deletion is scheduled
            404:
              $ref: '#/components/responses/404'
            422:
              $ref: '#/components/responses/422'
        """
        member = self.datamodel.get(pk, self._base_filters)
        if member is None:
            return self.response_404()
        sent = self._sent()
        reason = clean_line(str(sent.get("reason") or "")) if isinstance(sent, dict) else None
        if not reason:
            return self.response_422(message={"reason": [str(REQUIRED)]})
        try:
            with transaction():
                account_deletion.schedule_by_administrator([member], reason[:MAX_REASON_LENGTH], current_user.id)
        except DomainError as error:
            return self._domain_error(error)
        return self.response(200, message=deletion_scheduled(member)[0], erase_at=member.erase_at)

    @expose("/<int:pk>/deletion", methods=["DELETE"])
    @protect()
    @safe
    @permission_name("delete")
    def cancel_deletion(self, pk: int) -> Response:
        """Keep an account whose deletion was scheduled.

        ---
        delete:
          description: Cancel the scheduled deletion of an account
          parameters:
          - in: path
            name: pk
            schema:
              type: integer
          responses:
            200:
              description: The account is kept
            404:
              $ref: '#/components/responses/404'
        """
        member = self.datamodel.get(pk, self._base_filters)
        if member is None:
            return self.response_404()
        with transaction():
            account_deletion.cancel_by_administrator([member])
        return self.response(200, message="OK")

    def _init_model_schemas(self) -> None:
        super()._init_model_schemas()
        for schema in (self.add_model_schema, self.edit_model_schema):
            # It is read, and never sent back.
            schema.dump_fields.pop("password")
            # Some people have one name.
            schema.fields["last_name"].validators = [Length(max=MAX_NAME_LENGTH)]

    def pre_add(self, item: Member) -> None:
        """Store the password as a hash, or let the person choose one."""
        user_service.add(item, item.password)

    def pre_update(self, item: Member) -> None:
        """Refuse to remove the last administrator, or oneself. A new password ends the sessions of the user."""
        password = _take_password(item)
        user_service.change(item, current_user.id)
        if password is not None:
            user_service.refuse_without_own_passwords()
            password_service.set_by_administrator(item, password)

    def pre_delete(self, item: Member) -> None:
        """Refuse to remove the last administrator, or oneself."""
        user_service.delete(item, current_user.id)
