"""What every module has in common: a prefix for its events, and a WebSocket."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from tornado_websockets.events import LIFECYCLE_EVENTS, Callback
from tornado_websockets.exceptions import InvalidInstanceError, ModuleNotBoundError
from tornado_websockets.layers import audience
from tornado_websockets.message import Data

if TYPE_CHECKING:
    from tornado_websockets.websocket import WebSocket

__all__ = ["Module"]

AnyCallable = TypeVar("AnyCallable", bound=Callable[..., Any])


class Module(abc.ABC):
    """A part of a WebSocket application with events of its own.

    An event of a module is called ``module_<kind>_<name>_<event>`` on the wire, or
    ``module_<kind>_<event>`` when it has no name. A subclass sets `kind` and writes `initialize`.

    Args:
        name: tells modules of one kind on one WebSocket apart.

    Attributes:
        kind: the kind of module, the same for all of a class, like ``progressbar``.
        name: its name, maybe empty.
        websocket: the `WebSocket` that it is bound to, None before.
    """

    kind: ClassVar[str] = "module"

    def __init__(self, name: str = "") -> None:
        if not isinstance(name, str):
            raise InvalidInstanceError(name, "a name for the module, a string")
        self.name = name.strip()
        self.websocket: WebSocket | None = None
        self._early: list[Callable[..., Any]] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    @property
    def prefix(self) -> str:
        """What stands before the names of its events, like ``module_progressbar_upload_``."""
        return f"module_{self.kind}_{self.name}_" if self.name else f"module_{self.kind}_"

    def on(self, callback: AnyCallable) -> AnyCallable:
        """Call a function or method for the module's event of its name, as a decorator.

        As `WebSocket.on`, with the module's prefix. ``open`` and ``close`` are called when a
        client of the WebSocket comes and goes, in addition to the WebSocket's own. It may be used
        before the module is bound.
        """
        if self.websocket is None:
            Callback(callback)  # a mistake shows here, not when the module is bound
            self._early.append(callback)
        else:
            self._add(callback)
        return callback

    def emit(self, event: str, data: Any = None) -> None:
        """Send an event of this module to every client, from anywhere.

        Raises:
            ModuleNotBoundError: the module is bound to no WebSocket.
            ServerNotRunningError: this process runs no server, and there is no shared layer.
            LayerUnavailableError: the shared layer cannot be reached.
        """
        if self.websocket is None:
            raise ModuleNotBoundError(self)
        self.websocket.broadcast(self.prefix + event, data)

    @abc.abstractmethod
    def initialize(self) -> None:
        """Register the module's own hooks; called once, when it is bound."""

    def heard(self, event: str, data: Data) -> None:  # noqa: B027  for those with a state
        """Take note of what this module has sent with `emit` in another process.

        A module that keeps a state takes it over here. It is called on the event loop of each
        process that serves, in the order in which the events were sent.

        Args:
            event: the name that `emit` got there.
            data: as clients get it.
        """

    def bind(self, websocket: WebSocket) -> None:
        """Belong to a WebSocket; called by `WebSocket.bind`.

        Raises:
            InvalidInstanceError: the module belongs to one already.
        """
        if self.websocket is not None:
            raise InvalidInstanceError(self, f"a module that is not bound to {self.websocket.path}")
        self.websocket = websocket
        self.initialize()
        for callback in self._early:
            self._add(callback)
        self._early.clear()
        audience.hear(websocket.path, self.prefix, self.heard)

    def _add(self, callback: Callable[..., Any]) -> None:
        assert self.websocket is not None
        if callback.__name__ in LIFECYCLE_EVENTS:
            self.websocket.events.add_hook(callback)
        else:
            self.websocket.events.add(callback, self.prefix)
