"""Where the server listens, as people write it; `runtornado`'s tests listen there."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from tornado_websockets.server import addresses
from tornado_websockets.server.addresses import listen, parse_addrport, parse_mode
from tornado_websockets.tornadowrapper import TornadoWrapper


def open_sockets(*addrports: str, **options: Any) -> list[str]:
    defaults: dict[str, Any] = {
        "default_port": 0,
        "uds": None,
        "uds_mode": 0o600,
        "reuse_port": False,
        "scheme": "http",
    }
    return listen(addrports, **{**defaults, **options})


@pytest.mark.parametrize(
    ("addrport", "address", "port"),
    [
        ("8000", "127.0.0.1", 8000),
        ("0.0.0.0:8000", "0.0.0.0", 8000),
        ("0:8000", "0.0.0.0", 8000),
        ("[::1]:8000", "::1", 8000),
        ("localhost:8000", "localhost", 8000),
        ("0", "127.0.0.1", 0),
    ],
)
def test_the_address_and_the_port_of_the_argument(addrport: str, address: str, port: int) -> None:
    assert parse_addrport(addrport) == (address, port)


@pytest.mark.parametrize(
    "addrport", ["80a", "65536", "-1", "a:b:80", "::1:80", "localhost:", ":80", "[::1]", "٣"]
)
def test_an_argument_of_another_form_is_an_error(addrport: str) -> None:
    with pytest.raises(CommandError, match="expected a port between 0 and 65535, or address:port"):
        parse_addrport(addrport)


@pytest.mark.parametrize(("mode", "bits"), [("660", 0o660), ("0600", 0o600), ("777", 0o777)])
def test_permissions_are_octal_digits(mode: str, bits: int) -> None:
    assert parse_mode(mode) == bits


@pytest.mark.parametrize("mode", ["", "66", "0o660", "888", "rw-", "06600", "1777", "٦٦٠"])
def test_other_permissions_are_an_error(mode: str) -> None:
    with pytest.raises(CommandError, match="expected permissions in octal digits, like 660"):
        parse_mode(mode)


def test_several_addresses_and_a_unix_socket_are_opened(tmp_path: Path) -> None:
    path = tmp_path / "server.sock"
    try:
        names = open_sockets("0", "localhost:0", uds=str(path))
        assert [name.rpartition(":")[0] for name in names] == [
            "http://127.0.0.1",
            "http://localhost",
            "unix",
        ]
        assert names[-1] == f"unix:{path}"
        assert path.is_socket()
    finally:
        TornadoWrapper.unlisten()
    assert not path.exists()


def test_a_unix_socket_alone_opens_no_port(tmp_path: Path) -> None:
    try:
        assert open_sockets(uds=str(tmp_path / "s")) == [f"unix:{tmp_path / 's'}"]
    finally:
        TornadoWrapper.unlisten()


def test_one_that_cannot_be_opened_closes_the_others(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"cannot listen on 127.0.0.1:{port}: the port is"):
            open_sockets("0", str(port))
    assert TornadoWrapper.sockets == []
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match=r"cannot listen on unix:\S+file: .* is no socket"):
        open_sockets("0", uds=str(tmp_path / "file"))
    assert TornadoWrapper.sockets == []


def test_two_servers_share_a_port_when_both_want_to() -> None:
    try:
        (name,) = open_sockets("0", reuse_port=True)
        port = name.rstrip("/").rpartition(":")[2]
        assert open_sockets(port, reuse_port=True) == [name]
        with pytest.raises(CommandError, match="the port is in use"):
            open_sockets(port)
    finally:
        TornadoWrapper.unlisten()


def test_what_a_system_does_not_have_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # As on Windows, which cannot be had here.
    monkeypatch.setattr(addresses, "HAS_REUSE_PORT", False)
    monkeypatch.setattr(addresses, "HAS_UNIX", False)
    with pytest.raises(CommandError, match="--reuse-port needs SO_REUSEPORT"):
        open_sockets(reuse_port=True)
    with pytest.raises(CommandError, match="--uds needs Unix sockets"):
        open_sockets(uds="s")


def test_a_port_that_needs_more_rights_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # A port below 1024 is open to root, which CI may be: the error itself cannot be caused.
    def refuse(port: int, *, address: str, reuse_port: bool) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(TornadoWrapper, "listen", refuse)
    with pytest.raises(CommandError, match="no permission; ports below 1024 need more rights"):
        open_sockets("80")
