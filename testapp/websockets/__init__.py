"""The WebSockets of the example; the server imports this package when it starts."""

from testapp.websockets import chat, echo, progress

__all__ = ["chat", "echo", "progress"]
