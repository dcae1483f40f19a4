"""Errors of a program: what is written, registered or called the wrong way."""

from __future__ import annotations

from typing import Any

__all__ = [
    "DuplicateEventError",
    "DuplicateModuleError",
    "DuplicatePathError",
    "EmitHandlerError",
    "EventTooLargeError",
    "InvalidInstanceError",
    "InvalidPathError",
    "InvalidRoomError",
    "ModuleNotBoundError",
    "NotCallableError",
    "TooManyRoomsError",
    "TornadoWebSocketsError",
    "UserNotLoadedError",
]


class TornadoWebSocketsError(Exception):
    """Base class of every error that this package raises."""


class NotCallableError(TornadoWebSocketsError, TypeError):
    """Raised at registration by a callback that no event could ever call.

    Attributes:
        callback: what was given.
        reason: why it cannot be called, and what to write instead.
    """

    def __init__(self, callback: Any, reason: str) -> None:
        super().__init__(callback, reason)
        self.callback = callback
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot use {self.callback!r} as a callback: {self.reason}"


class InvalidInstanceError(TornadoWebSocketsError, TypeError):
    """Raised when an argument is not an instance of the class that is needed."""

    def __init__(self, value: Any, expected: str) -> None:
        super().__init__(value, expected)
        self.value = value
        self.expected = expected

    def __str__(self) -> str:
        return f"expected {self.expected}, got {type(self.value).__name__}: {self.value!r}"


class InvalidPathError(TornadoWebSocketsError, ValueError):
    """Raised by a WebSocket whose path names nothing."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"the path of a WebSocket needs a name, like '/chat', got {self.path!r}"


class InvalidRoomError(TornadoWebSocketsError, ValueError):
    """Raised by a name that no room can have; a client may have sent it."""

    def __init__(self, room: Any) -> None:
        super().__init__(room)
        self.room = room

    def __str__(self) -> str:
        return f"a room is a string of 1 to 200 characters, no control ones, got {self.room!r:.100}"


class EventTooLargeError(TornadoWebSocketsError, ValueError):
    """Raised by an event that other processes would refuse; nobody has got it."""

    def __init__(self, event: str, limit: str, got: int, advice: str) -> None:
        super().__init__(event, limit, got, advice)
        self.event = event
        self.limit = limit
        self.got = got
        self.advice = advice

    def __str__(self) -> str:
        return (
            f"event {self.event!r:.100} takes at most {self.limit}, got {self.got}: {self.advice}"
        )


class DuplicateEventError(TornadoWebSocketsError, ValueError):
    """Raised when an event of one path gets a second callback."""

    def __init__(self, event: str, path: str, first: str, second: str) -> None:
        super().__init__(event, path, first, second)
        self.event = event
        self.path = path
        self.first = first
        self.second = second

    def __str__(self) -> str:
        return (
            f"event {self.event!r} of {self.path} has a callback already, {self.first};"
            f" rename the second one, {self.second}"
        )


class DuplicatePathError(TornadoWebSocketsError, ValueError):
    """Raised when two WebSockets ask for one path; names both places (module:line)."""

    def __init__(self, path: str, first: str, second: str) -> None:
        super().__init__(path, first, second)
        self.path = path
        self.first = first
        self.second = second

    def __str__(self) -> str:
        return (
            f"WebSocket({self.path!r}) at {self.second}: this path is taken by the one at"
            f" {self.first}; import that one, or choose another path"
        )


class DuplicateModuleError(TornadoWebSocketsError, ValueError):
    """Raised when a WebSocket gets two modules of one kind and name."""

    def __init__(self, module: Any, path: str) -> None:
        super().__init__(module, path)
        self.module = module
        self.path = path

    def __str__(self) -> str:
        return f"{self.path} has a module like {self.module!r} already: give it another name"


class EmitHandlerError(TornadoWebSocketsError, RuntimeError):
    """Raised by ``WebSocket.emit`` outside a callback."""

    def __init__(self, event: str, path: str) -> None:
        super().__init__(event, path)
        self.event = event
        self.path = path

    def __str__(self) -> str:
        return (
            f"cannot emit {self.event!r} on {self.path}: emit() works inside a callback only;"
            f" use broadcast({self.event!r}, …), which works anywhere"
        )


class ModuleNotBoundError(TornadoWebSocketsError, RuntimeError):
    """Raised when a module sends or listens before it belongs to a WebSocket."""

    def __init__(self, module: Any) -> None:
        super().__init__(module)
        self.module = module

    def __str__(self) -> str:
        return f"{self.module!r} belongs to no WebSocket yet: call websocket.bind(module) first"


class TooManyRoomsError(TornadoWebSocketsError, RuntimeError):
    """Raised by a connection that joins more rooms than its path allows."""

    def __init__(self, room: str, limit: int) -> None:
        super().__init__(room, limit)
        self.room = room
        self.limit = limit

    def __str__(self) -> str:
        return f"cannot join {self.room!r}: limits['rooms'] is {self.limit}; leave a room first"


class UserNotLoadedError(TornadoWebSocketsError, RuntimeError):
    """Raised by ``socket.user`` on the event loop, which must not wait for the database."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return (
            f"socket.user of {self.path} is not known yet, and the event loop does not wait for the"
            " database: write 'await socket.auser()' here, or create the WebSocket with"
            " login_required=True"
        )
