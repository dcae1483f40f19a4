"""A server without file descriptors goes on for those who are in, and recovers by itself."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import re
import socket
import ssl
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.web import Application, RequestHandler

from tests.process import ServerProcess
from tests.rawclient import TLS, RawClient, connect, text
from tests.site import configure, make_site, serve_site
from tornado_websockets.limits.loggate import LogGate
from tornado_websockets.server import acceptor as acceptor_module
from tornado_websockets.server.acceptor import BATCH, Acceptor

resource = pytest.importorskip("resource")

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit and /proc")

ECHO = '{"event":"message","data":{"n":1}}'


class Hello(RequestHandler):
    def get(self) -> None:
        self.write("hello")


@contextlib.asynccontextmanager
async def accepting(
    server: HTTPServer, sock: socket.socket | None = None
) -> AsyncIterator[tuple[Acceptor, int]]:
    if sock is None:
        sock = socket.create_server(("127.0.0.1", 0), backlog=200)
    sock.setblocking(False)
    acceptor = Acceptor(server, [sock])
    acceptor.start()
    try:
        yield acceptor, sock.getsockname()[1]
    finally:
        acceptor.stop()
        await server.close_all_connections()


async def test_more_than_a_batch_is_served() -> None:
    async with accepting(HTTPServer(Application([("/", Hello)]))) as (_acceptor, port):
        clients = [AsyncHTTPClient(force_instance=True) for _ in range(BATCH * 2 + 1)]
        got = await asyncio.gather(*(each.fetch(f"http://127.0.0.1:{port}") for each in clients))
        assert [response.body for response in got] == [b"hello"] * len(clients)
        for client in clients:
            client.close()


async def test_a_stopped_acceptor_refuses_connections() -> None:
    async with accepting(HTTPServer(Application())) as (acceptor, port):
        acceptor.stop()
        acceptor.stop()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_who_waits_in_the_queue_is_served_when_it_stops() -> None:
    crowd = BATCH * 2 + 1
    async with accepting(HTTPServer(Application([("/", Hello)]))) as (acceptor, port):
        # Nothing is awaited meanwhile, so that the event loop has not accepted any of them.
        waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(crowd)]
        for sock in waiting:
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        acceptor.stop()
        streams = [await asyncio.open_connection(sock=sock) for sock in waiting]
        answers = [await reader.read() for reader, _writer in streams]
        assert all(answer.endswith(b"hello") for answer in answers)
        for _reader, writer in streams:
            writer.close()


async def test_who_waits_is_left_to_the_others_that_have_the_socket() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    other = listening.dup()
    with other:
        async with accepting(HTTPServer(Application()), listening) as (acceptor, port):
            with socket.create_connection(("127.0.0.1", port)) as waiting:
                acceptor.stop(drain=False)
                other.settimeout(20)  # it does not block, and who has connected may not be in yet
                accepted, address = other.accept()
                accepted.close()
                assert address == waiting.getsockname()


async def test_who_goes_away_in_the_queue_disturbs_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with accepting(HTTPServer(Application([("/", Hello)]))) as (_acceptor, port):
        for _ in range(50):
            sock = socket.create_connection(("127.0.0.1", port))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()  # with a reset
        client = AsyncHTTPClient(force_instance=True)
        assert (await client.fetch(f"http://127.0.0.1:{port}")).body == b"hello"
        client.close()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_connection_that_cannot_be_served_is_closed_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Failing(HTTPServer):
        def handle_stream(self, stream: IOStream, address: Any) -> None:
            raise LookupError("no such thing")

    async with accepting(Failing(Application())) as (_acceptor, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()
    assert [r.getMessage() for r in caplog.records] == ["a connection could not be served"]


class Exhausted(socket.socket):
    """A socket that for a while finds no descriptor for a connection."""

    attempts = 0

    def accept(self) -> Any:
        self.attempts += 1
        if self.attempts <= 3:
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


async def test_it_tries_again_after_a_while_and_not_at_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptor_module, "PAUSE_S", 0.1)
    # All of it in one second, however long the machine takes.
    monkeypatch.setattr(acceptor_module, "LogGate", lambda _clock: LogGate(lambda: 0.0))
    sock = Exhausted()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    started = time.monotonic()
    async with accepting(HTTPServer(Application([("/", Hello)])), sock) as (_acceptor, port):
        client = AsyncHTTPClient(force_instance=True)
        assert (await client.fetch(f"http://127.0.0.1:{port}")).body == b"hello"
        client.close()
    assert time.monotonic() - started >= 0.3
    assert sock.attempts < 10
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith("no connection can be accepted now: ")


async def test_it_may_be_stopped_while_it_waits() -> None:
    sock = Exhausted()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    async with accepting(HTTPServer(Application()), sock) as (acceptor, port):
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(20):
            while not sock.attempts:
                await asyncio.sleep(0.01)
        acceptor.stop()
        assert sock.fileno() == -1
        writer.close()


async def test_a_connection_that_is_gone_before_tls_begins_is_closed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")

    def gone(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")  # what getpeername() says on macOS

    monkeypatch.setattr(acceptor_module, "ssl_wrap_socket", gone)
    server = HTTPServer(Application(), ssl_options=context)
    async with accepting(server) as (_acceptor, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()
    assert not caplog.records


@pytest.fixture
def site(tmp_path: Path) -> Iterator[ServerProcess]:
    directory = make_site(tmp_path / "site")
    configure(directory, 'TORNADO = {"limits": {"connections": None}}')
    server = serve_site(directory, "0", "--noreload")
    yield server
    server.kill()


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def echo(client: RawClient) -> float:
    """Send a message, and return the seconds until its answer."""
    started = time.monotonic()
    client.send(text(ECHO))
    assert (await client.receive()).payload == ECHO.encode()
    return time.monotonic() - started


@needs_linux
async def test_without_descriptors_accepting_pauses_and_comes_back(site: ServerProcess) -> None:
    """As when a neighbour, or a crowd of HTTP clients, takes what there is."""
    pid, port = site.process.pid, site.port
    async with connect(port, "/in_views", tls=False) as client:
        await echo(client)
        limit = descriptors(pid) + 20
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, limit))
        crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(60)]
        site.wait_for("no connection can be accepted now")
        started, spent, lines = time.monotonic(), cpu_s(pid), site.output.count("\n")
        answers = []
        while time.monotonic() - started < 3:
            answers.append(await echo(client))
            await asyncio.sleep(0.02)
        spent, lines = cpu_s(pid) - spent, site.output.count("\n") - lines
        elapsed = time.monotonic() - started
        # Not the slowest: the machine may stand still once. A pause that blocks is in all of them.
        assert statistics.median(answers) < 0.25
        assert spent / elapsed < 0.2
        assert lines <= elapsed + 1
        for _reader, writer in crowd:
            writer.transport.abort()
        released = time.monotonic()
        async with connect(port, "/in_views", tls=False) as another:
            await echo(another)
        assert time.monotonic() - released < 5  # a pause, and what the machine may stand still
        await echo(client)
    assert re.search(r"Too many open files; seen \d+ times", site.output)


@needs_linux
async def test_below_that_there_is_an_answer(tmp_path: Path) -> None:
    """By default WebSockets leave descriptors to everything else."""
    directory = make_site(tmp_path / "site")
    server = serve_site(directory, "0", "--noreload")
    try:
        port = server.port
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (128, 128))
        async with contextlib.AsyncExitStack() as stack:
            heads = []
            for _ in range(65):
                client = await stack.enter_async_context(connect(port, "/in_views", tls=False))
                heads.append(client.head)
            assert {head.split()[1] for head in heads[:64]} == {"101"}
            assert heads[64].startswith("HTTP/1.1 503 ")
            assert "Retry-After: " in heads[64]
            got = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/")
            assert got.body == b"hello from Django"
        assert server.stop() == 0
    finally:
        server.kill()
