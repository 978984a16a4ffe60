"""Where remote data may come from: hosts that an operator lists, at addresses that everybody can reach. No database."""

import ipaddress
from collections.abc import Container
from typing import NamedTuple
from urllib.parse import urlsplit

from app.dashboards.rules import MAX_URL_LENGTH

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
PORTS = {"https": 443, "http": 80}
# What an IPv6 host of today sees of an IPv4 host.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Networks whose addresses have an IPv4 address inside: IPv4-compatible, NAT64 of one's own, 6to4, Teredo.
TUNNELS = tuple(map(ipaddress.IPv6Network, ("::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
# Networks of protocols, which not every version of Python calls private.
PROTOCOLS = tuple(map(ipaddress.IPv4Network, ("192.0.0.0/24", "192.88.99.0/24")))
# In the last 64 bits of an address of ISATAP, before the IPv4 address.
ISATAP = 0x5EFE


class Target(NamedTuple):
    """What to ask: the parts of a URL, of which only the path and the query are the dashboard's own."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        """The host as DASHBOARD_HOSTS has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def target(url: str, listed: Container[str]) -> Target | None:
    """Return what a URL asks of a listed host; None for any other URL.

    Hosts are compared as they are written, so no other spelling of an address or a name is one that is listed.
    """
    if not url.isascii() or not url.isprintable() or len(url) > MAX_URL_LENGTH or set(url) & set(' \\@"<>'):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port if parts.port is not None else PORTS[parts.scheme]
        found = Target(parts.scheme, parts.hostname or "", port, parts.path or "/")
    except (ValueError, KeyError):
        return None
    found = found._replace(path=found.path + (f"?{parts.query}" if parts.query else ""))
    return found if found.host and found.origin in listed else None


def literal(host: str) -> Address | None:
    """Return the address that a host is, if it is no name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_public(text: str) -> bool:
    """Whether an address is one that everybody can reach, and no other is hidden in it."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        is_isatap = (int(address) >> 32) & 0xFFFF == ISATAP
        if address.scope_id or address.is_site_local or is_isatap or any(address in network for network in TUNNELS):
            return False
    elif any(address in network for network in PROTOCOLS):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_loopback or address.is_link_local
    )
