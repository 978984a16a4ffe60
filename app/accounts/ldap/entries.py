"""Entries of a directory: what identifies a person, who is disabled, and how names are compared. Pure functions."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.crud.fields import clean_line

# What a directory never gives twice, the most durable first: Active Directory, FreeIPA, 389-ds, and most others.
UNIQUE_ID_FIELDS = ("objectGUID", "ipaUniqueID", "nsUniqueId", "entryUUID")
# They are found like people and have e-mail addresses, but nobody logs in as one.
NO_PEOPLE = frozenset({"contact", "computer", "group", "groupofnames", "groupofuniquenames", "posixgroup"})
# What is read of a person beside the configured fields.
STATE_FIELDS = (
    *("objectClass", "userPrincipalName", "objectSid", "primaryGroupID"),
    *("userAccountControl", "accountExpires", "nsAccountLock", "pwdAccountLockedTime"),
)
ACCOUNT_DISABLED = 0x2
# Active Directory counts tenths of microseconds from there. Both values mean that an account never expires.
FILE_TIME_START, NEVER = datetime(1601, 1, 1, tzinfo=UTC), {0, 2**63 - 1}
# OpenLDAP's password policy: locked by an administrator, for good.
LOCKED_FOR_GOOD = "000001010000Z"
GUID_LENGTH, SID_HEADER = 16, 8
ESCAPED = re.compile(rb"\\([0-9a-fA-F]{2})|\\(.)", re.DOTALL)
ESCAPED_SPACE = re.compile(r"(?<!\\)((?:\\\\)*)\\ ")

Dn = tuple[frozenset[tuple[str, str]], ...]


@dataclass(frozen=True)
class LdapEntry:
    """An entry of the directory. `attributes` holds the values by the name of the attribute in lower case."""

    dn: str
    attributes: dict[str, list[bytes]]

    def raw(self, field: str) -> bytes:
        """Return the first value of an attribute, or nothing."""
        return next(iter(self.attributes.get(field.lower(), [])), b"")

    def all(self, field: str) -> list[str]:
        """Return the values of an attribute as texts."""
        return [value.decode("utf-8", "replace") for value in self.attributes.get(field.lower(), [])]

    def first(self, field: str, max_length: int) -> str:
        """Return the first value that is not empty, as one line, or an empty text."""
        return next((text for value in self.all(field) if (text := (clean_line(value) or "")[:max_length])), "")

    def number(self, field: str) -> int | None:
        """Return the first value as a number, or None."""
        text = self.raw(field).strip()
        return int(text) if re.fullmatch(rb"-?\d{1,20}", text) else None

    @property
    def is_person(self) -> bool:
        """Whether somebody could log in as this entry."""
        return NO_PEOPLE.isdisjoint(name.lower() for name in self.all("objectClass"))

    def is_disabled(self, now: datetime) -> bool:
        """Whether the directory does not let this person log in any more, as far as the entry tells."""
        expires = self.number("accountExpires")
        return (
            bool((self.number("userAccountControl") or 0) & ACCOUNT_DISABLED)
            or (expires is not None and expires not in NEVER and _file_time(expires) <= now)
            or "true" in (value.lower() for value in self.all("nsAccountLock"))
            or LOCKED_FOR_GOOD in self.all("pwdAccountLockedTime")
        )

    def unique_id(self, fields: Iterable[str] = UNIQUE_ID_FIELDS) -> str:
        """Return the first of the unique ids that the entry has, with the name of its attribute, or an empty text."""
        for field in fields:
            value = self.raw(field)
            if len(value) == GUID_LENGTH and field.lower() == "objectguid":
                return f"objectguid:{uuid.UUID(bytes_le=value)}"
            if value:
                return f"{field.lower()}:{value.decode('utf-8', 'replace').strip().lower()}"[:200]
        return ""

    def primary_group(self) -> bytes:
        """Return the security identifier of the primary group, which Active Directory does not list, or nothing."""
        sid, number = self.raw("objectSid"), self.number("primaryGroupID")
        if len(sid) <= SID_HEADER or number is None or not 0 <= number < 2**32:
            return b""
        return sid[:-4] + number.to_bytes(4, "little")


def filter_of(unique_id: str) -> str:
    """Return the filter that finds the entry with a unique id."""
    field, _colon, value = unique_id.partition(":")
    if field == "objectguid":
        return f"(objectGUID={escaped(uuid.UUID(value).bytes_le)})"
    return f"({field}={escaped(value.encode())})"


def escaped(value: bytes) -> str:
    """Return bytes as a filter takes them."""
    return "".join(f"\\{byte:02x}" for byte in value)


def normalize_dn(dn: str) -> Dn | str:
    r"""Return a distinguished name in a form to compare.

    Case, spaces between its parts, and the ways to escape a character do not count: `\,` is `\2C`.
    """
    from ldap3.core.exceptions import LDAPInvalidDnError
    from ldap3.utils.dn import parse_dn

    try:
        # `strip` refuses an escaped space at the end (findings/ldap3_strip_escaped_space.sh).
        parts = parse_dn(ESCAPED_SPACE.sub(r"\1\\20", dn), strip=True)
    except LDAPInvalidDnError:
        return dn.strip().lower()
    found: list[set[tuple[str, str]]] = [set()]
    for name, value, separator in parts:
        found[-1].add((name.lower(), " ".join(_unescaped(value).casefold().split())))
        if separator != "+":
            found.append(set())
    return tuple(frozenset(each) for each in found if each)


def domain_of(dn: str) -> str:
    """Return the domain of the dc parts of a distinguished name, such as example.com, or an empty text."""
    name = normalize_dn(dn)
    if isinstance(name, str):
        return ""
    return ".".join(value for part in name for field, value in part if field == "dc")


def suffix_of(dn: str) -> str:
    """Return the dc parts at the end of a distinguished name, or all of it if there are none."""
    match = re.search(r"(?:^|,)\s*(dc\s*=.*)$", dn, re.IGNORECASE)
    return match.group(1) if match else dn


def _unescaped(value: str) -> str:
    plain = ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode()) if match[1] else match[2], value.encode())
    return plain.decode("utf-8", "replace")


def _file_time(ticks: int) -> datetime:
    try:
        return FILE_TIME_START + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
