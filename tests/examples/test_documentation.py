"""Every example of the documentation runs as it is written, in a project that has the wheel."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, WebSocket

from tests.examples.project import EXAMPLES, Project
from tests.process import ServerProcess
from tornado_websockets.testing import Client, Server

BAR = "module_progressbar_foo_"

Connect = Callable[[str], Awaitable[Client]]


@contextlib.asynccontextmanager
async def clients_of(server: ServerProcess) -> AsyncIterator[Connect]:
    """Connect clients to paths of a server, and close them."""
    there = Server(server.port)
    clients: list[Client] = []

    async def connect(path: str) -> Client:
        clients.append(await there.connect(path))
        return clients[-1]

    try:
        yield connect
    finally:
        for client in clients:
            await client.close()


@pytest_asyncio.fixture
async def connect(served: ServerProcess) -> AsyncIterator[Connect]:
    async with clients_of(served) as connect:
        yield connect


def get(port: int, path: str) -> tuple[http.client.HTTPResponse, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response, response.read().decode()
    finally:
        connection.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


async def run_the_bar(client: Client, length: int) -> None:
    """Start the bar's work, and see it go from the start to the end and back."""
    start = {"indeterminate": False, "min": 0, "max": length, "value": 0}
    assert await receive_init(client) == start
    client.emit(f"{BAR}start")
    for value in range(length):
        label = f"[{value + 1}/{length}] Tâche {value} terminée"
        assert await client.receive() == (f"{BAR}before_update", {})
        assert await client.receive() == (f"{BAR}update", {"label": label, "value": value + 1})
        assert await client.receive() == (f"{BAR}after_update", {})
    assert await client.receive() == (f"{BAR}done", {})
    client.emit(f"{BAR}reset")
    assert await receive_init(client) == start


async def receive_init(client: Client) -> dict[str, Any]:
    assert await client.receive() == (f"{BAR}before_init", {})
    event, state = await client.receive()
    assert event == f"{BAR}init"
    assert await client.receive() == (f"{BAR}after_init", {})
    return dict(state)


def test_the_project_has_the_wheel_and_not_the_checkout(project: Project, python: Path) -> None:
    code = "import tornado_websockets; print(tornado_websockets.__file__)"
    file = Path(project.run("-c", code).strip())
    assert file.is_relative_to(python.parents[1])
    assert "site-packages" in file.parts


def test_the_port_of_the_settings_is_served(served: ServerProcess, port: int) -> None:
    assert served.port == port
    assert f"Serving on http://127.0.0.1:{port}/, with auto-reload" in served.output
    for path in ("/ws/echo", "/ws/example", "/ws/module_progressbar", "/ws/my_ws"):
        assert re.search(rf"WebSockets: .*{path}\b", served.output)


def test_a_page_of_django_links_the_client(served: ServerProcess) -> None:
    response, text = get(served.port, "/page/tws/")
    assert response.status == 200
    assert '<script src="/static/tornado_websockets/client.js"></script>' in text


def test_the_login_page_of_the_admin_is_served(served: ServerProcess) -> None:
    """Its cookie is the kind of header that may get lost between Django and Tornado."""
    response, text = get(served.port, "/admin/login/")
    assert response.status == 200
    assert str(response.headers["Set-Cookie"]).startswith("csrftoken=")
    assert 'name="csrfmiddlewaretoken"' in text


def test_collected_static_files_are_served_by_tornado(
    project: Project, served: ServerProcess
) -> None:
    collected = project.directory / "static/tornado_websockets/client.js"
    response, text = get(served.port, "/static/tornado_websockets/client.js")
    assert response.status == 200
    assert text == collected.read_text(encoding="utf-8")
    # Tornado's StaticFileHandler answers ranges; Django's development view does not.
    assert response.headers["Accept-Ranges"] == "bytes"


async def test_events_of_a_client_are_received(served: ServerProcess, connect: Connect) -> None:
    """By a function and by a method, in the order in which they were sent."""
    before = len(served.output)
    client = await connect("/my_ws")
    for data in ({}, {"message": "My message"}, {"my": "data"}):
        client.emit("my_event", data)
    client.emit("my_other_event", {"my": "data"})
    client.emit("unknown")
    await until(lambda: 'Catch "my_other_event"' in served.output)
    caught = re.findall(r'Catch "(\w+)" from (<WebSocketHandler .+>)', served.output[before:])
    assert [event for event, _ in caught] == [*["my_event"] * 3, "my_other_event"]
    assert len({socket for _, socket in caught}) == 1
    # The answer to the last is the first of all: nothing was wrong with the others.
    event, data = await client.receive()
    assert (event, data["code"]) == ("warning", "unknown_event")


