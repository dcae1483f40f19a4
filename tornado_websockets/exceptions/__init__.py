"""The errors of this package::

TornadoWebSocketsError
├── NotCallableError          (TypeError)     a callback that no event could call
├── InvalidInstanceError      (TypeError)     an argument of the wrong class
├── InvalidPathError          (ValueError)    a WebSocket without a usable path
├── InvalidRoomError          (ValueError)    a name that no room can have
├── EventTooLargeError        (ValueError)    more than a layer carries
├── DuplicateEventError       (ValueError)    two callbacks for one event of one path
├── DuplicatePathError        (ValueError)    two WebSockets on one path
├── DuplicateModuleError      (ValueError)    two modules of one kind and name on one path
├── EncodeError               (TypeError)     a value that JSON cannot carry
├── ProtocolError             (ValueError)    a client that does not keep to RFC 6455
├── InvalidMessageError       (ValueError)    a frame the server cannot use
├── EmitHandlerError          (RuntimeError)  WebSocket.emit outside a callback
├── ModuleNotBoundError       (RuntimeError)  a module that belongs to no WebSocket
├── LayerUnavailableError     (RuntimeError)  other processes cannot be reached
├── ServerNotRunningError     (RuntimeError)  nobody can receive what is sent
├── TooManyRoomsError         (RuntimeError)  a connection that joins one room too many
└── UserNotLoadedError        (RuntimeError)  socket.user on the event loop, before it is known
"""

from __future__ import annotations

from tornado_websockets.exceptions.failures import (
    EncodeError,
    InvalidMessageError,
    LayerUnavailableError,
    ProtocolError,
    ServerNotRunningError,
)
from tornado_websockets.exceptions.mistakes import (
    DuplicateEventError,
    DuplicateModuleError,
    DuplicatePathError,
    EmitHandlerError,
    EventTooLargeError,
    InvalidInstanceError,
    InvalidPathError,
    InvalidRoomError,
    ModuleNotBoundError,
    NotCallableError,
    TooManyRoomsError,
    TornadoWebSocketsError,
    UserNotLoadedError,
)

__all__ = [
    "DuplicateEventError",
    "DuplicateModuleError",
    "DuplicatePathError",
    "EmitHandlerError",
    "EncodeError",
    "EventTooLargeError",
    "InvalidInstanceError",
    "InvalidMessageError",
    "InvalidPathError",
    "InvalidRoomError",
    "LayerUnavailableError",
    "ModuleNotBoundError",
    "NotCallableError",
    "ProtocolError",
    "ServerNotRunningError",
    "TooManyRoomsError",
    "TornadoWebSocketsError",
    "UserNotLoadedError",
]
