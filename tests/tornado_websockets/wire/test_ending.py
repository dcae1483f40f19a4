"""How a connection ends; `test_wire` shows it from outside, over both transports."""

from __future__ import annotations

import asyncio

import pytest

from tornado_websockets.conf import Config
from tornado_websockets.exceptions import ProtocolError
from tornado_websockets.frames import build_close
from tornado_websockets.wire import ending
from tornado_websockets.wire.options import wire_options
from tornado_websockets.wire.sender import Sender


class Transport:
    def __init__(self, *, half_closes: bool = True) -> None:
        self.calls: list[str] = []
        self.written = b""
        self.half_closes = half_closes

    def write(self, data: bytes) -> None:
        self.written += data

    def write_eof(self) -> None:
        self.calls.append("eof")

    def can_write_eof(self) -> bool:
        return self.half_closes

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")

    def is_closing(self) -> bool:
        return "close" in self.calls or "abort" in self.calls


def ending_of(transport: Transport) -> ending.Ending:
    options = wire_options(Config(), {}, slow_reader=None, compression=None)
    return ending.Ending(transport, Sender(transport, options))  # type: ignore[arg-type]


async def test_a_mistake_after_our_close_frame_sends_no_second_one() -> None:
    transport = Transport()
    end = ending_of(transport)
    end.begin(build_close(1001))
    end.fail(ProtocolError(1002, "nonsense"), was_open=False)
    assert transport.written == build_close(1001)
    assert transport.calls == ["eof"]
    assert (end.code, end.reason) == (1002, "nonsense")
    end.fail(ProtocolError(1007, "more of it"), was_open=False)
    assert end.code == 1002
    end.stop()


async def test_what_cannot_be_closed_by_half_is_closed() -> None:
    transport = Transport(half_closes=False)
    ending_of(transport).fail(ProtocolError(1009, "too much"), was_open=True)
    assert transport.written == build_close(1009, "too much")
    assert transport.calls == ["close"]


async def test_the_time_of_the_client_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "CLOSE_TIMEOUT_S", 0.01)
    transport = Transport()
    ending_of(transport).begin(build_close(1000))
    async with asyncio.timeout(10):
        while "abort" not in transport.calls:
            await asyncio.sleep(0.01)
