"""One client that comes back with its position, by the rules of client.js."""

from __future__ import annotations

import asyncio
import json
import random
import re
import struct
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from benchmarks.frames import CLOSE, PING, PONG, masked
from tests.torture.client import ABNORMAL, upgrade
from tests.torture.ledger import Ledger, Told
from tests.torture.memory import Memory
from tests.torture.returning import DIALS, delay_s, hint_s

__all__ = ["Commons", "Listener"]

SEED: Final = 15
DIAL_S: Final = 20.0
STABLE_S: Final = 5.0

# What nearly all frames have, read without a parser: clients and servers share the machine.
TICK: Final = re.compile(
    rb'\{"event": ?"tick", ?"data": ?\{"p": ?"(\w+)", ?"n": ?(\d+), ?"t": ?([\d.e+]+)\}'
    rb'(?:, ?"id": ?"([^"]+)")?(?:, ?"offset": ?"(\d+)-(\d+)")?\}'
)


class Commons:
    """What the clients of a process have in common.

    Args:
        ports: of the nodes; a client that comes back begins with the one behind its last.
        path: the WebSocket's.
        pace: how many seconds each client stays, and then is away, at most; None for clients that
            stay, and come back as client.js does.

    Attributes:
        sent: when each event was sent, by publisher and number.
        codes: how connections ended that were not cut here.
        odd: other events than expected, by name.
    """

    def __init__(self, ports: Sequence[int], path: str, pace: tuple[float, float] | None) -> None:
        self.ports, self.path, self.pace = ports, path, pace
        self.chance = random.Random(SEED)
        self.dials = asyncio.Semaphore(DIALS)
        self.sent: dict[str, dict[int, float]] = {}
        self.codes: Counter[int] = Counter()
        self.odd: Counter[str] = Counter()


class Listener(asyncio.Protocol):
    """One client, and its connections one after the other.

    Args:
        commons: what it has in common with others.
        port: index of the node that it begins with.
    """

    def __init__(self, commons: Commons, port: int) -> None:
        self.ledger = Ledger()
        self.is_open = False
        self._commons = commons
        self._port = port
        self._memory = Memory()
        self._transport: asyncio.Transport | None = None
        self._connected_s = 0.0
        self._where = 0  # the port of the last connection, or attempt
        # Of the present connection, or the next one.
        self._buffer, self._read = bytearray(), 0
        self._is_cut, self._code = False, ABNORMAL
        self._hint_s: float | None = None
        self._opened: asyncio.Future[bool] = asyncio.Future()
        self._ended = asyncio.Event()

    def __str__(self) -> str:
        return f"{'open' if self.is_open else 'closed'} at {self._where}, {self.ledger.told[-1]}:"

    async def live(self) -> None:
        """Connect, and again whenever the connection has ended."""
        chance, attempt = self._commons.chance, 0
        while True:
            began_s = 0.0
            if await self._dial():
                began_s = time.monotonic()
                await self._stay()
            attempt = 0 if began_s and time.monotonic() - began_s > STABLE_S else attempt
            if self._hint_s is not None:
                await asyncio.sleep(self._hint_s)
            elif self._commons.pace is not None:
                await asyncio.sleep(chance.uniform(0, self._commons.pace[1]))
            else:
                await asyncio.sleep(delay_s(attempt, chance))
            attempt += 1

    def cut(self) -> None:
        """End the connection without a word, as a network does."""
        if self._transport is not None:
            self._is_cut = True
            self._transport.abort()

    # The protocol.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        host = f"127.0.0.1:{self._where}"
        headers = [("Host", host), ("Origin", f"http://{host}")]
        transport.write(upgrade(self._commons.path + self._memory.query, headers))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self.is_open:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head[:20]:
                self._commons.odd[head.split(b"\r\n")[0].decode("latin-1")] += 1
                self._transport.abort()  # type: ignore[union-attr]  # it is there
                return
            self._buffer, self.is_open = rest, True
            self._connected_s = time.monotonic()
            self._opened.set_result(True)
        for opcode, start, end in self._frames():
            self._take(opcode, start, end)
        del self._buffer[: self._read]
        self._read = 0

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if not self._opened.done():
            self._opened.set_result(False)
        elif not self._is_cut:
            self._commons.codes[self._code] += 1
        self._ended.set()

    # Private.

    def _begin(self) -> None:
        """Forget the last connection."""
        self._buffer, self._read = bytearray(), 0
        self._is_cut, self._code = False, ABNORMAL
        self._hint_s = None
        self._opened, self._ended = asyncio.Future(), asyncio.Event()

    async def _dial(self) -> bool:
        """Connect to the next node that can be reached; return whether it has let the client in."""
        for _ in self._commons.ports:
            self._begin()
            async with self._commons.dials:
                try:
                    async with asyncio.timeout(DIAL_S):
                        self._where = self._commons.ports[self._port]
                        loop = asyncio.get_running_loop()
                        await loop.create_connection(lambda: self, "127.0.0.1", self._where)
                        return await self._opened
                except OSError:  # a timeout is one
                    self.cut()
                finally:
                    self._port = (self._port + 1) % len(self._commons.ports)
        return False

    async def _stay(self) -> None:
        pace = self._commons.pace
        if pace is not None:
            stay_s = self._commons.chance.uniform(0, pace[0])
            asyncio.get_running_loop().call_later(stay_s, self._leave, self._transport)
        await self._ended.wait()

    def _leave(self, transport: asyncio.Transport | None) -> None:
        if transport is self._transport and self._commons.pace is not None:
            self.cut()

    def _frames(self) -> Iterator[tuple[int, int, int]]:
        """Return opcode, start and end of each complete frame."""
        buffer = self._buffer
        while len(buffer) >= self._read + 2:
            start, size = self._read + 2, buffer[self._read + 1]
            if size > 125:
                width = 2 if size == 126 else 8
                start += width
                size = int.from_bytes(buffer[start - width : start], "big")
            if len(buffer) < start + size:
                return
            opcode = buffer[self._read] & 0xF
            self._read = start + size
            yield opcode, start, self._read

    def _take(self, opcode: int, start: int, end: int) -> None:
        match = TICK.fullmatch(self._buffer, start, end)
        if match is not None:
            publisher, number, sent_s, id, ms, seq = match.groups()
            offset = None if ms is None else (int(ms), int(seq))
            name, n = publisher.decode(), int(number)
            if self._memory.is_new(offset, None if id is None else id.decode()):
                self.ledger.add(name, n, time.monotonic())
                self._commons.sent.setdefault(name, {}).setdefault(n, float(sent_s))
            return
        payload = bytes(self._buffer[start:end])
        assert self._transport is not None
        if opcode == PING:
            self._transport.write(masked(payload, PONG))
        elif opcode == CLOSE:
            self._code = struct.unpack("!H", payload[:2])[0] if payload else 1005
            self._hint_s = hint_s(payload)
            self._transport.write(masked(payload[:2], CLOSE))
            self._transport.close()
        else:
            self._other(json.loads(payload))

    def _other(self, message: dict[str, Any]) -> None:
        event, data = message["event"], message["data"]
        if event != "recovered":
            self._commons.odd[event] += 1
            return
        self._memory.move(data)
        recovered = data["recovered"]
        if recovered is None and self.ledger.told:
            recovered = False  # it was there before, but not for long enough to know where
        told = Told(time.monotonic(), self._connected_s, recovered, data["missed"])
        self.ledger.told.append(told)
