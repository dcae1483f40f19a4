"""A path that clients connect to, and what happens there."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar
from urllib.parse import quote

from tornado_websockets.encoding import encode
from tornado_websockets.events import Events, inside_callback
from tornado_websockets.exceptions import (
    DuplicateModuleError,
    DuplicatePathError,
    EmitHandlerError,
    InvalidInstanceError,
    InvalidPathError,
)
from tornado_websockets.layers import layer
from tornado_websockets.modules.module import Module
from tornado_websockets.tornadowrapper import TornadoWrapper
from tornado_websockets.websockethandler import WebSocketHandler

__all__ = ["WebSocket", "registry"]

AnyCallable = TypeVar("AnyCallable", bound=Callable[..., Any])
AnyModule = TypeVar("AnyModule", bound=Module)

PREFIX: Final = "/ws"
"""What stands before the path of every WebSocket in its URL."""

PATH_CHARACTERS: Final = "/:@!$&'()*+,;=~-._"
"""What needs no percent-encoding in a path, RFC 3986 section 3.3."""

registry: Final[dict[str, WebSocket]] = {}
"""Every WebSocket of this process by its path, in the order of creation."""


class WebSocket:
    """A WebSocket application at ``/ws/<path>``.

    Creating one adds its route to Tornado, before or after the server has started. The best place
    is a module ``views`` or ``websockets`` of an installed app, which the server imports.

    Args:
        path: unique; with or without a leading slash.

    Attributes:
        path: the path with its leading slash, like ``/chat``.
        url: the path of its URL, percent-encoded, like ``/ws/chat``.
        context: the value of ``self`` in callbacks that are methods.
        events: its callbacks.
        modules: the modules that are bound to it.
        place: where it was created, as ``module:line``.

    Raises:
        InvalidInstanceError: path is no string.
        InvalidPathError: path is blank.
        DuplicatePathError: there is a WebSocket on this path; names both places.
    """

    def __init__(self, path: str) -> None:
        self.path = _normalise(path)
        self.url = quote(PREFIX + self.path, safe=PATH_CHARACTERS)
        self.context: Any = None
        self.events = Events(self.path)
        self.modules: list[Module] = []
        caller = sys._getframe(1)
        self.place = f"{caller.f_globals.get('__name__', '?')}:{caller.f_lineno}"
        self._register()

    def __repr__(self) -> str:
        return f"<WebSocket {self.path} at {self.place}>"

    def __len__(self) -> int:
        return layer.count(self.path)

    def __bool__(self) -> bool:
        return True  # also with no client

    def __iter__(self) -> Iterator[WebSocketHandler]:
        return iter(self.handlers)

    def __getitem__(self, index: int) -> WebSocketHandler:
        return self.handlers[index]

    @property
    def handlers(self) -> list[WebSocketHandler]:
        """The clients that are connected now, the oldest first: a copy."""
        return list(layer.connections(self.path))  # type: ignore[arg-type]

    def on(self, callback: AnyCallable) -> AnyCallable:
        """Call a function or method for the event of its name, as a decorator.

        It takes any of ``self`` (see `context`), ``socket`` (the `WebSocketHandler` of the client)
        and ``data`` (a dictionary whose keys also read as attributes), by name. ``async def`` and
        Tornado coroutines run on the event loop, plain ``def`` in a thread, where the ORM works.
        ``open`` and ``close`` are called by the server when a client comes and goes.

        Returns:
            The callback itself.

        Raises:
            NotCallableError: it could never be called.
            DuplicateEventError: the event has a callback already.
        """
        self.events.add(callback)
        return callback

    def emit(self, event: str, data: Any = None) -> None:
        """Send an event to every client, from inside a callback.

        Args:
            event: name of the event.
            data: a dictionary; a string is sent as ``{"message": string}``, None as ``{}``.

        Raises:
            EmitHandlerError: called outside a callback; use `broadcast` there.
            EncodeError: a value in data cannot be encoded; names its key path.
        """
        if not inside_callback.get():
            raise EmitHandlerError(event, self.path)
        self.broadcast(event, data)

    def broadcast(self, event: str, data: Any = None) -> None:
        """Send an event to every client, from anywhere in a process that serves.

        Raises:
            ServerNotRunningError: this process runs no server, so nobody would get it.
            EncodeError: a value in data cannot be encoded; names its key path.
        """
        layer.publish(self.path, encode(event, data))

    def bind(self, module: AnyModule) -> AnyModule:
        """Add a module, such as a `ProgressBar`, and return it.

        Raises:
            InvalidInstanceError: module is no `Module`.
            DuplicateModuleError: a module of the same kind and name is bound already.
        """
        if not isinstance(module, Module):
            raise InvalidInstanceError(module, "a Module")
        if any(module.prefix == bound.prefix for bound in self.modules):
            raise DuplicateModuleError(module, self.path)
        module.bind(self)
        self.modules.append(module)
        return module

    def _register(self) -> None:
        first = registry.setdefault(self.path, self)
        if first is not self:
            raise DuplicatePathError(self.path, first.place, self.place)
        TornadoWrapper.add_handler((re.escape(self.url), WebSocketHandler, {"websocket": self}))


def _normalise(path: str) -> str:
    if not isinstance(path, str):
        raise InvalidInstanceError(path, "a path, like '/chat'")
    name = path.strip().lstrip("/")
    if not name:
        raise InvalidPathError(path)
    return "/" + name
