"""Several processes that serve one project: how they come, go, and take each other's place."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.process import ServerProcess, accepts, is_there
from tests.rawclient import TLS
from tests.site import ROOT, Start, configure, make_site, starting

TIMEOUT_S = 60

FILES = {
    "project/layer.py": """
from tornado_websockets.layers import LocalLayer

class Apart(LocalLayer):
    '''Connects nothing, which is enough to see who serves.'''
    is_shared = True
""",
    "project/urls.py": """
import os, time
from django.http import HttpResponse
from django.urls import path

def slow(request):
    print("slow view begins", flush=True)
    time.sleep(float(request.GET["s"]))
    return HttpResponse("slow view ends")

urlpatterns = [
    path("", lambda request: HttpResponse(f"old code, {os.getpid()}")),
    path("slow", slow),
]
""",
    "shop/websockets.py": """
import os
from tornado_websockets.websocket import WebSocket
who = WebSocket("/who")

@who.on
async def open(socket):
    socket.emit("you_are_at", {"pid": os.getpid()})
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = make_site(tmp_path / "site", FILES)
    settle(project)
    return project


def settle(project: Path, more: str = "", *, debug: bool = False) -> None:
    layer = "TORNADO = {'layer': 'project.layer.Apart', 'shutdown_timeout': 20}\n"
    configure(project, layer + more, debug=debug)


@pytest.fixture
def start(project: Path) -> Iterator[Start]:
    with starting(project) as start:
        yield start


def serve(start: Start, *arguments: str, workers: int = 2) -> ServerProcess:
    return start("0", "--skip-checks", "--workers", str(workers), *arguments)


def get(port: int, path: str = "/") -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == 200
        return response.read().decode()
    finally:
        connection.close()


def pids(port: int, wanted: int = 2) -> set[int]:
    """Return the processes that answer, as soon as there are so many."""
    found: set[int] = set()
    deadline = time.monotonic() + TIMEOUT_S
    while len(found) < wanted and time.monotonic() < deadline:
        found.add(int(get(port).split()[-1]))
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


class Visitor:
    """A client that comes back when it is told to, as the JavaScript client does."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.pids: list[int] = []
        self.closes: list[tuple[int | None, str | None]] = []
        self.client: WebSocketClientConnection | None = None

    async def connect(self) -> None:
        self.client = await websocket_connect(f"ws://127.0.0.1:{self._port}/ws/who")
        message = json.loads(str(await self.read()))
        self.pids.append(message["data"]["pid"])

    async def read(self) -> str | bytes | None:
        assert self.client is not None
        async with asyncio.timeout(TIMEOUT_S):
            return await self.client.read_message()

    async def wait_for_close(self) -> int | None:
        """Wait until it is sent away, and return the close code."""
        assert await self.read() is None
        assert self.client is not None
        self.closes.append((self.client.close_code, self.client.close_reason))
        self.client.close()
        return self.client.close_code

    async def come_back(self) -> None:
        """Come back when the reason of the close says."""
        match = re.search(r"retry in (\d+) ms", self.closes[-1][1] or "")
        assert match is not None
        await asyncio.sleep(int(match[1]) / 1000)
        await self.connect()

    async def leave(self) -> None:
        assert self.client is not None
        self.client.close()
        assert await self.read() is None


async def visitors(port: int, count: int) -> list[Visitor]:
    crowd = [Visitor(port) for _ in range(count)]
    await asyncio.gather(*(visitor.connect() for visitor in crowd))
    return crowd


class Requests:
    """Asks again and again in a thread, each time on a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.answers: collections.Counter[str] = collections.Counter()
        self.failures: list[Exception] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.is_set():
            try:
                self.answers[get(self._port).split(",")[0]] += 1
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.failures.append(error)
            self._over.wait(0.002)


def test_clients_are_spread_over_the_workers(start: Start) -> None:
    server = serve(start, workers=3)
    port = server.port
    assert re.search(r"Serving on http://\S+/, with 3 workers, without auto-reload", server.output)

    async def visit() -> collections.Counter[int]:
        crowd = await visitors(port, 300)
        for visitor in crowd:
            await visitor.leave()
        return collections.Counter(visitor.pids[0] for visitor in crowd)

    spread = asyncio.run(visit())
    assert len(spread) == 3
    assert server.process.pid not in spread
    assert min(spread.values()) >= 30
    assert pids(port, 3) == set(spread)
    assert server.stop() == 0