async def test_the_example_of_the_class_websocket(served: ServerProcess, connect: Connect) -> None:
    client = await connect("/example")
    client.emit("hello")
    await until(lambda: "Received event « hello » from a client." in served.output)


async def test_echo_tells_of_newcomers_and_of_spam(connect: Connect) -> None:
    """To all clients, to the one who sent, and to the first: the three ways to emit."""
    first = await connect("/echo")
    assert await first.receive() == ("new_connection", {})
    second = await connect("/echo")
    assert await second.receive() == ("new_connection", {})
    assert await first.receive() == ("new_connection", {})

    second.emit("message", {"message": "hello"})
    assert await second.receive() == ("message", {"message": "hello"})

    second.emit("message", {"message": "ham and spam"})
    assert await second.receive() == ("message", {"message": "ham and spam"})
    event, data = await first.receive()
    assert event == "got_spam"
    assert data["message"] == "ham and spam"
    assert re.fullmatch("[0-9a-f]{16}", data["socket"])


async def test_the_progress_bar_as_a_tornado_coroutine(connect: Connect) -> None:
    await run_the_bar(await connect("/module_progressbar"), 100)


async def test_the_progress_bar_as_async_def_with_the_basic_configuration(
    python: Path, port: int, tmp_path: Path
) -> None:
    """With no handler in the settings Django and its static files are served all the same."""
    project = Project(tmp_path / "basic", python, port)
    project.write_settings("Basic configuration")
    bar = EXAMPLES["Progress bar with async def"].replace("max=100", "max=3")
    project.write_views(EXAMPLES["Receive an event from a client"], bar)
    project.write_pages({"new": EXAMPLES["Using WebSockets in a page"]})
    server = project.serve("0", "--noreload")
    try:
        async with clients_of(server) as connect:
            await run_the_bar(await connect("/module_progressbar"), 3)
        for path in ("/page/new/", "/static/tornado_websockets/client.js"):
            assert get(server.port, path)[0].status == 200
        assert server.stop() == 0, server.output
    finally:
        server.kill()
    assert "Traceback" not in server.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("arguments", [["0"], ["0", "--noreload"]], ids=["reload", "noreload"])
async def test_a_signal_stops_the_server_with_status_0(
    project: Project, arguments: list[str], number: int
) -> None:
    server = project.serve(*arguments)
    try:
        async with clients_of(server) as connect:
            client = await connect("/echo")
            assert await client.receive() == ("new_connection", {})
            stopped = asyncio.create_task(asyncio.to_thread(server.stop, number))
            assert await client.closed() == 1001
            assert await stopped == 0, server.output
    finally:
        server.kill()
    assert "Traceback" not in server.output


@pytest.mark.browser
@pytest.mark.parametrize("way", ["new-TornadoWebSocket", "TornadoWebSocket", "tws"])
async def test_the_script_in_a_browser(served: ServerProcess, page: Page, way: str) -> None:
    """It sends what the documentation says, and logs what the server sends."""
    before = served.output.count('Catch "my_event"')
    sockets: list[str] = []
    sent: list[Any] = []
    logged: list[Any] = []

    def watch(socket: WebSocket) -> None:
        sockets.append(socket.url)
        socket.on("framesent", lambda frame: sent.append(json.loads(frame)))

    page.on("websocket", watch)
    page.on("console", lambda message: logged.append(message.args[0].json_value()))
    await page.goto(f"http://127.0.0.1:{served.port}/page/{way}/")
    await until(lambda: len(sent) == 3)
    assert sockets == [f"ws://127.0.0.1:{served.port}/ws/my_ws"]
    assert sent == [
        {"event": "my_event", "data": {}},
        {"event": "my_event", "data": {"message": "My message"}},
        {"event": "my_event", "data": {"my": "data"}},
    ]
    await until(lambda: served.output.count('Catch "my_event"') == before + 3)
    assert get(served.port, "/answer/")[1] == "sent"
    await until(lambda: len(logged) == 1)
    assert await logged[0] == {"answer": 42}
