"""Which callback an event calls, and with which arguments.

Pure: a callback's signature is read once, at registration, where a mistake has a traceback that
shows it; a call then only puts the arguments together.
"""

from __future__ import annotations

import contextvars
import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final

from tornado_websockets.exceptions import DuplicateEventError, NotCallableError
from tornado_websockets.message import PING
from tornado_websockets.stats import EventStats, EventTable

__all__ = ["ARGUMENTS", "LIFECYCLE_EVENTS", "Callback", "Events", "inside_callback"]

ARGUMENTS: Final = ("self", "socket", "data")
"""What a callback may take, by name, in any order: the context, the connection, the data."""

LIFECYCLE_EVENTS: Final = frozenset({"open", "close"})
"""The events that the server alone calls; each may have any number of module hooks as well."""

inside_callback: Final[contextvars.ContextVar[bool]] = contextvars.ContextVar(
    "tornado_websockets.inside_callback", default=False
)
"""True in a callback and in every task or thread that it starts with its context."""


Caller = Callable[[Any, Any, Any], Any]
"""Takes context, socket and data."""


class Callback:
    """A user's function or method, ready to be called for an event.

    Attributes:
        function: what was registered.
        name: its ``__name__``, the name of the event.
        is_async: True when calling it gives an awaitable at once, so that it runs on the event
            loop; otherwise it runs in a thread.
        is_coroutine: True when calling it runs nothing yet, as with ``async def``.
        call: calls the function with those of context, socket and data that it takes.
        stats: how often it ran, for how long, and how often it failed.
    """

    __slots__ = ("call", "function", "is_async", "is_coroutine", "name", "stats")

    def __init__(self, function: Callable[..., Any], stats: EventStats | None = None) -> None:
        self.stats = EventStats() if stats is None else stats
        self.name = _name(function)
        self.function = function
        self.is_async = _is_async(function)
        self.is_coroutine = inspect.iscoroutinefunction(function)
        self.call = _caller(function)

    def __repr__(self) -> str:
        kind = "async def" if self.is_async else "def"
        return f"<Callback {kind} {self.place}>"

    @property
    def place(self) -> str:
        """Where the function was written, like ``chat.views:message (line 12)``."""
        function = inspect.unwrap(self.function)
        place = f"{getattr(function, '__module__', '?')}:{getattr(function, '__qualname__', '?')}"
        code = getattr(function, "__code__", None)
        return f"{place} (line {code.co_firstlineno})" if code else place


class Events:
    """The callbacks of one path, by the name of their event, and what is counted of them.

    Attributes:
        of_clients: the callbacks that a client may call, by event.
    """

    def __init__(self, path: str, stats: EventTable | None = None) -> None:
        self.path = path
        self._stats = EventTable() if stats is None else stats
        self.of_clients: dict[str, Callback] = {}
        self._callbacks: dict[str, Callback] = {}
        self._hooks: dict[str, list[Callback]] = {name: [] for name in LIFECYCLE_EVENTS}

    def __iter__(self) -> Iterator[str]:
        return iter(self._callbacks)

    def __len__(self) -> int:
        return len(self._callbacks)

    def add(self, function: Callable[..., Any], prefix: str = "") -> Callback:
        """Register a function for the event of its name, behind a prefix.

        Raises:
            NotCallableError: no event could ever call it.
            DuplicateEventError: the event has a callback already.
        """
        callback = Callback(function)
        event = prefix + callback.name
        if event == PING:
            raise NotCallableError(function, f"the server itself answers {PING}; name it otherwise")
        first = self._callbacks.get(event)
        if first is not None:
            raise DuplicateEventError(event, self.path, first.place, callback.place)
        callback.stats = self._stats[event]
        self._callbacks[event] = callback
        if event not in LIFECYCLE_EVENTS:
            self.of_clients[event] = callback
        return callback

    def add_hook(self, function: Callable[..., Any]) -> Callback:
        """Register a function for ``open`` or ``close``, in addition to the event's callback."""
        callback = Callback(function)
        if callback.name not in LIFECYCLE_EVENTS:
            raise NotCallableError(function, f"a hook is named open or close, not {callback.name}")
        callback.stats = self._stats[callback.name]
        self._hooks[callback.name].append(callback)
        return callback

    def get(self, event: str) -> Callback | None:
        """Return the callback of an event, None when there is none."""
        return self._callbacks.get(event)

    def lifecycle(self, event: str) -> list[Callback]:
        """Return what ``open`` or ``close`` calls: first the hooks, which are quick."""
        callback = self._callbacks.get(event)
        return [*self._hooks[event], callback] if callback else list(self._hooks[event])


def _name(function: Any) -> str:
    if not callable(function):
        raise NotCallableError(function, "expected a function or a method")
    name = getattr(function, "__name__", "")
    if not isinstance(name, str) or not name.isidentifier():
        raise NotCallableError(function, "an event takes its name, and this has no usable __name__")
    return name


def _is_async(function: Callable[..., Any]) -> bool:
    if inspect.isgeneratorfunction(function):
        raise NotCallableError(
            function, "it is a generator, which would never run; write async def, or @gen.coroutine"
        )
    if inspect.isasyncgenfunction(function):
        raise NotCallableError(function, "it is an asynchronous generator; remove its yield")
    # The second is what tornado.gen.is_coroutine_function reads.
    return inspect.iscoroutinefunction(function) or hasattr(function, "__tornado_coroutine__")


def _caller(function: Callable[..., Any]) -> Caller:
    """Return what takes all three arguments and passes on what the function takes.

    The usual signatures have a caller of their own: it takes a third of the time.
    """
    positions, keywords = _parameters(function)
    if keywords:
        return _general_caller(function, positions, keywords)
    match positions:
        case ():
            return lambda _context, _socket, _data: function()
        case (1,):
            return lambda _context, socket, _data: function(socket)
        case (1, 2):
            return lambda _context, socket, data: function(socket, data)
        case (0, 1, 2):
            return lambda context, socket, data: function(context, socket, data)
    return _general_caller(function, positions, keywords)


def _general_caller(
    function: Callable[..., Any], positions: tuple[int, ...], keywords: tuple[int, ...]
) -> Caller:
    def call(*values: Any) -> Any:
        named = {ARGUMENTS[index]: values[index] for index in keywords}
        return function(*[values[index] for index in positions], **named)

    return call


def _parameters(function: Callable[..., Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the indices in ARGUMENTS that go by position, and those that go by keyword.

    Positions are quicker; keywords are right where a parameter before is left out, and for a
    decorated function, whose wrapper may name its own parameters.
    """
    positions: list[int] = []
    keywords: list[int] = []
    gap = hasattr(function, "__wrapped__")
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.name not in ARGUMENTS:
            if parameter.default is parameter.empty:
                raise NotCallableError(
                    function,
                    f"its argument {parameter.name!r} cannot be filled; a callback takes any of"
                    f" {', '.join(ARGUMENTS)}, and others only with a default",
                )
            gap = True
        elif parameter.kind is parameter.POSITIONAL_ONLY or not (
            gap or parameter.kind is parameter.KEYWORD_ONLY
        ):
            positions.append(ARGUMENTS.index(parameter.name))
        else:
            keywords.append(ARGUMENTS.index(parameter.name))
    return tuple(positions), tuple(keywords)
