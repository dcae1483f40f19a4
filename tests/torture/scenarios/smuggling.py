"""Requests that two servers would read differently: a corpus of what hides another request."""

from __future__ import annotations

from typing import Final

__all__ = ["CORPUS", "HIDDEN", "MAY_BE_ANSWERED"]

HIDDEN: Final = "/smuggled/"

# What would be a request of its own, if the one before it ended where an attacker says.
_HIDDEN: Final = b"GET /smuggled/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def _post(headers: bytes, body: bytes, *, version: bytes = b"1.1") -> bytes:
    return b"POST / HTTP/%s\r\nHost: 127.0.0.1\r\n%s\r\n%s" % (version, headers, body)


def _length(value: bytes) -> bytes:
    return _post(b"Content-Length: %s\r\n" % value, b"hello" + _HIDDEN)


def _chunked(header: bytes) -> bytes:
    return _post(header, b"0\r\n\r\n" + _HIDDEN)


def _chunk(body: bytes) -> bytes:
    return _post(b"Transfer-Encoding: chunked\r\n", body + b"0\r\n\r\n" + _HIDDEN)


def _head(line: bytes) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n" % line + _HIDDEN


CORPUS: Final = {
    "length and chunked": _chunked(b"Content-Length: 48\r\nTransfer-Encoding: chunked\r\n"),
    "chunked and length": _chunked(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
    "two lengths": _post(b"Content-Length: 5\r\nContent-Length: 0\r\n", b"hello" + _HIDDEN),
    "two lengths in one": _length(b"5, 0"),
    "a length with sign": _length(b"+5"),
    "a negative length": _length(b"-5"),
    "a hexadecimal length": _length(b"0x5"),
    "a length with underscore": _length(b"0_5"),
    "a length with fraction": _length(b"5.0"),
    "a length in other digits": _length("٥".encode()),
    "an empty length": _length(b""),
    "a length with space inside": _length(b"0 5"),
    "a space before the colon": _chunked(b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n"),
    "a tab before the colon": _chunked(b"Content-Length\t: 5\r\n"),
    "an encoding nobody knows": _chunked(b"Transfer-Encoding: xchunked\r\n"),
    "chunked twice": _chunked(b"Transfer-Encoding: chunked, chunked\r\n"),
    "chunked and identity": _chunked(b"Transfer-Encoding: chunked, identity\r\n"),
    "two encodings": _chunked(b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"),
    "chunked with a vertical tab": _chunked(b"Transfer-Encoding: \x0bchunked\r\n"),
    "chunked in quotes": _chunked(b'Transfer-Encoding: "chunked"\r\n'),
    "chunked in HTTP/1.0": _post(
        b"Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n",
        b"0\r\n\r\n" + _HIDDEN,
        version=b"1.0",
    ),
    "a folded header": _chunked(b"X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: x\r\n"),
    "a folded encoding": _chunked(b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n"),
    "a chunk size with 0x": _chunk(b"0x5\r\nhello\r\n"),
    "a chunk size with sign": _chunk(b"+5\r\nhello\r\n"),
    "a negative chunk size": _chunk(b"-1\r\n"),
    "a chunk size with underscore": _chunk(b"0_5\r\nhello\r\n"),
    "a chunk size without end": _chunk(b"F" * 100 + b"\r\nhello\r\n"),
    "an empty chunk size": _chunk(b"\r\nhello\r\n"),
    "a chunk that is longer": _chunk(b"2\r\nhello\r\n"),
    "a chunk without end": _chunk(b"5\r\nhelloXX"),
    "chunks with bare LF": _chunk(b"5\nhello\n"),
    "a bare CR in a header": _head(b"X: a\rContent-Length: 40\r\n"),
    "a NUL in a header": _head(b"X: a\x00b\r\nContent-Length: \x000\r\n"),
    "a header without name": _head(b": chunked\r\n"),
    "a header with a space in its name": _head(b"Content Length: 0\r\n"),
    "a header without colon": _head(b"Transfer-Encoding chunked\r\n"),
    "a control character in a name": _head(b"Content-\x01Length: 0\r\n"),
    "a path with a space": b"GET / HTTP/1.1 /x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + _HIDDEN,
    "a version of its own": b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n" + _HIDDEN,
    "no version": b"GET /smuggled/\r\nHost: 127.0.0.1\r\n\r\n" + _HIDDEN,
    "a NUL in the path": b"GET /\x00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + _HIDDEN,
    "two hosts": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n" + _HIDDEN,
    "no host": b"GET / HTTP/1.1\r\n\r\n" + _HIDDEN,
}  # fmt: skip
"""Bytes on a connection of their own, by what is wrong with them."""

# RFC 9112 section 6.1 has it handled as faulty, and the connection closed behind the answer.
MAY_BE_ANSWERED: Final = {"chunked in HTTP/1.0"}
"""What may get a good answer, as long as it is the last one on the connection."""
