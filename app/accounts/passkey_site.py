"""Whether passkeys (WebAuthn) work at PUBLIC_URL, and the names that browsers bind them to."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import current_app, request
from flask_babel import gettext as _

from app.accounts import auth_type
from app.address_key import address_key

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Site:
    """The site in terms of WebAuthn: the relying party that passkeys are bound to, and the origin of its pages."""

    rp_id: str
    origin: str


def site() -> Site:
    """Return the site of PUBLIC_URL."""
    parts = urlsplit(str(current_app.config["PUBLIC_URL"]))
    host = address_key(f"@{parts.hostname or ''}")[1:]
    port = f":{parts.port}" if parts.port not in {None, DEFAULT_PORTS.get(parts.scheme)} else ""
    return Site(host, f"{parts.scheme}://{host}{port}")


def is_supported() -> bool:
    """Whether browsers offer passkeys on this site."""
    return unsupported_reason() is None


def is_login_supported() -> bool:
    """Whether a passkey alone logs a member in. Where others know the passwords, they decide at every login."""
    return is_supported() and auth_type.has_own_passwords()


def unsupported_reason() -> str | None:
    """Return the translated reason why passkeys cannot work on this site, or None when they can."""
    parts = urlsplit(str(current_app.config["PUBLIC_URL"]))
    host = parts.hostname or ""
    if _is_ip_address(host):
        return str(
            _(
                "Passkeys do not work here. They require a domain name, and this site is accessed as %(host)s.",
                host=host,
            )
        )
    if parts.scheme != "https" and host != "localhost" and not host.endswith(".localhost"):
        return str(_("Passkeys do not work here. They require HTTPS."))
    return None


def is_read_elsewhere() -> bool:
    """Whether the browser says that the page of this request is not at PUBLIC_URL.

    It may create a passkey all the same, if the domain is a part of PUBLIC_URL's, but the signature would never be accepted.
    """
    return request.headers.get("Origin") not in {None, "null", site().origin}


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
