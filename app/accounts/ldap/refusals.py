"""Why a directory refuses a right password. It tells so in the text of error 49, or in a control."""

import re
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext

from app.enums import LabelledEnum

SUCCESS = 0
# The password policy of OpenLDAP, 389-ds and others (draft-behera-ldap-password-policy), and the older control of 389-ds.
POLICY_CONTROL, EXPIRED_CONTROL = "1.3.6.1.4.1.42.2.27.8.5.1", "2.16.840.1.113730.3.4.4"
POLICY_ERROR_TAG, SEQUENCE_TAG = 0x81, 0x30
LONG_LENGTH = 0x80
ACTIVE_DIRECTORY_CODE = re.compile(r"\bdata ([0-9a-f]{2,4})\b")


class Refusal(LabelledEnum):
    """Why somebody whose password is right cannot log in. The label is told to them."""

    MUST_CHANGE = (
        "must_change",
        lazy_gettext(
            "You have to choose another password in your organisation's directory before you can log in here."
        ),
    )
    PASSWORD_EXPIRED = (
        "password_expired",
        lazy_gettext(
            "Your password in your organisation's directory has expired. Choose another one there, and log in again."
        ),
    )
    DISABLED = (
        "disabled",
        lazy_gettext("Your account in your organisation's directory is disabled. Please ask your administrator."),
    )
    ACCOUNT_EXPIRED = (
        "account_expired",
        lazy_gettext("Your account in your organisation's directory has expired. Please ask your administrator."),
    )
    HOURS = "hours", lazy_gettext("Your organisation's directory does not let you log in at this time of the week.")
    WORKSTATION = (
        "workstation",
        lazy_gettext("Your organisation's directory does not let you log in from here. Please ask your administrator."),
    )


# Codes of Windows that come after a right password only. 775 (locked) comes with any password, so it tells nothing.
ACTIVE_DIRECTORY = {
    "773": Refusal.MUST_CHANGE,
    "532": Refusal.PASSWORD_EXPIRED,
    "533": Refusal.DISABLED,
    "701": Refusal.ACCOUNT_EXPIRED,
    "530": Refusal.HOURS,
    "531": Refusal.WORKSTATION,
}
# Errors of the control. 1 (locked) comes with any password, too.
POLICY = {0: Refusal.PASSWORD_EXPIRED, 2: Refusal.MUST_CHANGE}


def of_bind(result: Mapping[str, Any]) -> Refusal | None:
    """Return why the result of a bind lets nobody in although the password was right, or None."""
    controls = result.get("controls") or {}
    policy = POLICY.get(_policy_error(_value(controls, POLICY_CONTROL)))
    if policy is not None:
        return policy
    if EXPIRED_CONTROL in controls:
        return Refusal.MUST_CHANGE if result.get("result") == SUCCESS else Refusal.PASSWORD_EXPIRED
    code = ACTIVE_DIRECTORY_CODE.search(str(result.get("message") or ""))
    return ACTIVE_DIRECTORY.get(code[1]) if code and result.get("result") != SUCCESS else None


def _value(controls: Mapping[str, Any], name: str) -> bytes:
    value = controls.get(name, {}).get("value")
    return value if isinstance(value, bytes) else b""


def _policy_error(value: bytes) -> int:
    """Return the error in the value of the control (BER), or -1."""
    outer = next(_elements(value), None)
    if outer is None or outer[0] != SEQUENCE_TAG:
        return -1
    return next((content[0] for tag, content in _elements(outer[1]) if tag == POLICY_ERROR_TAG and content), -1)


def _elements(data: bytes) -> Any:
    """Yield the tags and contents of BER elements. What is cut off yields nothing."""
    while len(data) > 1:
        tag, length, start = data[0], data[1], 2
        if length >= LONG_LENGTH:
            start += length - LONG_LENGTH
            length = int.from_bytes(data[2:start], "big")
        if len(data) < start + length:
            return
        yield tag, data[start : start + length]
        data = data[start + length :]
