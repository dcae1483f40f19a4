"""Clients that come back when the server goes away, by the rules of the JavaScript client."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
import time
from typing import Final, Self

from tests.rawclient import close, connect
from tests.torture.returning import DIALS, delay_s, hint_s
from tornado_websockets.frames import CLOSE

__all__ = ["Crowd"]

SEED: Final = 7


class Crowd:
    """So many clients of one path, in a thread of their own.

    Attributes:
        codes: the code that each was sent away with, None when the connection just ended.
        returns: when each was back, on the clock of `time.monotonic`.
    """

    def __init__(self, port: int, count: int, path: str = "/echo") -> None:
        self.codes: list[int | None] = []
        self.returns: list[float] = []
        self._port, self._count, self._path = port, count, path
        self._connected = threading.Semaphore(0)
        self._over = threading.Event()
        self._chance = random.Random(SEED)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Self:
        self._thread.start()
        for _ in range(self._count):
            if not self._connected.acquire(timeout=60):
                raise AssertionError("the crowd could not connect")
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def wait(self, timeout_s: float) -> None:
        """Wait until all are back, or the time is over."""
        deadline = time.monotonic() + timeout_s
        while len(self.returns) < self._count and time.monotonic() < deadline:
            time.sleep(0.05)

    def busiest_second(self) -> int:
        """Return how many came back in the second in which most did."""
        times = sorted(self.returns)
        most, first = 0, 0
        for last, when in enumerate(times):
            while when - times[first] > 1:
                first += 1
            most = max(most, last - first + 1)
        return most

    async def _run(self) -> None:
        self._dials = asyncio.Semaphore(DIALS)
        clients = [asyncio.create_task(self._client()) for _ in range(self._count)]
        while not self._over.is_set() and not all(client.done() for client in clients):
            await asyncio.sleep(0.05)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    async def _client(self) -> None:
        wait_s = await self._stay()
        for attempt in itertools.count(1):
            await asyncio.sleep(wait_s)
            try:
                await self._return()
            except (OSError, EOFError):  # a timeout is an OSError
                wait_s = delay_s(attempt, self._chance)
            else:
                return

    async def _stay(self) -> float:
        """Connect, stay until sent away, and return when to come back, in seconds."""
        await self._dials.acquire()
        async with connect(self._port, self._path, tls=False) as client:
            self._dials.release()
            self._connected.release()
            reason, code = b"", None
            try:
                while (frame := await client.receive()).opcode != CLOSE:
                    pass
                reason, code = frame.payload, frame.code
                client.send(close(1000))
            except EOFError:
                pass
        self.codes.append(code)
        told_s = hint_s(reason)
        return delay_s(0, self._chance) if told_s is None else told_s

    async def _return(self) -> None:
        """Connect again, and stay for a moment."""
        async with self._dials, connect(self._port, self._path, tls=False) as client:
            if " 101 " not in client.head.partition("\r\n")[0]:
                raise ConnectionRefusedError(client.head[:80])
            self.returns.append(time.monotonic())
