"""The default layer: fan-out in one process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tornado_websockets.layers import LocalLayer
from tornado_websockets.outgoing import Outgoing
from tornado_websockets.runtime import runtime


class Client:
    def __init__(self, error: Exception | None = None) -> None:
        self.frames: list[bytes] = []
        self.error = error
        self.closed: list[tuple[int | None, str | None]] = []

    def send(self, outgoing: Outgoing) -> None:
        if self.error is not None:
            raise self.error
        self.frames.append(outgoing.frame)

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        self.closed.append((code, reason))

    def leave(self, code: int, reason: str) -> None: ...


@pytest_asyncio.fixture(autouse=True)
async def running() -> AsyncIterator[None]:
    runtime.start(threads=1)
    yield
    await runtime.stop(timeout_s=5)


async def test_a_frame_reaches_every_client_of_its_path_at_once() -> None:
    layer, a, b, other = LocalLayer(), Client(), Client(), Client()
    layer.join("/x", a)
    layer.join("/x", b)
    layer.join("/y", other)
    news = Outgoing("news", b"{}")
    layer.publish("/x", news)
    assert a.frames[0] is b.frames[0] is news.frame
    assert other.frames == []


async def test_some_clients_are_closed_and_no_others() -> None:
    layer, a, b, other = LocalLayer(), Client(), Client(), Client()
    for client in (a, b, other):
        layer.join("/x", client)
    layer.close_each([a, b], 4501, "session ended")
    assert a.closed == b.closed == [(4501, "session ended")]
    assert other.closed == []
    assert layer.count() == 3  # each leaves when its connection has ended


async def test_a_client_that_cannot_be_reached_never_stops_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    layer, dead, alive = LocalLayer(), Client(OSError("gone")), Client()
    layer.join("/x", dead)
    layer.join("/x", alive)
    layer.publish("/x", Outgoing("news", b"{}"))
    assert alive.frames == [b"\x81\x02{}"]
    assert "could not send to a client of /x" in caplog.text
