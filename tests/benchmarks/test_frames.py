from __future__ import annotations

import zlib

import pytest

from benchmarks import frames
from benchmarks.errors import MeasureError


def unmasked(frame: bytes, start: int) -> bytes:
    """Undo the mask of a client's frame whose payload starts there."""
    mask = frame[start - 4 : start]
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(frame[start:]))


@pytest.mark.parametrize(("size", "start"), [(0, 6), (125, 6), (126, 8), (65535, 8), (65536, 14)])
def test_a_clients_frame_is_masked_and_says_its_size(size: int, start: int) -> None:
    payload = b"x" * size
    frame = frames.masked(payload)
    assert frame[0] == 0x81
    assert frame[1] & 0x80
    assert len(frame) == start + size
    assert unmasked(frame, start) == payload


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_frames_are_taken_from_any_chunks(size: int) -> None:
    payload = b"y" * size
    # A server's frame is a client's without the mask.
    head = frames.masked(payload)[: -size - 4 or -4]
    raw = bytes((head[0], head[1] & 0x7F)) + head[2:] + payload
    buffer = bytearray()
    found: list[frames.Frame] = []
    for start in range(0, 2 * len(raw), 4096):
        buffer += (raw + raw)[start : start + 4096]
        found += frames.split(buffer)
    assert found == [frames.Frame(frames.TEXT, payload, raw)] * 2
    assert not buffer


def test_a_compressed_frame_is_inflated() -> None:
    deflated = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = (deflated.compress(b"hello hello") + deflated.flush(zlib.Z_SYNC_FLUSH))[:-4]
    [frame] = frames.split(bytearray(bytes((0xC1, len(body))) + body))
    assert frame.payload == b"hello hello"


@pytest.mark.parametrize("raw", [b"\x01\x01x", b"\x81\x81abcdx", b"\x91\x01x"])
def test_what_a_server_must_not_send_is_refused(raw: bytes) -> None:
    with pytest.raises(MeasureError, match="expected an unmasked frame"):
        list(frames.split(bytearray(raw)))


def test_a_handshake_must_be_accepted_as_it_was_asked() -> None:
    good = b"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: " + frames.ACCEPT
    extension = b"\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover"
    frames.accepted(good, deflate=False)
    frames.accepted(good + extension, deflate=True)
    with pytest.raises(MeasureError, match="to be accepted"):
        frames.accepted(good, deflate=True)
    with pytest.raises(MeasureError, match="expected no extension"):
        frames.accepted(good + extension, deflate=False)
    with pytest.raises(MeasureError, match="403"):
        frames.accepted(b"HTTP/1.1 403 Forbidden", deflate=False)
