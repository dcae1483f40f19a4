"""A message on its way: framed once, compressed once."""

from __future__ import annotations

import zlib

from tornado_websockets.deflate import Compression
from tornado_websockets.outgoing import Outgoing

SQUEEZE = Compression(min_size=10)


def test_a_message_is_framed_once() -> None:
    outgoing = Outgoing("news", b'{"event":"news"}')
    assert outgoing.frame == b'\x81\x10{"event":"news"}'
    assert outgoing.event == "news"


def test_a_message_is_compressed_once_for_a_window() -> None:
    outgoing = Outgoing("news", b"x" * 1000)
    frame = outgoing.compressed(15, SQUEEZE)
    assert frame[0] == 0xC1
    inflated = zlib.decompressobj(-15).decompress(frame[2:] + b"\0\0\xff\xff")
    assert inflated == outgoing.payload
    assert outgoing.compressed(15, SQUEEZE) is frame
    other = outgoing.compressed(9, SQUEEZE)
    assert other is not frame
    assert outgoing.compressed(9, SQUEEZE) is other


def test_a_short_message_is_sent_as_it_is() -> None:
    outgoing = Outgoing("news", b"x" * 9)
    assert outgoing.compressed(15, SQUEEZE) is outgoing.frame
