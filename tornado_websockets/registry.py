"""Every WebSocket of this process, and what makes its path known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tornado_websockets import signals
from tornado_websockets.exceptions import DuplicatePathError
from tornado_websockets.layers import audience
from tornado_websockets.tornadowrapper import TornadoWrapper

if TYPE_CHECKING:
    from tornado_websockets.websocket import WebSocket

__all__ = ["GONE", "Registry", "registry"]

GONE: Final = (1001, "nothing is served on this path any more")
"""How its clients are closed: an endpoint is "going away", RFC 6455 section 7.4.1."""


class Registry(dict[str, "WebSocket"]):
    """The WebSockets by path, in the order of creation."""

    def add(self, websocket: WebSocket) -> None:
        """Take a WebSocket, whose path is then served.

        Raises:
            DuplicatePathError: there is one on its path; names both places.
        """
        first = self.setdefault(websocket.path, websocket)
        if first is not websocket:
            raise DuplicatePathError(websocket.path, first.place, websocket.place)
        audience.serve(websocket.path, websocket.history)
        TornadoWrapper.add_handler(websocket.route)
        TornadoWrapper.publish(signals.path_registered, websocket=websocket)

    def has(self, websocket: WebSocket) -> bool:
        """Return whether it is this WebSocket that its path belongs to."""
        return self.get(websocket.path) is websocket

    def discard(self, websocket: WebSocket) -> None:
        """Let go of a WebSocket and of its clients; one that is not here is no error."""
        if self.has(websocket):
            del self[websocket.path]
            TornadoWrapper.remove_handler(websocket.route)
            audience.withdraw(websocket.path)
            audience.close_each(audience.connections(websocket.path), *GONE)


registry: Final = Registry()