def test_a_worker_that_is_killed_is_replaced_and_nobody_is_refused(start: Start) -> None:
    server = serve(start)
    port = server.port
    before = pids(port)
    killed = min(before)
    with Requests(port) as requests:
        os.kill(killed, signal.SIGKILL)
        server.wait_for(rf"worker \d \(process {killed}\) ended with signal SIGKILL, another one")
        wait_until(lambda: len(pids(port) - {killed}) == 2)
    # One that the killed process had accepted may be cut, and none was refused or reset in a queue.
    assert len(requests.failures) <= 1
    assert not any(isinstance(each, ConnectionRefusedError) for each in requests.failures)
    assert sum(requests.answers.values()) > 50
    assert server.stop() == 0


def test_hangup_brings_new_code_and_neither_a_request_nor_a_client_is_lost(
    project: Path, start: Start
) -> None:
    server = serve(start)
    port = server.port
    before = pids(port)
    urls = project / "project/urls.py"

    async def visit() -> list[Visitor]:
        crowd = await visitors(port, 200)
        assert {visitor.pids[0] for visitor in crowd} == before
        urls.write_text(urls.read_text().replace("old code", "new code"))
        server.process.send_signal(signal.SIGHUP)
        codes = await asyncio.gather(*(visitor.wait_for_close() for visitor in crowd))
        assert set(codes) == {1001}
        await asyncio.gather(*(visitor.come_back() for visitor in crowd))
        for visitor in crowd:
            await visitor.leave()
        return crowd

    with Requests(port) as requests, Requests(port) as others:
        crowd = asyncio.run(visit())
    assert requests.failures == others.failures == []
    assert requests.answers["old code"] > 0
    assert requests.answers["new code"] > 0
    assert get(port).startswith("new code")
    after = {visitor.pids[1] for visitor in crowd}
    assert after == pids(port)
    assert not after & before
    wait_until(lambda: not any(map(is_there, before)))
    assert server.stop() == 0
    assert "Traceback" not in server.output


def test_a_reload_of_code_with_a_mistake_changes_nothing(project: Path, start: Start) -> None:
    server = start("0", "--workers", "2")
    port = server.port
    before = pids(port)
    settle(project, "TORNADO['port'] = '80a'")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("no worker is replaced, the old ones go on: .* exit status 1")
    assert "tornado_websockets.E002" in server.output  # the new worker has run the checks
    assert pids(port) == before
    settle(project)
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: not pids(port) & before)
    assert server.stop() == 0


def test_code_that_cannot_be_loaded_is_told_once_and_is_status_1(
    project: Path, start: Start
) -> None:
    (project / "shop/websockets.py").write_text("raise LookupError('a mistake')")
    server = serve(start, workers=3)
    assert server.wait() == 1
    assert server.output.count("LookupError: a mistake") == 1
    assert re.search(
        r"CommandError: worker 1 \(process \d+\) ended with exit status 1 before it served",
        server.output,
    )


def end_all(number: int, server: ServerProcess) -> None:
    """What a terminal, and some service managers, do: all processes get the signal."""
    os.killpg(server.process.pid, number)


