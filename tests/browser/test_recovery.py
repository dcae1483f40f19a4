"""A page whose connection is cut gets what it has missed, in order, or is told that it cannot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.relay import Relay
from tests.process import ServerProcess
from tests.site import configure, make_site, serve_site

FILES = {
    "project/urls.py": """
from django.http import HttpResponse
from django.urls import path

PAGE = '''<!doctype html>
<title>News</title>
<link rel="icon" href="data:,">
<p id="got"></p>
<p id="told"></p>
<p id="ended"></p>
<button>Cut</button>
<script src="/static/tornado_websockets/client.js"></script>
<script src="/static/page.js"></script>'''

urlpatterns = [path("", lambda request: HttpResponse(PAGE))]
""",
    "shop/static/page.js": """
const hurry = location.search === '?hurry' ? { heartbeat_ms: 300, timeout_ms: 6000 } : {};
const ws = tws('/news?room=1', { reconnect_delay_ms: 50, reconnect_delay_max_ms: 200, ...hurry });
const show = (id, text) => document.getElementById(id).append(`${text} `);
ws.on('open', (event, { reconnected }) => show('told', reconnected ? 'again' : 'open'));
ws.on('n', ({ n }) => show('got', n));
ws.on('close', (event) => show('ended', `${event.code}:${event.reason}`));
ws.on('recovered', ({ recovered }) => show('told', recovered));
document.querySelector('button').addEventListener('click', () => ws.emit('cut'));
""",
    "shop/websockets.py": """
from tornado_websockets.websocket import WebSocket

ws = WebSocket("/news", history=100)
numbers = iter(range(1, 1000))


def tell():
    for _ in range(20):
        ws.broadcast("n", {"n": next(numbers)})


@ws.on
async def more():
    tell()


@ws.on
async def cut(socket):
    tell()  # some of it is still on its way
    socket.wire.on_connection_close()
    tell()
""",
    "shop/views.py": "",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    directory = make_site(tmp_path / "site", FILES)
    configure(directory, debug=True)
    return directory


def serve(site: Path, port: str) -> ServerProcess:
    return serve_site(site, port, "--noreload")


def expect_text(page: Page, id: str, *words: object) -> None:
    text = " ".join(map(str, words))
    expect(page.locator(f"#{id}")).to_have_text(text, timeout=30_000)


def test_a_page_gets_what_it_has_missed_and_is_told_when_it_cannot(
    site: Path, open_page: OpenPage
) -> None:
    process = serve(site, "0")
    try:
        page = open_page(f"http://127.0.0.1:{process.port}/")
        told: list[object] = ["open"]
        for round in (1, 2, 3):
            expect_text(page, "told", *told)
            page.get_by_role("button").click()
            expect_text(page, "got", *range(1, 40 * round + 1))
            told += ["again", "true"]
    finally:
        process.kill()
    process = serve(site, str(process.port))
    try:
        expect_text(page, "told", *told, "again", "false")
        page.get_by_role("button").click()
        expect_text(page, "got", *range(1, 121), *range(1, 41))
    finally:
        process.kill()


def test_a_page_notices_a_connection_that_is_dead_without_a_word(
    site: Path, open_page: OpenPage
) -> None:
    process = serve(site, "0")
    try:
        with Relay(process.port) as relay:
            page = open_page(f"http://127.0.0.1:{relay.port}/?hurry")
            other = open_page(f"http://127.0.0.1:{process.port}/")
            for each in (page, other):
                expect_text(each, "told", "open")
            other.evaluate("ws.emit('more')")
            for each in (page, other):
                expect_text(each, "got", *range(1, 21))
            before = relay.accepted
            relay.cut()
            other.evaluate("ws.emit('more')")
            expect_text(other, "got", *range(1, 41))
            ended = page.locator("#ended")
            expect(ended).to_contain_text("1006:The server does not answer.", timeout=30_000)
            expect_text(page, "got", *range(1, 41))
            # A machine that is busy for seconds may look dead once more.
            expect(page.locator("#told")).to_have_text(re.compile(r"^open( again true)+ *$"))
            assert relay.accepted > before
            expect(other.locator("#ended")).to_be_empty()
    finally:
        process.kill()
