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

__all__ = ["ARGUMENTS", "LIFECYCLE_EVENTS", "Callback", "Events", "inside_callback"]

ARGUMENTS: Final = ("self", "socket", "data")
"""What a callback may take, by name, in any order: the context, the connection, the data."""

LIFECYCLE_EVENTS: Final = frozenset({"open", "close"})
"""The events that the server alone calls; each may have any number of module hooks as well."""

inside_callback: Final[contextvars.ContextVar[bool]] = contextvars.ContextVar(
    "tornado_websockets.inside_callback", default=False
)
"""True in a callback and in every task or thread that it starts with its context."""


class Callback:
    """A user's function or method, ready to be called for an event.

    Attributes:
        function: what was registered.
        name: its ``__name__``, the name of the event.
        is_async: True when calling it gives an awaitable at once, so that it runs on the event
            loop; otherwise it runs in a thread.
    """

    __slots__ = ("_keywords", "_positions", "function", "is_async", "name")

    def __init__(self, function: Callable[..., Any]) -> None:
        self.name = _name(function)
        self.function = function
        self.is_async = _is_async(function)
        self._positions, self._keywords = _parameters(function)

    def __call__(self, context: Any, socket: Any, data: Any) -> Any:
        """Call the function with those of the three arguments that it takes."""
        values = (context, socket, data)
        if self._keywords:
            keywords = {ARGUMENTS[index]: values[index] for index in self._keywords}
            return self.function(*[values[index] for index in self._positions], **keywords)
        return self.function(*[values[index] for index in self._positions])

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
    """The callbacks of one path, by the name of their event."""

    def __init__(self, path: str) -> None:
        self.path = path
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
        first = self._callbacks.get(event)
        if first is not None:
            raise DuplicateEventError(event, self.path, first.place, callback.place)
        self._callbacks[event] = callback
        return callback

    def add_hook(self, function: Callable[..., Any]) -> Callback:
        """Register a function for ``open`` or ``close``, in addition to the event's callback."""
        callback = Callback(function)
        if callback.name not in LIFECYCLE_EVENTS:
            raise NotCallableError(function, f"a hook is named open or close, not {callback.name}")
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
