"""The end of a server as a process: signals, status, time, and what survives."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.site import Start, configure, hide, make_site, starting

FILES = {
    "project/urls.py": """
import pathlib, time
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

def held(request):
    print("held view begins", flush=True)
    while not pathlib.Path("release").exists():
        time.sleep(0.01)
    return HttpResponse("held view ends")

def slow(request):
    print("slow view begins", flush=True)
    time.sleep(float(request.GET["s"]))
    return HttpResponse("slow view ends")

def stream(request):
    def lines():
        print("stream begins", flush=True)
        while True:
            yield b"line\\n"
            time.sleep(0.01)
    return StreamingHttpResponse(lines())

urlpatterns = [
    path("", lambda request: HttpResponse("hello")),
    path("held", held),
    path("slow", slow),
    path("stream", stream),
]
""",
    "shop/websockets.py": """
import asyncio, sys, time
from tornado_websockets.websocket import WebSocket
ws = WebSocket("/mishaps")

@ws.on
def say(socket, data):
    socket.emit("say", data)

@ws.on
async def exit(socket, data):
    if data.later:
        await asyncio.sleep(0)
    if data.interrupt:
        raise KeyboardInterrupt
    sys.exit(7)

@ws.on
async def exit_from_the_loop():
    asyncio.get_running_loop().call_soon(sys.exit, 7)

@ws.on
async def block():
    print("blocked", flush=True)
    while True:
        pass
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site", FILES)


@pytest.fixture
def start(project: Path) -> Iterator[Start]:
    with starting(project, "0", "--skip-checks") as start:
        yield start


def get(port: int, path: str, results: list[str]) -> threading.Thread:
    """Ask in a thread, and note the answer, or what came instead."""

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", path)
            results.append(connection.getresponse().read().decode())
        except (OSError, http.client.HTTPException) as error:
            results.append(type(error).__name__)
        finally:
            connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


async def connect(port: int) -> WebSocketClientConnection:
    return await websocket_connect(f"ws://127.0.0.1:{port}/ws/mishaps")


async def close(client: WebSocketClientConnection) -> None:
    client.close()
    async with asyncio.timeout(30):
        assert await client.read_message() is None


def send(port: int, *frames: str) -> list[str | bytes | None]:
    """Send events on a connection of their own, and return an answer to each."""

    async def talk() -> list[str | bytes | None]:
        client = await connect(port)
        answers = []
        for frame in frames:
            await client.write_message(frame)
            async with asyncio.timeout(30):
                answers.append(await client.read_message())
        await close(client)
        return answers

    return asyncio.run(talk())


SAY = '{"event":"say","data":{"n":1}}'


def test_slow_requests_finish_before_the_end(start: Start) -> None:
    server = start()
    port, answers = server.port, list[str]()
    threads = [get(port, "/slow?s=1", answers) for _ in range(3)]
    server.wait_for(r"(slow view begins(?s:.*)){3}")
    begun = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begun < 10
    for thread in threads:
        thread.join()
    assert answers == ["slow view ends"] * 3


def test_a_stream_without_end_is_cut_and_the_status_is_0(project: Path, start: Start) -> None:
    configure(project, "TORNADO = {'shutdown_timeout': 6}")
    server = start()
    answers: list[str] = []
    thread = get(server.port, "/stream", answers)
    server.wait_for("stream begins")
    begun = time.monotonic()
    assert server.stop() == 0
    # It is cut after four fifths of the time; a little later the process would end with status 1.
    assert 4 < time.monotonic() - begun < 20
    thread.join()
    assert answers == ["IncompleteRead"]
    assert "1 HTTP requests took too long and are cut" in server.output


def test_a_view_that_goes_on_is_left_behind_and_the_status_is_1(
    project: Path, start: Start
) -> None:
    # So long that a machine which stalls for a second lets the server say so before it ends.
    configure(project, "TORNADO = {'shutdown_timeout': 6}")
    server = start()
    answers: list[str] = []
    thread = get(server.port, "/slow?s=60", answers)
    server.wait_for("slow view begins")
    begun = time.monotonic()
    assert server.stop() == 1
    assert time.monotonic() - begun < 20  # the view would take another minute
    thread.join()
    assert "1 requests go on although the server stops" in server.output
    assert "in slow" in server.output  # where it was


