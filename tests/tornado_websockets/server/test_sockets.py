"""Unix sockets and their files; `test_addresses` opens the others."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from tornado_websockets.server.sockets import open_unix


def connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
        return True


@pytest.mark.parametrize("mode", [0o660, 0o600, 0o666])
def test_the_file_has_the_permissions_that_were_asked_for(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "s"
    before = os.umask(0o077)
    try:
        with open_unix(path, mode=mode):
            assert stat.S_IMODE(path.stat().st_mode) == mode
            assert connects(path)
    finally:
        os.umask(before)


def test_the_file_goes_with_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    sock = open_unix(path)
    sock.close()
    assert not path.exists()
    sock.close()  # again


def test_the_socket_of_a_server_that_has_gone_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))
        dead.listen()
    assert path.is_socket()
    with open_unix(path):
        assert connects(path)


def test_the_socket_of_a_server_that_runs_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with open_unix(path), pytest.raises(OSError, match="a server listens on"):
        open_unix(path)
    assert not path.exists()


def test_a_server_whose_queue_is_full_runs(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as busy:
        busy.bind(str(path))
        busy.listen(0)
        waiting = []
        try:
            for _ in range(5):
                client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                client.setblocking(False)
                waiting.append(client)
                client.connect_ex(str(path))
            with pytest.raises(OSError, match="a server listens on"):
                open_unix(path)
        finally:
            for client in waiting:
                client.close()
    assert path.is_socket()


def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="is no socket"):
        open_unix(path)
    assert path.read_text() == "mine"


def test_a_successor_keeps_the_file_that_it_has_put_there(tmp_path: Path) -> None:
    path = tmp_path / "s"
    first = open_unix(path)
    path.unlink()
    with open_unix(path):
        first.close()
        assert connects(path)


def test_a_file_that_somebody_has_removed_is_no_error(tmp_path: Path) -> None:
    sock = open_unix(tmp_path / "s")
    (tmp_path / "s").unlink()
    sock.close()
