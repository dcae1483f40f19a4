"""The server's side of the opening handshake, RFC 6455 section 4.2."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from tornado.websocket import WebSocketHandler, WebSocketProtocol13

from tornado_websockets.deflate import Agreed, Compression, negotiate
from tornado_websockets.exceptions import ProtocolError

__all__ = ["VERSION", "HandshakeError", "respond"]

VERSION: Final = "13"


class HandshakeError(Exception):
    """A request for a WebSocket that is not one of RFC 6455; answered with 400."""


def respond(
    handler: WebSocketHandler, compression: Compression | None
) -> tuple[str | None, Agreed | None]:
    """Answer a handshake with 101, and return the subprotocol and the compression agreed on.

    Raises:
        HandshakeError: the key is none, or there are several.
    """
    headers = handler.request.headers
    key = headers.get("Sec-WebSocket-Key", "")
    if not _is_key(key):
        raise HandshakeError("Sec-WebSocket-Key should be 16 bytes in base64.")
    offered = [name.strip() for name in headers.get("Sec-WebSocket-Protocol", "").split(",")]
    subprotocol = handler.select_subprotocol([name for name in offered if name])
    if subprotocol is not None:
        if subprotocol not in offered:
            raise ValueError(f"select_subprotocol() returned {subprotocol!r}, not one of {offered}")
        handler.set_header("Sec-WebSocket-Protocol", subprotocol)
    agreed = None
    if compression is not None:
        try:
            agreed = negotiate(headers.get_list("Sec-WebSocket-Extensions"), compression)
        except ProtocolError as error:
            raise HandshakeError(f"Sec-WebSocket-Extensions has {error.reason}.") from None
    if agreed is not None:
        handler.set_header("Sec-WebSocket-Extensions", agreed.header)
    handler.clear_header("Content-Type")
    handler.set_status(101)
    handler.set_header("Upgrade", "websocket")
    handler.set_header("Connection", "Upgrade")
    handler.set_header("Sec-WebSocket-Accept", WebSocketProtocol13.compute_accept_value(key))
    handler.finish()
    return subprotocol, agreed


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False
