"""Errors that a correct program meets: of data, of clients and of servers."""

from __future__ import annotations

from tornado_websockets.exceptions.mistakes import TornadoWebSocketsError

__all__ = [
    "EncodeError",
    "InvalidMessageError",
    "LayerUnavailableError",
    "ProtocolError",
    "ServerNotRunningError",
]


class EncodeError(TornadoWebSocketsError, TypeError):
    """Raised where a value is sent that JSON cannot carry.

    Attributes:
        key_path: where the value stands, like ``data.users[2].avatar``.
        reason: what is wrong with it.
    """

    def __init__(self, key_path: str, reason: str) -> None:
        super().__init__(key_path, reason)
        self.key_path = key_path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.key_path} cannot be encoded as JSON: {self.reason}"


class ProtocolError(TornadoWebSocketsError, ValueError):
    """Raised by bytes that are no frames of RFC 6455, or more of them than are taken.

    Attributes:
        code: the close code that tells the client.
        reason: what came.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code}: the client sent {self.reason}"


class InvalidMessageError(TornadoWebSocketsError, ValueError):
    """Raised by a frame the server cannot use; the client is answered with a ``warning`` event.

    Attributes:
        code: one of the codes of the wire protocol, like ``invalid_json``.
        message: the sentence that goes to the client.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class ServerNotRunningError(TornadoWebSocketsError, RuntimeError):
    """Raised when something is sent from a process that serves no WebSocket, without a layer."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return (
            f"nobody can receive what is sent on {self.path}: this process runs no server; send it"
            " from 'manage.py runtornado', or set TORNADO['layer'] = 'redis://127.0.0.1:6379/0' for"
            " all processes, which then reach its clients"
        )


class LayerUnavailableError(TornadoWebSocketsError, RuntimeError):
    """Raised when an event cannot be handed to the other processes.

    Attributes:
        path: where it was sent.
        reason: what is wrong.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"what is sent on {self.path} does not reach other processes: {self.reason}"
