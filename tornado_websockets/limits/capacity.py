"""Whether there is room for one more: how many connections there are, and how fast they come."""

from __future__ import annotations

import dataclasses
import logging
import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from tornado.web import HTTPError

from tornado_websockets import conf
from tornado_websockets.limits import descriptors
from tornado_websockets.limits.census import Census, network
from tornado_websockets.limits.loggate import LogGate
from tornado_websockets.limits.rates import Rates

if TYPE_CHECKING:
    from tornado_websockets.entrance import Entrance

__all__ = ["RETRY_AFTER_S", "Capacity", "OverLimitError"]

security = logging.getLogger("tornado_websockets.security")

RETRY_AFTER_S: Final = 10
"""Seconds after which a client is told to come back, when nobody knows who will leave."""

TOTAL: Final = "connections"
PER_USER: Final = "connections_per_user"
PER_ADDRESS: Final = "connections_per_address"
RATE: Final = "handshakes_per_second"

_gate = LogGate(time.monotonic)


class OverLimitError(HTTPError):
    """Raised by a handshake that is one too many; answered before the upgrade.

    Attributes:
        limit: the name of the limit that it meets.
        retry_after_s: when to try again, for the header ``Retry-After``.
    """

    def __init__(self, limit: str, retry_after_s: int = RETRY_AFTER_S) -> None:
        # 503 says that it is about the server, 429 about the client.
        super().__init__(503 if limit == TOTAL else 429)
        self.limit = limit
        self.retry_after_s = retry_after_s


@dataclasses.dataclass(frozen=True, slots=True)
class _Scope:
    """Whose connections count together: those of a path, or all."""

    census: Census = dataclasses.field(default_factory=Census)
    rates: dict[int, Rates] = dataclasses.field(default_factory=dict)

    def wait_s(self, rate: int, address: str) -> float:
        rates = self.rates.get(rate)
        if rates is None:
            self.rates.clear()  # the setting has changed
            rates = self.rates[rate] = Rates(rate, time.monotonic)
        return rates.wait_s(address)


_everyone: Final = _Scope()


class Capacity:
    """The room that one path has.

    Args:
        own: limits that the path has of its own. They count the connections of this path alone;
            the others count those of all paths. The project's ``connections`` holds everywhere.
    """

    def __init__(self, own: Mapping[str, Any]) -> None:
        self._own = own
        self._scope = _Scope()

    def knock(self, socket: Entrance) -> None:
        """Turn away early, before anything is looked up, a client for whom there is no room.

        Raises:
            OverLimitError: there is none, or its address comes too often.
        """
        scope, rate = self._limit(RATE)
        site = network(socket.ip) if rate is not None else ""
        wait_s = scope.wait_s(rate, site) if rate is not None and site else 0.0
        if wait_s:
            raise _refuse(socket, RATE, math.ceil(wait_s))
        self.enter(socket)
        socket.seat.leave()

    def enter(self, socket: Entrance) -> None:
        """Take a seat for a client, and for its user where that is known.

        Raises:
            OverLimitError: there is none.
        """
        self._take(socket, _everyone, TOTAL, "", _all())
        if isinstance(self._own.get(TOTAL), int):
            self._take(socket, self._scope, TOTAL, "", self._own[TOTAL])
        scope, limit = self._limit(PER_ADDRESS)
        site = network(socket.ip) if limit is not None else ""
        if site:
            self._take(socket, scope, PER_ADDRESS, site, limit)
        user = socket.known_user
        if user is not None and user.is_authenticated:
            scope, limit = self._limit(PER_USER)
            self._take(socket, scope, PER_USER, str(user.pk), limit)

    # Private.

    def _limit(self, name: str) -> tuple[_Scope, int | None]:
        if name in self._own:
            return self._scope, self._own[name]
        return _everyone, getattr(conf.get().limits, name)

    def _take(
        self, socket: Entrance, scope: _Scope, name: str, key: str, limit: int | None
    ) -> None:
        if limit is not None and not socket.seat.take(scope.census, name, key, limit):
            socket.seat.leave()
            raise _refuse(socket, name, RETRY_AFTER_S)


def _all() -> int | None:
    """Return how many connections this process takes, None for any number."""
    limit = conf.get().limits.connections
    return descriptors.for_connections() if isinstance(limit, str) else limit


def _refuse(socket: Entrance, limit: str, retry_after_s: int) -> OverLimitError:
    """Count and log a refusal, and return it to be raised."""
    path = socket.websocket.path
    socket.count_refusal(limit)
    count = _gate.count(limit)
    if count:  # a flood of clients is no flood of lines
        ip = socket.ip or "a Unix socket"
        security.warning("%s: refused %d handshakes, at last %s on %s", limit, count, ip, path)
    return OverLimitError(limit, retry_after_s)
