"""Connections that note what they are sent, and pages that have one after the other."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tornado_websockets.history import Offset, Position, parse_offset
from tornado_websockets.layers import Member
from tornado_websockets.outgoing import Outgoing

__all__ = ["Client", "Page", "member", "until"]


class Client:
    """A connection that notes what it is sent.

    Attributes:
        looked_at: how often the layer has hashed it, or sent to it: what it costs to be there.
        is_full: whether it takes no more; to be set by `fill`.
    """

    def __init__(self, error: Exception | None = None, *, takes: int | None = None) -> None:
        self.id = secrets.token_hex(8)
        self.error = error
        self.takes = takes
        self.got: list[str] = []
        self.frames: list[bytes] = []
        self.payloads: list[bytes] = []
        self.closed: list[tuple[int | None, str | None]] = []
        self.looked_at = 0
        self._read = asyncio.Event()

    def __hash__(self) -> int:
        self.looked_at += 1
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    @property
    def envelopes(self) -> list[dict[str, Any]]:
        """What it was sent, decoded."""
        return [json.loads(payload) for payload in self.payloads]

    @property
    def is_full(self) -> bool:
        return self.takes is not None and len(self.got) >= self.takes

    def read(self, takes: int | None = None) -> None:
        """Take more: so many in all, or as many as there are."""
        self.takes = takes
        self._read.set()

    def send(self, outgoing: Outgoing) -> None:
        self.looked_at += 1
        if self.error is not None:
            raise self.error
        self.got.append(outgoing.event)
        self.frames.append(outgoing.frame)
        self.payloads.append(outgoing.payload)

    async def drain(self) -> None:
        await asyncio.sleep(0)
        while self.is_full:
            self._read.clear()
            await self._read.wait()

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        self.closed.append((code, reason))
        self.read()  # who has gone holds up nobody

    def dismiss(self, code: int, reason: str) -> None: ...


class Page:
    """A page that comes back, and keeps what it has got, as client.js does.

    Attributes:
        numbers: the key ``n`` of each event that it got.
        told: each ``recovered`` that it was told.
        missed: the ``missed`` of the last one.
        start: where it was at the beginning.
        client: the connection that it has.
    """

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.told: list[bool | None] = []
        self.missed = 0
        self.start: Offset = (0, 0)
        self.client = _Connection(self)
        self._epoch = ""
        self._offset: Offset = (0, 0)
        self._sockets: list[str] = []

    @property
    def position(self) -> Position | None:
        """Where it is; None as long as it does not know."""
        return (
            Position(self._epoch, self._offset, frozenset(self._sockets)) if self._epoch else None
        )

    def again(self, takes: int | None = None) -> Client:
        """Return another connection."""
        self.client.page = None
        self.client = _Connection(self, takes=takes)
        return self.client

    def take(self, payload: bytes) -> None:
        """Take a message, and make sure that it is the next one."""
        envelope = json.loads(payload)
        data = envelope.get("data", {})
        if envelope["event"] == "recovered":
            offset = parse_offset(data["offset"])
            assert offset is not None
            self._epoch, self._offset, self.missed = data["epoch"], offset, data["missed"]
            self.told.append(data["recovered"])
            if data["recovered"] is None:
                self.start = offset
            if "socket" in data:
                self._sockets = [data["socket"], *self._sockets][:8]
        elif "offset" in envelope:
            offset = parse_offset(envelope["offset"])
            assert offset is not None
            assert offset > self._offset, f"{offset} came after {self._offset}"
            self._offset = offset
            self.numbers.append(data["n"])


class _Connection(Client):
    """The connection of a page."""

    def __init__(self, page: Page, *, takes: int | None = None) -> None:
        super().__init__(takes=takes)
        self.page: Page | None = page

    def send(self, outgoing: Outgoing) -> None:
        super().send(outgoing)
        if self.page is not None:
            self.page.take(outgoing.payload)


def member(name: str) -> Member:
    """Return a user who has just come."""
    return Member(f"user {name}", name, name, datetime.now(UTC))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)
