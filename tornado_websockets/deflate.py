"""Compresses messages, and expands those of a client: permessage-deflate, RFC 7692.

Pure: no I/O. The server never takes its context over from one message to the next, so what is
compressed once serves every client that agreed on the same window.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tornado_websockets.exceptions import ProtocolError

__all__ = ["Agreed", "Compression", "Inflater", "deflate", "negotiate"]

EXTENSION: Final = "permessage-deflate"
MIN_WINDOW_BITS: Final = 9
"""RFC 7692 knows 8 as well, but zlib makes no raw deflate with it."""
MAX_WINDOW_BITS: Final = 15
TAIL: Final = b"\x00\x00\xff\xff"
"""What every message ends with and none is sent with, RFC 7692 section 7.2.1."""
BLOCK: Final = 64 * 1024
"""Bytes that are expanded at a time."""
MAX_STREAMS: Final = 16
"""Final blocks in one message: each may be two bytes, and costs a new stream."""


@dataclass(frozen=True, kw_only=True)
class Compression:
    """How messages are compressed: larger numbers cost time or memory, and compress better.

    Attributes:
        level: 0 to 9; 0 stores.
        mem_level: 1 to 9.
        window_bits: 9 to 15, the most that either side is to use.
        min_size: bytes; smaller messages gain too little, and are sent as they are.
    """

    level: int = 6
    mem_level: int = 8
    window_bits: int = MAX_WINDOW_BITS
    min_size: int = 128


@dataclass(frozen=True, kw_only=True)
class Agreed:
    """What a client offered and the server accepts.

    Attributes:
        header: the Sec-WebSocket-Extensions that answers.
        window_bits: of the messages that the server sends.
        client_window_bits: of those that the client sends.
        client_no_context_takeover: each message of the client stands for itself.
    """

    header: str
    window_bits: int
    client_window_bits: int
    client_no_context_takeover: bool


def negotiate(header: str | Sequence[str], compression: Compression) -> Agreed | None:
    """Return the answer to the first offer that can be accepted, None when there is none.

    Args:
        header: the Sec-WebSocket-Extensions of the client, or several of them.

    Raises:
        ProtocolError: the header breaks the grammar, so that the handshake has to fail, RFC 6455
            section 9.1.
    """
    text = header if isinstance(header, str) else ",".join(header)
    # All are read before one is accepted: bad grammar behind a good offer is bad grammar.
    for name, parameters in list(_read_extensions(text)):
        agreed = _accept(parameters, compression) if name == EXTENSION else None
        if agreed is not None:
            return agreed
    return None


def deflate(payload: bytes, window_bits: int, compression: Compression) -> bytes:
    """Return a whole message, compressed; may be called from any thread.

    Args:
        window_bits: of the clients that it goes to, see `Agreed`.
    """
    if not payload:
        return b"\x00"  # zlib has nothing to flush; RFC 7692 section 7.2.3.6
    key = (compression.level, compression.mem_level, window_bits)
    idle = _compressors.setdefault(key, [])
    try:
        compressor = idle.pop()
    except IndexError:
        compressor = zlib.compressobj(
            compression.level, zlib.DEFLATED, -window_bits, compression.mem_level
        )
    # A full flush makes zlib forget what it has seen: the next message refers to nothing in this
    # one. To make, or copy, a compressor for each message costs up to 25 times as much.
    data = compressor.compress(payload) + compressor.flush(zlib.Z_FULL_FLUSH)
    idle.append(compressor)
    return data[: -len(TAIL)]


# Compressors that nobody uses now, by parameters: at most one for each thread that compresses.
# Taking one off a list, and putting it back, are atomic.
_compressors: dict[tuple[int, int, int], list[zlib._Compress]] = {}


class Inflater:
    """Expands the messages of one client, one after another, each in any pieces.

    Holds no memory of zlib before the first message, nor between messages when the client does
    not take its context over.
    """

    __slots__ = ("_size", "_started", "_stream", "_streams", "_takeover", "_window_bits")

    def __init__(self, agreed: Agreed) -> None:
        # An old zlib agrees on 8 bits, and uses 9.
        self._window_bits = max(agreed.client_window_bits, MIN_WINDOW_BITS)
        self._takeover = not agreed.client_no_context_takeover
        self._stream: zlib._Decompress | None = None
        # Of the message that is arriving.
        self._size = 0
        self._streams = 0
        self._started = False

    def inflate(self, data: bytes, max_size: int) -> bytes:
        """Return what a piece of a message expands to.

        Args:
            max_size: bytes of the whole message, expanded.

        Raises:
            ProtocolError: 1009 as soon as there are more, 1007 for what is not deflate.
        """
        parts = []
        is_more = bool(data)
        while is_more:
            # A byte too many is enough to know: a bomb is not expanded further.
            limit = min(BLOCK, max_size - self._size + 1)
            part, data = self._expand(data, limit)
            self._size += len(part)
            if self._size > max_size:
                raise ProtocolError(1009, f"a message that expands to more than {max_size} bytes")
            parts.append(part)
            # zlib may hold back output, for want of room, when it has taken all input.
            is_more = bool(data) or (self._started and len(part) == limit)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def finish(self, max_size: int) -> bytes:
        """Return the rest of a message, and be ready for the next one.

        Raises:
            ProtocolError: as by `inflate`.
        """
        if not self._started:
            # zlib would take the tail for the head of a block, and the next message for its body.
            raise ProtocolError(1007, "a compressed message without a last block")
        rest = self.inflate(TAIL, max_size)
        self._size = 0
        self._streams = 0
        self._started = False
        if not self._takeover:
            self._stream = None
        return rest

    def _expand(self, data: bytes, limit: int) -> tuple[bytes, bytes]:
        """Return what some input expands to, and the input that is left."""
        if self._stream is None:
            self._stream = zlib.decompressobj(-self._window_bits)
        self._started = True
        stream = self._stream
        try:
            part = stream.decompress(data, limit)
        except zlib.error as error:
            raise ProtocolError(1007, "a message that is not compressed by deflate") from error
        if not stream.eof:
            return part, stream.unconsumed_tail
        # Behind a final block zlib reads no more, the message may: RFC 7692 section 7.2.3.4.
        self._stream = None
        self._started = False
        self._streams += 1
        if self._streams > MAX_STREAMS:
            raise ProtocolError(1007, f"a message of more than {MAX_STREAMS} final blocks")
        return part, stream.unused_data


# The grammar of RFC 6455 section 9.1. A quoted value has to be a token when it is unquoted: so
# commas and semicolons separate wherever they are.
_CHARACTER = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_NAME = re.compile(rf"{_CHARACTER}+")
_PARAMETER = re.compile(
    rf'({_CHARACTER}+)(?:[ \t]*=[ \t]*(?:({_CHARACTER}+)|"((?:\\?{_CHARACTER})+)"))?'
)
_BITS = "[89]|1[0-5]"
_VALUES = {
    "server_no_context_takeover": re.compile(""),
    "client_no_context_takeover": re.compile(""),
    "server_max_window_bits": re.compile(_BITS),
    "client_max_window_bits": re.compile(f"({_BITS})?"),
}

Parameters = list[tuple[str, str]]
"""Names with their values, empty for none."""


def _read_extensions(header: str) -> Iterator[tuple[str, Parameters]]:
    for element in header.split(","):
        name, *parameters = (part.strip(" \t") for part in element.split(";"))
        if not name and not parameters:
            continue  # a list may have empty elements, RFC 9110 section 5.6.1
        if not _NAME.fullmatch(name):
            raise _bad_grammar(name)
        yield name, [_read_parameter(parameter) for parameter in parameters]


def _read_parameter(text: str) -> tuple[str, str]:
    match = _PARAMETER.fullmatch(text)
    if match is None:
        raise _bad_grammar(text)
    name, plain, quoted = match.groups(default="")
    return name, plain or quoted.replace("\\", "")


def _bad_grammar(text: str) -> ProtocolError:
    return ProtocolError(1002, f"{text!r} in Sec-WebSocket-Extensions, which breaks its grammar")


def _accept(offered: Parameters, compression: Compression) -> Agreed | None:
    parameters = dict(offered)
    is_valid = all(name in _VALUES and _VALUES[name].fullmatch(value) for name, value in offered)
    if not is_valid or len(parameters) < len(offered):
        return None
    offered_bits = int(parameters.get("server_max_window_bits", MAX_WINDOW_BITS))
    bits = min(offered_bits, compression.window_bits)
    if bits < MIN_WINDOW_BITS:
        return None
    answer = [EXTENSION, "server_no_context_takeover"]
    if bits < MAX_WINDOW_BITS or "server_max_window_bits" in parameters:
        answer.append(f"server_max_window_bits={bits}")
    no_takeover = "client_no_context_takeover" in parameters
    if no_takeover:
        answer.append("client_no_context_takeover")
    client_bits = MAX_WINDOW_BITS
    # Only a client that offers to use less may be told to, RFC 7692 section 7.1.2.2.
    if "client_max_window_bits" in parameters:
        client_offers = int(parameters["client_max_window_bits"] or MAX_WINDOW_BITS)
        client_bits = min(client_offers, compression.window_bits)
        answer.append(f"client_max_window_bits={client_bits}")
    return Agreed(
        header="; ".join(answer),
        window_bits=bits,
        client_window_bits=client_bits,
        client_no_context_takeover=no_takeover,
    )
