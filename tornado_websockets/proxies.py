"""Who a request really comes from, when a proxy that is trusted says so.

Anybody can send the headers that a proxy sends, so they count only when they come from one of
``TORNADO["trusted_proxies"]``.

Pure, but for `identify`, which takes Tornado's request.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tornado.httputil import HTTPServerRequest

__all__ = ["UNIX", "client_address", "client_scheme", "identify", "is_proxy", "is_trusted"]

UNIX: Final = "unix:"
"""Stands for every peer of a Unix socket."""

AF_UNIX: Final = getattr(socket, "AF_UNIX", None)  # Windows has none
NOBODY: Final = "0.0.0.0"  # noqa: S104  an address of no client, not one to listen on

FORWARDED: Final = (
    "X-Forwarded-For",
    "X-Real-Ip",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "Forwarded",
)
"""What only a proxy has to say; nothing that looks at it later is to see it from a client."""

REMEMBERED: Final = 1000
"""Addresses whose canonical form is kept."""

MAX_HOPS: Final = 32
"""How many addresses are looked at: a header may be long, a way through proxies is not."""

# An address, an address with a port, or the brackets that an IPv6 address needs for one.
_HOP: Final = re.compile(r"\[([0-9a-fA-F:.]+)\](?::\d{1,5})?|([\d.]+):\d{1,5}|([0-9a-fA-F:.]+)")

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_proxy(value: object) -> bool:
    """Return whether a value may stand in ``TORNADO["trusted_proxies"]``."""
    if not isinstance(value, str):
        return False
    if value == UNIX:
        return True
    try:
        ipaddress.ip_network(value)
    except ValueError:
        return False
    return True


def is_trusted(peer: str, proxies: Sequence[str]) -> bool:
    """Return whether a peer is one of the proxies.

    Args:
        peer: its address, or `UNIX`.
        proxies: addresses, networks such as ``10.0.0.0/8``, or `UNIX`.
    """
    if peer == UNIX:
        return UNIX in proxies
    address = ipaddress.ip_address(peer)
    return any(address in network for network in _networks(tuple(proxies)))


def client_address(
    peer: str, forwarded_for: Sequence[str], real_ip: Sequence[str], proxies: Sequence[str]
) -> str:
    """Return the address of the client behind a trusted peer.

    Each proxy adds the address that it was connected from, so the list is read from its end: the
    first address that is no trusted proxy's is the client's, and what stands before it is hearsay.
    A value that is no address ends the search.

    Args:
        peer: address of the proxy that connected to us, or `UNIX`.
        forwarded_for: the values of the ``X-Forwarded-For`` headers.
        real_ip: those of ``X-Real-Ip``, which count when the other is absent.
        proxies: see `is_trusted`.
    """
    if not forwarded_for:
        forwarded_for = real_ip[-1:]
    address = peer
    for hop in reversed(",".join(forwarded_for).rsplit(",", MAX_HOPS)[-MAX_HOPS:]):
        known = _address(hop)
        if known is None:
            break
        address = known
        if not is_trusted(address, proxies):
            break
    return address


def client_scheme(forwarded_proto: Sequence[str]) -> str | None:
    """Return the scheme that a trusted peer names, http or https; None when it names none.

    Of several it is the last, which is the peer's own.
    """
    scheme = ",".join(forwarded_proto).rpartition(",")[2].strip().lower()
    return scheme if scheme in ("http", "https") else None


def identify(request: HTTPServerRequest, proxies: Sequence[str]) -> None:
    """Give a request the address and the scheme of its client.

    Where there are proxies, what somebody else sends in their name is removed; where there are
    none, these headers mean nothing here and are left to the project.
    """
    peer = _peer(request)
    # Tornado says 0.0.0.0 for a Unix socket, which is nobody's address.
    request.remote_ip = "" if peer == UNIX else peer
    if not proxies:
        return
    headers: Any = request.headers
    if is_trusted(peer, proxies):
        address = client_address(
            peer, headers.get_list("X-Forwarded-For"), headers.get_list("X-Real-Ip"), proxies
        )
        request.remote_ip = "" if address == UNIX else address
        scheme = client_scheme(headers.get_list("X-Forwarded-Proto"))
        request.protocol = scheme or request.protocol
        return
    for name in FORWARDED:
        if name in headers:
            del headers[name]


def _peer(request: HTTPServerRequest) -> str:
    context: Any = getattr(request.connection, "context", None)
    if getattr(context, "address_family", 0) == AF_UNIX:
        return UNIX
    # An IPv6 address of this link comes with the name of a network interface.
    return _address((request.remote_ip or "").partition("%")[0]) or NOBODY


@functools.lru_cache(maxsize=REMEMBERED)
def _address(text: str) -> str | None:
    """Return the canonical form of an address: a client has one, however it is written."""
    match = _HOP.fullmatch(text.strip())
    if match is None:
        return None
    try:
        address = ipaddress.ip_address(match[1] or match[2] or match[3])
    except ValueError:
        return None
    # A socket for IPv6 that takes IPv4 too names its clients so.
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


@functools.lru_cache(maxsize=8)
def _networks(proxies: tuple[str, ...]) -> list[_Network]:
    return [ipaddress.ip_network(proxy) for proxy in proxies if proxy != UNIX]
