"""Where a server listens, as a process: several addresses, a Unix socket, a shared port."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.site import Start, make_site, starting


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with starting(make_site(tmp_path / "site"), "--skip-checks") as start:
        yield start


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(str(self.path))


def get(connection: http.client.HTTPConnection) -> str:
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_several_addresses_are_served(start: Start) -> None:
    server = start("127.0.0.1:0", "[::1]:0")
    match = server.wait_for(
        r"Serving on http://127.0.0.1:(\d+)/ and http://\[::1\]:(\d+)/, without auto-reload\n"
    )
    assert get(http.client.HTTPConnection("127.0.0.1", int(match[1]))) == "hello from Django"
    assert get(http.client.HTTPConnection("::1", int(match[2]))) == "hello from Django"
    assert server.stop() == 0


def test_a_unix_socket_is_served_and_removed(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "server.sock"
    server = start("--uds", str(path), "--uds-perms", "600")
    server.wait_for(f"Serving on unix:{re.escape(str(path))}, without auto-reload")
    server.wait_for("Quit with")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert get(UnixConnection(path)) == "hello from Django"
    assert server.stop() == 0
    assert not path.exists()


def test_the_unix_socket_of_a_server_that_was_killed_is_replaced(
    start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "server.sock"
    first = start("--uds", str(path))
    first.wait_for("Quit with")
    second = start("--uds", str(path))
    assert second.wait() == 1
    assert "a server listens on" in second.output
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    assert path.is_socket()
    third = start("--uds", str(path))
    third.wait_for("Quit with")
    assert get(UnixConnection(path)) == "hello from Django"
    assert third.stop() == 0


def test_two_servers_share_a_port(start: Start) -> None:
    first = start("0", "--reuse-port")
    port = first.port
    # Who has answered listens to signals as well, which begins a moment behind the banner.
    assert get(http.client.HTTPConnection("127.0.0.1", port)) == "hello from Django"
    second = start(str(port), "--reuse-port")
    assert second.port == port
    assert first.stop() == 0
    assert get(http.client.HTTPConnection("127.0.0.1", port)) == "hello from Django"
    assert second.stop() == 0


def test_one_server_holds_a_process_id_file(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "pid"
    first = start("0", "--pidfile", str(path))
    first.wait_for("Quit with")
    assert path.read_text() == f"{first.process.pid}\n"
    # Who has answered listens to signals as well, which begins a moment behind the banner.
    assert get(http.client.HTTPConnection("127.0.0.1", first.port)) == "hello from Django"
    second = start("0", "--pidfile", str(path))
    assert second.wait() == 1
    assert second.output == (
        f"CommandError: cannot hold the pidfile {path}: the server with the process id"
        f" {first.process.pid} runs\n"
    )
    assert first.stop() == 0
    assert not path.exists()


def test_a_process_id_file_that_cannot_be_written_is_one_line(start: Start, tmp_path: Path) -> None:
    server = start("0", "--pidfile", str(tmp_path / "none" / "pid"))
    assert server.wait() == 1
    assert server.output.endswith("none/pid: No such file or directory\n")