def test_an_event_loop_that_is_blocked_does_not_keep_the_process(
    project: Path, start: Start
) -> None:
    configure(project, "TORNADO = {'shutdown_timeout': 0.5}")
    server = start()

    async def block() -> None:
        client = await connect(server.port)
        await client.write_message('{"event":"block"}')
        await asyncio.to_thread(server.wait_for, "blocked")
        assert await asyncio.to_thread(server.stop) == 1
        assert await client.read_message() is None
        client.close()

    asyncio.run(block())
    assert "in block" in server.output


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("reload", ["--reload", "--noreload"])
def test_a_second_signal_does_not_wait(number: int, status: int, reload: str, start: Start) -> None:
    server = start(reload)
    answers: list[str] = []
    thread = get(server.port, "/slow?s=60", answers)
    server.wait_for("slow view begins")

    async def stop_twice() -> None:
        client = await connect(server.port)
        server.process.send_signal(signal.SIGTERM)
        assert await client.read_message() is None  # it has heard the first one
        client.close()

    asyncio.run(stop_twice())
    begun = time.monotonic()
    # That it did not wait is in the status: 0 or 1 would be the end of the first signal's work.
    assert server.stop(number) == status
    assert time.monotonic() - begun < 10
    thread.join()


def test_a_signal_that_comes_while_it_starts_ends_it(project: Path, start: Start) -> None:
    (project / "shop/views.py").write_text(
        "import time; print('imported', flush=True); time.sleep(60)"
    )
    server = start("--noreload")
    server.wait_for("imported")
    assert server.stop() == 143


def test_the_reloader_restarts_although_a_view_goes_on(project: Path, start: Start) -> None:
    configure(project, debug=True)
    server = start("--reload")
    port, answers = server.port, list[str]()
    thread = get(port, "/slow?s=60", answers)
    server.wait_for("slow view begins")
    for second in range(30):  # the reloader may not have seen the file as it was before
        os.utime(project / "shop/websockets.py", (second, second))
        with contextlib.suppress(AssertionError):
            server.wait_for("changed, reloading", timeout_s=2)
            break
    server.wait_for(r"Quit with (?s:.*)Quit with ", timeout_s=30)
    thread.join()
    assert server.stop() == 0


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_what_exits_in_a_callback_ends_neither_the_server_nor_another_connection(
    loop: str, project: Path, start: Start
) -> None:
    if loop == "asyncio":
        hide(project, "uvloop")
    server = start()

    async def mishaps() -> None:
        witness = await connect(server.port)
        for data in ("{}", '{"later":1}', '{"interrupt":1}', '{"later":1,"interrupt":1}'):
            client = await connect(server.port)
            await client.write_message(f'{{"event":"exit","data":{data}}}')
            async with asyncio.timeout(30):
                answer = await client.read_message()
                assert "handler_error" in str(answer)
                await client.write_message(SAY)
                assert await client.read_message() == SAY
            await close(client)
        await witness.write_message('{"event":"exit_from_the_loop"}')
        await witness.write_message(SAY)
        async with asyncio.timeout(30):
            assert await witness.read_message() == SAY
        await close(witness)

    asyncio.run(mishaps())
    answers: list[str] = []
    get(server.port, "/", answers).join()
    assert answers == ["hello"]
    assert server.stop() == 0
    assert "the server goes on" in server.output


def test_health_is_told_while_every_thread_is_busy(project: Path, start: Start) -> None:
    configure(project, "TORNADO = {'threads': 2}")
    server = start()
    port, answers = server.port, list[str]()
    threads = [get(port, "/held", answers) for _ in range(4)]
    server.wait_for(r"(held view begins(?s:.*)){2}")
    health: list[str] = []
    get(port, "/health/live", health).join()
    get(port, "/health/ready", health).join()
    assert health == ["live\n", "ready\n"]
    assert answers == []
    (project / "release").touch()
    for thread in threads:  # two of them may not have asked yet
        thread.join()
    assert answers == ["held view ends"] * 4
    assert server.stop() == 0


def test_the_service_manager_hears_of_the_start_and_of_the_end(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(60)
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        server = start()
        assert manager.recv(100) == b"READY=1"
        assert send(server.port, SAY) == [SAY]
        assert server.stop() == 0
        assert manager.recv(100) == b"STOPPING=1"
