"""The server's side of the opening handshake, RFC 6455 section 4.2."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final, NamedTuple, NoReturn

from tornado.iostream import IOStream
from tornado.websocket import WebSocketHandler, WebSocketProtocol13

from tornado_websockets.deflate import Agreed, Compression, Inflater, negotiate
from tornado_websockets.exceptions import ProtocolError

__all__ = ["VERSION", "Handshake", "HandshakeError", "take_stream"]

VERSION: Final = "13"

NOT_OF_WEBSOCKETS: Final = {"Content-Type", "Content-Length", "Connection", "Upgrade"}
"""Headers of other answers, which the handler may have set."""


class HandshakeError(Exception):
    """A request for a WebSocket that is not one of RFC 6455; answered with 400."""


class Handshake(NamedTuple):
    """What was agreed on.

    Attributes:
        response: the head of the answer, to be sent as it is.
        subprotocol: what the handler has chosen, or None.
        compression: window bits and how messages are compressed, or None.
        inflater: what expands those of the client, or None.
    """

    response: bytes
    subprotocol: str | None
    compression: tuple[int, Compression] | None
    inflater: Inflater | None

    @classmethod
    def of(cls, handler: WebSocketHandler, compression: Compression | None) -> Handshake:
        """Return the answer to the request of a handler.

        Raises:
            HandshakeError: the key is none, there are several, or its extensions make no sense.
            ValueError: the handler has chosen a subprotocol that was not offered.
        """
        headers = handler.request.headers
        key = headers.get("Sec-WebSocket-Key", "")
        if not _is_key(key):
            raise HandshakeError("Sec-WebSocket-Key should be 16 bytes in base64.")
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {WebSocketProtocol13.compute_accept_value(key)}",
        ]
        subprotocol = _subprotocol(handler, headers.get("Sec-WebSocket-Protocol", ""))
        if subprotocol is not None:
            lines.append(f"Sec-WebSocket-Protocol: {subprotocol}")
        chosen, inflater = None, None
        if compression is not None:
            agreed = _compression(headers.get_list("Sec-WebSocket-Extensions"), compression)
            if agreed is not None:
                lines.append(f"Sec-WebSocket-Extensions: {agreed.header}")
                chosen, inflater = (agreed.window_bits, compression), Inflater(agreed)
        response = "\r\n".join([*lines, *_headers(handler), "", ""]).encode("latin1")
        return cls(response, subprotocol, chosen, inflater)


class _Answered:
    """Stands for the headers of an answer that was sent."""

    def refuse(self, *args: Any) -> NoReturn:
        raise RuntimeError(
            "the handshake is answered, so no header can be set any more; do it in prepare()"
        )

    __contains__ = __delitem__ = __getitem__ = __setitem__ = add = refuse


ANSWERED: Final[Any] = _Answered()


def take_stream(handler: WebSocketHandler) -> IOStream:
    """Take the connection from Tornado, whose request ends with this.

    It does what `tornado.web.RequestHandler.finish` does, but for writing: that takes longer than
    all the rest of the answer. And it lets go of what only an answer needs, which is half of the
    memory that Tornado holds for a connection.
    """
    stream = handler.detach()
    handler._status_code = 101
    handler._headers_written = True
    try:
        handler._log()
        handler.on_finish()
    except BaseException:
        stream.close()  # nobody else would
        raise
    handler._headers = ANSWERED
    handler.ui = None  # type: ignore[assignment]
    handler.request.connection = None
    handler.request.server_connection = None
    return stream


def _subprotocol(handler: WebSocketHandler, header: str) -> str | None:
    offered = [name for name in map(str.strip, header.split(",")) if name]
    subprotocol = handler.select_subprotocol(offered)
    if subprotocol is not None and subprotocol not in offered:
        raise ValueError(f"select_subprotocol() returned {subprotocol!r}, not one of {offered}")
    return subprotocol


def _compression(offers: list[str], compression: Compression) -> Agreed | None:
    try:
        return negotiate(offers, compression)
    except ProtocolError as error:
        raise HandshakeError(f"Sec-WebSocket-Extensions has {error.reason}.") from None


def _headers(handler: WebSocketHandler) -> list[str]:
    """Return what the handler itself has set: Tornado's defaults, and what its user wants."""
    lines = [
        f"{name}: {value}"
        for name, value in handler._headers.get_all()
        if name not in NOT_OF_WEBSOCKETS
    ]
    cookies = getattr(handler, "_new_cookie", {})
    return lines + [f"Set-Cookie: {cookie.OutputString(None)}" for cookie in cookies.values()]


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False
