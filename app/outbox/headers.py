"""Header fields as they are sent. Pure functions.

`email.policy` of Python 3.11 and 3.12 loses or adds a blank where it folds a text beyond ASCII. `email.header` does not.
"""

from email.header import Header
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.policy import EmailPolicy
from email.utils import formataddr
from typing import Any

LINE_END, MAX_LINE, MAX_WORD = "\r\n", 78, 60
# URLs and names for machines, which no mail program decodes: they stay in one line (RFC 5322: 998 characters).
VERBATIM = frozenset(
    {"list-unsubscribe", "list-unsubscribe-post", "list-id", "message-id", "in-reply-to", "references"}
)


class TextHeader(UnstructuredHeader, BaseHeader):
    """A header with any text. The standard library would decode one that only looks as if it were encoded."""

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        """Take the text as it is."""
        kwds["decoded"], kwds["parse_tree"] = value, None


class UniqueTextHeader(TextHeader):
    """The same, once in an e-mail."""

    max_count = 1


class HeaderPolicy(EmailPolicy):
    """A policy of the standard library whose header fields arrive as they were written."""

    def fold(self, name: str, value: Any) -> str:
        """Return a header field in lines."""
        if hasattr(value, "addresses"):
            return _in_lines(name, ", ".join(map(address, value.addresses)))
        if name.lower() in VERBATIM:
            return f"{name}: {value}{LINE_END}"
        if isinstance(value, TextHeader):
            return f"{name}: {text(name, str(value))}{LINE_END}"
        return super().fold(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Return the same as bytes."""
        return self.fold(name, value).encode("ascii")


def text(name: str, value: str) -> str:
    """Return `value` as the text of the header field `name`, encoded and folded as needed."""
    charset = "us-ascii" if _is_plain(value) else "utf-8"
    return Header(value, charset, MAX_LINE, name).encode(linesep=LINE_END)


def address(given: Address) -> str:
    """Return an e-mail address with its display name, encoded and folded as needed."""
    if not given.display_name or _is_plain(given.display_name):
        return formataddr((given.display_name, given.addr_spec))
    # Room for the longest name of a field with addresses.
    return f"{text('Reply-To', given.display_name)} <{given.addr_spec}>"


def _is_plain(value: str) -> bool:
    """Whether `value` is ASCII that can be folded, and does not look as if it were encoded (RFC 2047)."""
    return value.isascii() and "=?" not in value and all(len(word) <= MAX_WORD for word in value.split())


def _in_lines(name: str, addresses: str) -> str:
    """Return a field with addresses. The last one begins a line of its own if it would not fit."""
    field = f"{name}: {addresses}"
    if len(field.rpartition(LINE_END)[2]) > MAX_LINE and " <" in field:
        before, _, last = field.rpartition(" <")
        field = f"{before}{LINE_END} <{last}"
    return field + LINE_END


_HEADERS = HeaderRegistry(default_class=TextHeader)
_HEADERS.map_to_type("subject", UniqueTextHeader)
# Base64 or quoted-printable, so lines are short and in ASCII.
POLICY = HeaderPolicy(linesep=LINE_END, cte_type="7bit", header_factory=_HEADERS)
