"""Slow views and sockets share a process, and not their time."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.site import make_site, serve_site
from tornado_websockets.testing import Client, Server

VIEWS = 20
SLEEP_S = 1
ALLOWED_DELAY_S = 0.05

FILES = {
    "project/urls.py": f"""
import time
from django.http import HttpResponse
from django.urls import path

def slow(request):
    time.sleep({SLEEP_S})
    return HttpResponse("awake")

urlpatterns = [path("slow/", slow)]
""",
    "shop/views.py": """
from tornado_websockets.websocket import WebSocket
ws = WebSocket("/echo")

@ws.on
async def message(socket, data):
    socket.emit("message", data)
""",
}


async def p99_s(client: Client, goes_on: Callable[[], bool]) -> float:
    """Return the 99th percentile of the echo's round trip, in seconds, over at least 200."""
    times: list[float] = []
    while len(times) < 200 or goes_on():
        start = time.perf_counter()
        client.emit("message", {"text": "x" * 64})
        await client.receive()
        times.append(time.perf_counter() - start)
        await asyncio.sleep(0.005)
    return sorted(times)[len(times) * 99 // 100]


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as response:
        return str(response.read().decode())


async def test_views_that_sleep_do_not_delay_an_echo(tmp_path: Path) -> None:
    process = serve_site(make_site(tmp_path / "site", FILES), "0")
    try:
        server = Server(process.port)
        client = await server.connect("/echo")
        alone = await p99_s(client, lambda: False)
        views: list[Awaitable[str]] = [
            asyncio.ensure_future(asyncio.to_thread(get, f"http://{server.host}/slow/"))
            for _ in range(VIEWS)
        ]
        everything = asyncio.gather(*views)
        beside = await p99_s(client, lambda: not everything.done())
        assert await everything == ["awake"] * VIEWS
        assert beside - alone <= ALLOWED_DELAY_S
        await client.close()
    finally:
        process.kill()
