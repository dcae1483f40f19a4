"""What is sent to one client, in order, however slowly it reads."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tornado_websockets.conf import Config
from tornado_websockets.wire.options import wire_options
from tornado_websockets.wire.sender import Sender

OPTIONS = wire_options(Config(), {}, slow_reader="drop_oldest", compression=None)


class Transport:
    """A transport whose buffer is full after some bytes, as asyncio's tells it."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.written: list[bytes] = []
        self.sender: Any = None

    def write(self, data: bytes) -> None:
        self.written.append(data)
        self.room -= len(data)
        if self.room <= 0:
            self.sender.pause()

    def get_write_buffer_size(self) -> int:
        return 7


def sender(room: int) -> tuple[Sender, Transport]:
    transport = Transport(room)
    transport.sender = Sender(transport, OPTIONS)  # type: ignore[arg-type]
    return transport.sender, transport


def test_frames_are_written_while_there_is_room_and_wait_then() -> None:
    out, transport = sender(room=4)
    for frame in (b"11", b"22", b"33", b"44"):
        assert out.send(frame, "a")
    assert transport.written == [b"11", b"22"]
    assert (out.unsent, out.dropped, out.is_full) == (7 + 4, 0, True)
    transport.room = 1
    out.resume()
    assert transport.written == [b"11", b"22", b"33"]
    transport.room = 100
    out.resume()
    assert transport.written == [b"11", b"22", b"33", b"44"]
    assert not out.is_full


def test_only_the_latest_pong_waits_and_goes_first_a_close_goes_last() -> None:
    out, transport = sender(room=1)
    out.send(b"1", "a")
    out.send_pong(b"old")
    out.send_pong(b"new")
    out.send_last(b"close")
    out.send(b"2", "a")
    transport.room = 2
    out.resume()
    assert transport.written == [b"1", b"\x8a\x03new"]
    transport.room = 100
    out.resume()
    assert transport.written[2:] == [b"2", b"close"]


def test_what_has_room_is_sent_at_once() -> None:
    out, transport = sender(room=100)
    out.send_pong(b"")
    out.send_last(b"close")
    assert transport.written == [b"\x8a\x00", b"close"]
    assert (out.unsent, out.dropped) == (7, 0)
    out.clear()


def test_what_is_cleared_is_never_sent() -> None:
    out, transport = sender(room=1)
    out.send(b"1", "a")
    out.send(b"2", "a")
    out.clear()
    transport.room = 100
    out.resume()
    assert transport.written == [b"1"]


@pytest.mark.parametrize("end", ["resume", "release"])
async def test_draining_waits_for_room_or_the_end(end: str) -> None:
    out, transport = sender(room=1)
    await out.drain()
    out.send(b"1", "a")
    waiting = [asyncio.create_task(out.drain()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    transport.room = 100
    getattr(out, end)()
    await asyncio.wait_for(asyncio.gather(*waiting), 10)
