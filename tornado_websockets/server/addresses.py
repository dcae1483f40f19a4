"""Where a server listens, as the command line says it, and why it cannot."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from django.core.management.base import CommandError

from tornado_websockets.server.sockets import HAS_REUSE_PORT, HAS_UNIX
from tornado_websockets.tornadowrapper import TornadoWrapper

__all__ = ["listen", "parse_addrport", "parse_mode"]

ADDRESS: Final = "127.0.0.1"

ADDRPORT: Final = re.compile(
    r"^(?:(?P<address>\[[a-fA-F0-9:.]+\]|[^:\[\]]+):)?(?P<port>\d+)$", re.ASCII
)

LISTEN_ERRORS: Final = {
    errno.EADDRINUSE: "the port is in use; stop what uses it, or choose another one",
    errno.EACCES: "no permission; ports below 1024 need more rights",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


def parse_addrport(addrport: str) -> tuple[str, int]:
    """Return address and port of an argument like ``8000``, ``0:8000`` or ``[::1]:8000``.

    Raises:
        CommandError: it is not of that form, or the port is beyond 65535.
    """
    match = ADDRPORT.match(addrport)
    if match is None or int(match["port"]) > 65535:
        raise CommandError(
            f"expected a port between 0 and 65535, or address:port, got {addrport!r}"
        )
    address = (match["address"] or ADDRESS).strip("[]")
    return ("0.0.0.0" if address == "0" else address), int(match["port"])  # noqa: S104


def parse_mode(mode: str) -> int:
    """Return the permissions of an argument like ``660``.

    Raises:
        CommandError: it is no octal number of three digits, or of four with a leading zero.
    """
    if not re.fullmatch(r"0?[0-7]{3}", mode, re.ASCII):
        raise CommandError(f"expected permissions in octal digits, like 660, got {mode!r}")
    return int(mode, 8)


def listen(
    addrports: Sequence[str],
    *,
    default_port: int,
    uds: str | None,
    uds_mode: int,
    reuse_port: bool,
    scheme: str,
) -> list[str]:
    """Open the sockets of a server, and return what people call them: a URL, or ``unix:path``.

    Raises:
        CommandError: one cannot be opened, and the line says why; then none is.
    """
    if reuse_port and not HAS_REUSE_PORT:
        raise CommandError("--reuse-port needs SO_REUSEPORT, which this system does not have")
    if uds is not None and not HAS_UNIX:
        raise CommandError("--uds needs Unix sockets, which this system does not have")
    wanted = [parse_addrport(addrport) for addrport in addrports]
    if not wanted and uds is None:
        wanted = [(ADDRESS, default_port)]
    names = []
    try:
        for address, port in wanted:
            number = _listen(port, address, reuse_port=reuse_port)
            host = f"[{address}]" if ":" in address else address
            names.append(f"{scheme}://{host}:{number}/")
        if uds is not None:
            _listen_unix(uds, uds_mode)
            names.append(f"unix:{uds}")
    except CommandError:
        TornadoWrapper.unlisten()
        raise
    return names


def _listen(port: int, address: str, *, reuse_port: bool) -> int:
    try:
        return TornadoWrapper.listen(port, address=address, reuse_port=reuse_port)
    except socket.gaierror:
        raise CommandError(f"cannot listen on {address}: no such host name or address") from None
    except OSError as error:
        reason = LISTEN_ERRORS.get(error.errno or 0, str(error))
        raise CommandError(f"cannot listen on {address}:{port}: {reason}") from None


def _listen_unix(path: str, mode: int) -> None:
    try:
        TornadoWrapper.listen_unix(Path(path), mode=mode)
    except OSError as error:
        raise CommandError(f"cannot listen on unix:{path}: {error.strerror or error}") from None
