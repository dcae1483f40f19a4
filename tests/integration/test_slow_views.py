"""Slow views and sockets share a process, and not their time."""

from __future__ import annotations

import asyncio
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.site import make_site, serve_site
from tornado_websockets.testing import Client, Server

VIEWS = 20
SLEEP_S = 1
ALLOWED_DELAY_S = 0.05
LEAST = 1000
"""Echoes beside the views: of 200, two that a busy machine held up would be the 99th percentile."""

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


async def p99_s(client: Client, goes_on: Callable[[int], bool]) -> float:
    """Return the 99th percentile of the echo's round trip, in seconds.

    Args:
        client: its connection.
        goes_on: is told how many there were.
    """
    times: list[float] = []
    while goes_on(len(times)):
        start = time.perf_counter()
        client.emit("message", {"text": "x" * 64})
        await client.receive()
        times.append(time.perf_counter() - start)
        await asyncio.sleep(0.005)
    return sorted(times)[len(times) * 99 // 100]


def get(url: str, is_over: threading.Event) -> set[str]:
    """Ask again and again, and return what came."""
    answers: set[str] = set()
    while not answers or not is_over.is_set():
        with urllib.request.urlopen(url, timeout=60) as response:
            answers.add(response.read().decode())
    return answers


async def test_views_that_sleep_do_not_delay_an_echo(tmp_path: Path) -> None:
    process = serve_site(make_site(tmp_path / "site", FILES), "0")
    try:
        server = Server(process.port)
        client = await server.connect("/echo")
        alone = await p99_s(client, lambda count: count < 200)
        is_over = threading.Event()
        with ThreadPoolExecutor(VIEWS) as threads:
            url = f"http://{server.host}/slow/"
            views = [threads.submit(get, url, is_over) for _ in range(VIEWS)]
            try:
                beside = await p99_s(client, lambda count: count < LEAST)
            finally:
                is_over.set()
        assert [view.result() for view in views] == [{"awake"}] * VIEWS
        assert beside - alone <= ALLOWED_DELAY_S
        await client.close()
    finally:
        process.kill()
