"""Enumerations of accounts."""

from enum import StrEnum

from flask_babel import lazy_gettext

from app.enums import LabelledEnum


class MemberState(LabelledEnum):
    """The state of an account."""

    ACTIVE = "active", lazy_gettext("Active")
    INACTIVE = "inactive", lazy_gettext("Not active")
    BANNED = "banned", lazy_gettext("Banned")
    # The stored data of exports and tests calls these two by their older names.
    DELETION_SCHEDULED = "erasing", lazy_gettext("Account deletion requested")
    DELETED = "erased", lazy_gettext("Deleted")


class TokenPurpose(StrEnum):
    """What a token can be used for. rules.TOKEN_LIFETIMES has the lifetime of each."""

    RESET_PASSWORD = "reset_password"  # noqa: S105 - a purpose, no password
    CHANGE_EMAIL = "change_email"
    UNDO_EMAIL = "undo_email"
    KEEP_ACCOUNT = "keep_account"
    SECOND_STEP = "second_step"
    PASSKEY_CHALLENGE = "passkey_challenge"
    KEPT_FORM = "kept_form"
    PROVIDER_LOGOUT = "provider_logout"
    # What a provider has sent to end sessions. It is kept so that it works once.
    LOGOUT_TOKEN = "logout_token"  # noqa: S105 - a purpose, no password


class RequiredAction(StrEnum):
    """What a member must do after login before any other page is shown."""

    CHOOSE_PASSWORD = "choose_password"  # noqa: S105 - an action, no password
    ADD_SECOND_FACTOR = "add_second_factor"


class SessionEndCause(LabelledEnum):
    """Why a login session was ended elsewhere. The label is the message on the next visit; it may take `reason`."""

    ADMINISTRATOR = "administrator", lazy_gettext("You were signed out by an administrator: %(reason)s")
    PASSWORD = "password", lazy_gettext("You were signed out because your password was changed.")
    OWNER = "owner", lazy_gettext("You were signed out from another device of yours.")
    BAN = "ban", lazy_gettext("Your account was banned: %(reason)s")
    PROVIDER = "provider", lazy_gettext("You were signed out because you logged out at %(reason)s.")


class LinkState(StrEnum):
    """What happens when a link of an e-mail is opened now."""

    READY = "ready"
    USED = "used"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    @property
    def is_ready(self) -> bool:
        return self is LinkState.READY

    @property
    def is_used(self) -> bool:
        return self is LinkState.USED

    @property
    def is_expired(self) -> bool:
        return self is LinkState.EXPIRED
