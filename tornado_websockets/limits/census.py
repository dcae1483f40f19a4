"""How many connections there are, of each user, address and path. Pure: no I/O."""

from __future__ import annotations

import ipaddress
from typing import Final

__all__ = ["Census", "Seat", "network"]

IPV6_SITE: Final = 64
"""Bits of an IPv6 address that stand for one customer, who chooses the others (RFC 6177)."""


class Census:
    """Counts the connections there are, for each limit and whom it is about."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def count(self, limit: str, key: str = "") -> int:
        """Return how many there are."""
        return self._counts.get((limit, key), 0)

    def add(self, limit: str, key: str) -> None:
        """Count one more."""
        self._counts[limit, key] = self.count(limit, key) + 1

    def remove(self, limit: str, key: str) -> None:
        """Count one less, and forget whom nothing is left of."""
        left = self._counts.pop((limit, key)) - 1
        if left:
            self._counts[limit, key] = left


class Seat:
    """What one connection counts as, from its handshake to its end."""

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken: list[tuple[Census, str, str]] = []

    def take(self, census: Census, limit: str, key: str, maximum: int) -> bool:
        """Count the connection, and return False when there are as many as may be."""
        if census.count(limit, key) >= maximum:
            return False
        census.add(limit, key)
        self._taken.append((census, limit, key))
        return True

    def leave(self) -> None:
        """Count the connection no more; doing it twice is no error."""
        while self._taken:
            census, limit, key = self._taken.pop()
            census.remove(limit, key)


def network(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 of an IPv6 one.

    Empty for what is no address of a client, such as the end of a unix socket.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if found.is_unspecified:
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), IPV6_SITE), strict=False))