def end_parent(number: int, server: ServerProcess) -> None:
    server.process.send_signal(number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("end", [end_all, end_parent])
def test_a_signal_says_goodbye_to_every_client_and_lets_requests_finish(
    end: Callable[[int, ServerProcess], None], number: int, start: Start
) -> None:
    server = serve(start)
    port = server.port
    workers = pids(port)
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(get(port, "/slow?s=1"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    server.wait_for(r"(slow view begins(?s:.*)){4}")

    async def visit() -> set[int | None]:
        crowd = await visitors(port, 20)
        end(number, server)
        return set(await asyncio.gather(*(visitor.wait_for_close() for visitor in crowd)))

    assert asyncio.run(visit()) == {1001}
    assert server.process.wait(TIMEOUT_S) == 0
    for thread in threads:
        thread.join()
    assert answers == ["slow view ends"] * 4
    assert not any(map(is_there, workers))
    assert not accepts(port)
    assert "Traceback" not in server.output


def test_a_second_signal_does_not_wait(start: Start) -> None:
    server = serve(start)
    port = server.port
    workers = pids(port)

    def ask() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            get(port, "/slow?s=60")

    thread = threading.Thread(target=ask)
    thread.start()
    server.wait_for("slow view begins")

    async def end_twice() -> None:
        [visitor] = await visitors(port, 1)
        server.process.send_signal(signal.SIGTERM)
        await visitor.wait_for_close()

    asyncio.run(end_twice())
    begun = time.monotonic()
    assert server.stop() == 143
    assert time.monotonic() - begun < 5
    thread.join()
    assert not any(map(is_there, workers))


def test_workers_do_not_outlive_their_parent(start: Start) -> None:
    server = serve(start)
    port = server.port
    workers = pids(port)

    async def visit() -> set[int | None]:
        crowd = await visitors(port, 10)
        server.process.kill()
        return set(await asyncio.gather(*(visitor.wait_for_close() for visitor in crowd)))

    assert asyncio.run(visit()) == {1001}
    server.process.wait()
    wait_until(lambda: not any(map(is_there, workers)))


AT_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def test_a_terminal_that_is_closed_ends_what_was_started_there(
    project: Path, tmp_path: Path
) -> None:
    answers: list[str] = []
    master, terminal = os.openpty()
    log = tmp_path / "log"
    command = ["runtornado", "0", "--workers", "2", "--skip-checks"]
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-c", AT_A_TERMINAL, "manage.py", *command],
            cwd=project,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdin=terminal,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    os.close(terminal)
    try:
        wait_until(lambda: "Quit with" in log.read_text())
        port = int(re.findall(r"Serving on \S+:(\d+)/", log.read_text())[0])
        before = pids(port)
        server.send_signal(signal.SIGHUP)  # of a person, while the terminal is there
        wait_until(lambda: not pids(port) & before)
        thread = threading.Thread(target=lambda: answers.append(get(port, "/slow?s=1")))
        thread.start()
        wait_until(lambda: "slow view begins" in log.read_text())
        os.close(master)
        wait_until(lambda: not accepts(port))
        server.send_signal(signal.SIGHUP)  # of its shell, beside that of the kernel
        assert server.wait(TIMEOUT_S) == 0
        thread.join()
        assert answers == ["slow view ends"]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def test_the_process_id_file_is_the_parents_and_the_unix_socket_is_everybodys(
    start: Start, tmp_path: Path
) -> None:
    uds, pidfile = tmp_path / "server.sock", tmp_path / "pid"
    server = start("--skip-checks", "--workers", "2", "--uds", str(uds), "--pidfile", str(pidfile))
    server.wait_for("Quit with")
    assert pidfile.read_text() == f"{server.process.pid}\n"
    found: set[bytes] = set()
    deadline = time.monotonic() + TIMEOUT_S
    while len(found) < 2 and time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT_S)
            client.connect(str(uds))
            client.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
            with client.makefile("rb") as answer:
                found.add(answer.read().split()[-1])
    assert len(found) == 2
    before = uds.stat()
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: not any(is_there(int(pid)) for pid in found))
    assert os.path.samestat(uds.stat(), before)
    assert server.stop() == 0
    assert not uds.exists()
    assert not pidfile.exists()


def test_the_service_manager_hears_of_the_parent_alone(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(TIMEOUT_S)
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        server = serve(start)
        assert manager.recv(100) == b"READY=1"
        assert len(pids(server.port)) == 2
        server.process.send_signal(signal.SIGHUP)
        assert manager.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
        assert manager.recv(100) == b"READY=1"
        assert server.stop() == 0
        assert manager.recv(100) == b"STOPPING=1"
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(100)


def test_they_serve_tls(project: Path, start: Start) -> None:
    files = f"TORNADO |= {{'certfile': {str(TLS / 'cert.pem')!r}"
    settle(project, files + f", 'keyfile': {str(TLS / 'key.pem')!r}}}")
    server = serve(start)
    assert f"Serving on https://127.0.0.1:{server.port}/, with 2 workers" in server.output
    assert server.stop() == 0


def test_log_records_name_their_worker(project: Path, start: Start) -> None:
    logging = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"f": {"format": "%(processName)s %(process)d: %(message)s"}},
        "handlers": {"h": {"class": "logging.StreamHandler", "formatter": "f"}},
        "loggers": {"django.server": {"handlers": ["h"], "level": "INFO", "propagate": False}},
    }
    settle(project, f"LOGGING = {logging!r}")
    server = serve(start)
    for pid in pids(server.port):
        server.wait_for(rf'worker-[12] {pid}: "GET / HTTP/1\.1" 200')
    assert server.stop() == 0


def test_the_settings_say_how_many_and_debug_brings_no_reloader(
    project: Path, start: Start
) -> None:
    settle(project, "TORNADO['workers'] = 2", debug=True)
    server = start("0", "--skip-checks")
    assert len(pids(server.port)) == 2
    assert "with 2 workers, without auto-reload" in server.output
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("tornado", "arguments", "line"),
    [
        ("", ["--reload"], "--workers 2 does not go with the auto-reloader"),
        ("del TORNADO['layer']", [], "TORNADO['workers'] is 2, and no layer connects"),
    ],
)
def test_what_does_not_go_with_workers_is_one_line_and_status_1(
    tornado: str, arguments: list[str], line: str, project: Path, start: Start
) -> None:
    settle(project, tornado)
    server = serve(start, *arguments)
    assert server.wait() == 1
    assert server.output.startswith(f"CommandError: {line}")
    assert len(server.output.splitlines()) == 1
