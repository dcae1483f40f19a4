"""Simulated visitors: people who come to the example, do what people do, and leave again.

They are clients like any other, with a connection over the network of this machine, though they
live on the event loop of the server that they visit: so they cannot outlive it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from tornado_websockets.signals import server_started, server_stopping

__all__ = ["MARK", "Visitors", "quieten"]

MARK: Final = " (simulated)"
"""What stands behind the names of those who do not exist."""

NAMES: Final = (
    *("Ada", "Bela", "Chidi", "Dunja", "Emil", "Fatima", "Goran", "Hana", "Ines", "Jun"),
    *("Kaya", "Luis", "Mei", "Noor", "Olga", "Pablo", "Quinn", "Rosa", "Sami", "Tove"),
)
SENTENCES: Final = (
    "Hello!",
    "Is anybody here?",
    "Have you seen the progress bar?",
    "I wrote this in a thread.",
    "It rains.",
    "The echo is quick today.",
    "Back in a minute.",
    "Who has started the search?",
    "Bonjour à tous 🙂",
)
STRANGER: Final = "https://elsewhere.invalid"
"""Where a visitor comes from who is refused."""

AGENTS: Final = ("Firefox", "Chrome", "Safari", "a telephone", "a television")

# Who makes a mistake writes one of these.
MISTAKES: Final = ('{"event": "message"', '["message"]', "{}", '{"event": "mesage", "data": {}}')

AWAY: Final = (HTTPClientError, OSError, WebSocketClosedError, asyncio.TimeoutError)
"""What happens to a visitor whose server has no place, or goes: nothing to complain about."""


class Visitors:
    """A number of visitors, from the start of the server in this process to its end.

    Args:
        count: how many there are at most at a time.
        url: where the server is, like ``http://127.0.0.1:8000/``.
        pace: how many times as fast as people they are.
    """

    def __init__(self, count: int, url: str, *, pace: float = 1.0) -> None:
        parts = urlsplit(url)
        host = parts.netloc.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]")  # noqa: S104
        self._count = count
        self._origin = f"{parts.scheme}://{host}"
        self._url = f"{parts.scheme.replace('http', 'ws')}://{host}/ws"
        self._pace = pace
        self._random = random.Random()  # noqa: S311  no secret
        self._names = itertools.cycle(NAMES)
        self._tasks: list[asyncio.Task[None]] = []

    def attend(self) -> None:
        """Come when the server starts, and go when it stops."""
        server_started.connect(self._come, weak=False, dispatch_uid="testapp.visitors.come")
        server_stopping.connect(self._go, weak=False, dispatch_uid="testapp.visitors.go")

    def stay_away(self) -> None:
        """Come no more."""
        server_started.disconnect(dispatch_uid="testapp.visitors.come")
        server_stopping.disconnect(dispatch_uid="testapp.visitors.go")

    def _come(self, **kwargs: Any) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._live(name)) for name in self._take(self._count)]

    def _go(self, **kwargs: Any) -> None:
        while self._tasks:
            self._tasks.pop().cancel()

    def _take(self, count: int) -> list[str]:
        return list(itertools.islice(self._names, count))

    async def _live(self, name: str) -> None:
        """Come and go, for as long as the server is there."""
        activities = [self._chat, self._chat, self._echo, self._echo, self._watch, self._intrude]
        await self._pause(0, 5)
        while True:
            activity: Callable[[str], Awaitable[None]] = self._random.choice(activities)
            with contextlib.suppress(*AWAY):
                await activity(name)
            await self._pause(1, 8)

    async def _chat(self, name: str) -> None:
        async with self._visit("/chat") as say:
            say("join", {"name": name + MARK})
            for _ in range(self._random.randint(1, 5)):
                await self._pause(4, 20)
                say("message", {"text": self._random.choice(SENTENCES)})
                self._slip(say, once_in=20)

    async def _echo(self, name: str) -> None:
        async with self._visit("/echo") as say:
            for number in range(self._random.randint(5, 60)):
                say("message", {"from": name, "number": number})
                await self._pause(0.1, 0.9)
                self._slip(say, once_in=200)

    async def _watch(self, name: str) -> None:
        async with self._visit("/progress") as say:
            await self._pause(1, 5)
            if self._random.random() < 0.3:
                event = self._random.choice(("work_start", "search_find"))
                say(f"module_progressbar_{event}", {})
            await self._pause(5, 25)

    async def _intrude(self, name: str) -> None:
        """Come from the page of somebody else, which is refused, now and then."""
        if self._random.random() < 0.2:
            async with self._visit("/chat", origin=STRANGER):
                pass

    def _slip(self, say: Say, *, once_in: int) -> None:
        if self._random.random() < 1 / once_in:
            say.frame(self._random.choice(MISTAKES))

    async def _pause(self, least_s: float, most_s: float) -> None:
        await asyncio.sleep(self._random.uniform(least_s, most_s) / self._pace)

    @contextlib.asynccontextmanager
    async def _visit(self, path: str, *, origin: str | None = None) -> Any:
        request = HTTPRequest(
            self._url + path,
            headers={"Origin": origin or self._origin},
            user_agent=f"{self._random.choice(AGENTS)}{MARK}",
            validate_cert=False,  # that of a demonstration is nobody's
        )
        connecting = asyncio.ensure_future(websocket_connect(request, on_message_callback=_ignore))
        try:
            # Not given up in the middle: Tornado would hold a connection that nobody closes.
            connection = await asyncio.shield(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(_turn_round)
            raise
        try:
            yield Say(connection)
        finally:
            connection.close(1000)


class Say:
    """What a visitor who is connected sends."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self._connection = connection

    def __call__(self, event: str, data: dict[str, Any]) -> None:
        """Send an event."""
        self.frame(json.dumps({"event": event, "data": data}))

    def frame(self, text: str) -> None:
        """Send a frame as it is."""
        # A visitor waits for nothing; a connection that has ended is told by the next frame.
        self._connection.write_message(text).add_done_callback(_look_at)


class _Quiet(logging.Filter):
    """Passes over who comes and goes."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        return " /ws/" not in message and STRANGER not in message


_quiet: Final = _Quiet()


def quieten() -> None:
    """Keep the lines about WebSockets that begin and end out of the log, where visitors do all day.

    Nothing in such a line tells a visitor from others.
    """
    for name in ("django.server", "tornado_websockets.security"):
        logging.getLogger(name).addFilter(_quiet)


def _ignore(message: str | bytes | None) -> None:
    """Read what the server sends, as a page that shows it would."""


def _turn_round(connecting: asyncio.Future[WebSocketClientConnection]) -> None:
    """Leave as soon as the door opens."""
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().close(1000)


def _look_at(future: asyncio.Future[None]) -> None:
    if not future.cancelled():
        future.exception()
