"""An address that always leads to the primary does so after another server has taken over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.engines.broker import Broker, free_port
from tests.tornado_websockets.layers.clients import Client, Page
from tests.tornado_websockets.layers.redis.station import stations
from tests.tornado_websockets.layers.redis.test_outages import soon


class Switch:
    """An address that leads to one server, and for new connections to another one later.

    Attributes:
        target: the port of that server.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = free_port()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @contextlib.asynccontextmanager
    async def on(self) -> AsyncIterator[None]:
        """Take connections."""
        server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)
        try:
            yield
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            inner, outer = await asyncio.open_connection("127.0.0.1", self.target)
            await asyncio.wait(
                [
                    asyncio.create_task(_copy(reader, outer)),
                    asyncio.create_task(_copy(inner, writer)),
                ]
            )
        finally:
            self._tasks.discard(task)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.closing(writer), contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def test_the_old_primary_is_left_though_it_keeps_its_connections() -> None:
    """It is a replica that hears of nothing any more, and refuses to write."""
    with Broker() as old, Broker() as new:
        new.run("REPLICAOF", "127.0.0.1", str(old.port))
        switch = Switch(old.port)
        async with switch.on(), stations(2, switch.url) as (one, two):
            pages, live = [Page(), Page()], Client()
            await one.visit(pages[0])
            await two.visit(pages[1])
            two.audience.join("/live", live)
            await soon(lambda: len(one.layer.nodes()) == len(two.layer.nodes()) == 2)
            one.say(1)
            await soon(lambda: pages[0].numbers == pages[1].numbers == [1])
            await soon(lambda: new.run("XLEN", "tws:stream:/h") == "1")
            new.run("REPLICAOF", "NO", "ONE")
            switch.target = new.port
            old.run("REPLICAOF", "127.0.0.1", str(free_port()))
            one.say(2)
            two.say(3)
            await soon(lambda: sorted(pages[0].numbers) == [1, 2, 3])
            await soon(lambda: pages[1].numbers == pages[0].numbers)
            await soon(lambda: one.layer.trouble == two.layer.trouble == "")
            await soon(lambda: old.run("CLIENT", "LIST").count("\n") == 0)
            one.say(4, path="/live")
            await soon(lambda: live.got == ["e"])
            await soon(lambda: len(one.layer.nodes()) == len(two.layer.nodes()) == 2)
            answers = await one.layer.ask("anything", {}, timeout_s=2)
            assert len(answers.silent) == 2  # both have heard it, and know no answer
            assert [page.told for page in pages] == [[None], [None]]
