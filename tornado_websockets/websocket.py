"""A path that clients connect to, and what happens there."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from tornado.routing import PathMatches, Rule

from tornado_websockets import conf
from tornado_websockets.auth.judgement import Permission, check_permission
from tornado_websockets.broadcaster import Broadcaster, Tap
from tornado_websockets.events import Events
from tornado_websockets.exceptions import (
    DuplicateModuleError,
    InvalidInstanceError,
)
from tornado_websockets.history import History, check_event, check_history
from tornado_websockets.layers import audience
from tornado_websockets.limits.capacity import Capacity
from tornado_websockets.modules.module import Module
from tornado_websockets.origins import check_origins
from tornado_websockets.paths import normalise, url
from tornado_websockets.registry import registry
from tornado_websockets.stats import PathStats
from tornado_websockets.websockethandler import WebSocketHandler
from tornado_websockets.wire import (
    WireOptions,
    check_compression,
    check_limits,
    check_policy,
    wire_options,
)

__all__ = ["History", "Tap", "WebSocket", "registry"]

AnyCallable = TypeVar("AnyCallable", bound=Callable[..., Any])
AnyModule = TypeVar("AnyModule", bound=Module)


class WebSocket(Broadcaster):
    """A WebSocket application at ``/ws/<path>``.

    Creating one adds its route to Tornado, before or after the server has started. The best place
    is a module ``views`` or ``websockets`` of an installed app, which the server imports.

    Args:
        path: unique; with or without a leading slash.
        slow_reader: what happens to a client that reads too slowly: ``"close"``, ``"drop_oldest"``
            or ``"latest"``; None is ``TORNADO["slow_reader"]``.
        login_required: refuse whoever is not logged in.
        permission: refuse who has not got it: ``"app.codename"``, or a function of the user and
            Tornado's request of the handshake, plain or ``async``, that returns whether.
        allowed_origins: pages of which other origins may connect; None is
            ``TORNADO["allowed_origins"]``.
        require_origin: True refuses who tells no origin, as every browser does; False lets them
            in with their session; None is True with login_required or permission, and else lets
            them in as ``AnonymousUser``.
        compression: True or a dictionary compresses messages, False does not; None is
            ``TORNADO["compression"]``.
        history: how many events are kept for clients that come back, or a `History`; None keeps
            none. Clients that read too slowly are closed then.
        limits: those that differ from ``TORNADO["limits"]``, by name.
        monitored: False for a path that watches others: it is served and counted, but a monitor
            leaves it out of its totals and its log.

    Attributes:
        path: the path with its leading slash, like ``/chat``.
        history: what it keeps of what it sends to all, None for nothing.
        url: the path of its URL, percent-encoded, like ``/ws/chat``.
        context: the value of ``self`` in callbacks that are methods.
        events: its callbacks.
        modules: the modules that are bound to it.
        stats: what is counted of it, while it serves.
        tap: is shown every event, when it is set: direction, connection, name and envelope;
            see `Tap`.
        place: where it was created, as ``module:line``.
        route: what it has in Tornado's router.

    Raises:
        InvalidInstanceError: path is no string.
        InvalidPathError: path is blank.
        ValueError: permission, allowed_origins, slow_reader, compression, history or limits is none
            of the above; or slow_reader leaves out events on a path with a history.
        DuplicatePathError: there is a WebSocket on this path; names both places.
    """

    def __init__(
        self,
        path: str,
        *,
        login_required: bool = False,
        permission: Permission | None = None,
        allowed_origins: Sequence[str] | None = None,
        require_origin: bool | None = None,
        slow_reader: str | None = None,
        compression: bool | Mapping[str, int] | None = None,
        limits: Mapping[str, Any] | None = None,
        history: History | int | None = None,
        monitored: bool = True,
    ) -> None:
        self.path = normalise(path)
        self.login_required = login_required
        self.permission = check_permission(permission)
        self.require_origin = self.needs_user or None if require_origin is None else require_origin
        self._origins = check_origins(allowed_origins)
        self.history = check_history(history)
        self._slow_reader = check_policy(slow_reader, history=self.history)
        self._compression = check_compression(compression)
        self._limits = check_limits(limits)
        self.capacity = Capacity(self._limits)
        self._options: tuple[Mapping[str, Any], WireOptions] | None = None
        self.url = url(self.path)
        self.monitored = monitored
        self.tap: Tap | None = None
        self.context: Any = None
        self.stats = PathStats()
        self.events = Events(self.path, self.stats.events)
        self.modules: list[Module] = []
        caller = sys._getframe(1)
        self.place = f"{caller.f_globals.get('__name__', '?')}:{caller.f_lineno}"
        self.route = Rule(PathMatches(re.escape(self.url)), WebSocketHandler, {"websocket": self})
        registry.add(self)

    def __repr__(self) -> str:
        return f"<WebSocket {self.path} at {self.place}>"

    def __len__(self) -> int:
        return audience.count(self.path)

    def __bool__(self) -> bool:
        return True  # also with no client

    def __iter__(self) -> Iterator[WebSocketHandler]:
        return iter(self.handlers)

    def __getitem__(self, index: int) -> WebSocketHandler:
        return self.handlers[index]

    @property
    def handlers(self) -> list[WebSocketHandler]:
        """The clients that are connected now, the oldest first: a copy."""
        return list(audience.connections(self.path))  # type: ignore[arg-type]

    @property
    def is_registered(self) -> bool:
        """Whether clients connect to it: from its creation until `unregister`."""
        return registry.has(self)

    @property
    def limits(self) -> conf.Limits:
        """How much one client of this path may ask for."""
        return conf.limits(self._limits)

    @property
    def needs_user(self) -> bool:
        """Whether who connects is looked up in the handshake."""
        return self.login_required or self.permission is not None

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins that may connect beside the server's own."""
        named = conf.get().allowed_origins if self._origins is None else self._origins
        return (*named, *conf.csrf_trusted_origins())

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
            ValueError: it is "recovered", on a path with a history.
        """
        check_event(getattr(callback, "__name__", ""), self.history)
        self.events.add(callback)
        return callback

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

    def unregister(self) -> None:
        """Give the path back, from any thread; once is enough.

        The clients that are there are closed with 1001, further ones find nothing, and another
        WebSocket may be created on the path. For paths that come and go; see `to` for rooms.
        """
        registry.discard(self)

    def wire_options(self, settings: Mapping[str, Any]) -> WireOptions:
        """Return how connections of this path behave under the settings of an application."""
        if self._options is None or self._options[0] is not settings:
            options = wire_options(
                conf.get(),
                settings,
                slow_reader=self._slow_reader,
                compression=self._compression,
                limits=self._limits,
            )
            self._options = (settings, options)
        return self._options[1]
