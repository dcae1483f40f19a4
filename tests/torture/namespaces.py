"""Machines that are none: network namespaces of Linux, with cables that can be pulled."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from tests.torture.missing import MissingPermissionError, MissingProgramError

__all__ = ["HUB", "Machines"]

CLONE_NEWNET: Final = 0x40000000
FOLDER: Final = Path("/run/netns")
OWN: Final = Path("/proc/thread-self/ns/net")

HUB: Final = "10.199.255.1"
"""The hub, for every machine."""


class Machines:
    """A hub, and machines that have a cable to it; they go with it.

    Nothing of them is to be seen outside, and they see nothing of it.

    Args:
        hub: its name.
        names: those of the machines.

    Raises:
        MissingProgramError: when it is entered, and there is no ``ip``.
        MissingPermissionError: this process may not make namespaces.
    """

    def __init__(self, hub: str, *names: str) -> None:
        self._hub = hub
        self._names = names
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._make()
        except FileNotFoundError as error:
            raise MissingProgramError("iproute2 is not installed") from error
        except subprocess.CalledProcessError as error:
            raise MissingPermissionError(
                "network namespaces need root, with CAP_SYS_ADMIN and CAP_NET_ADMIN:"
                f" {' '.join(error.cmd)}: {error.stderr.strip()}"
            ) from error
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Have this thread work on a machine: what it starts, and the sockets that it makes."""
        with OWN.open() as before, (FOLDER / _full(name)).open() as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(before.fileno())

    def cut(self, name: str) -> None:
        """Pull the cable of a machine."""
        _ip("-n", _full(self._hub), "link", "set", _cable(name), "down")

    def mend(self, name: str) -> None:
        """Put it back."""
        _ip("-n", _full(self._hub), "link", "set", _cable(name), "up")

    def _make(self) -> None:
        with contextlib.ExitStack() as stack:
            for name in (self._hub, *self._names):
                _ip("netns", "add", _full(name))
                stack.callback(_ip, "netns", "del", _full(name))
                _ip("-n", _full(name), "link", "set", "lo", "up")
            _ip("-n", _full(self._hub), "address", "add", f"{HUB}/32", "dev", "lo")
            for number, name in enumerate(self._names):
                self._connect(number, name)
            self._stack = stack.pop_all()

    def _connect(self, number: int, name: str) -> None:
        hub, machine, cable = _full(self._hub), _full(name), _cable(name)
        _ip(
            "-n", hub, "link", "add", cable, "type", "veth", "peer", "name", "hub", "netns", machine
        )
        for place, link, last in ((hub, cable, 1), (machine, "hub", 2)):
            _ip("-n", place, "address", "add", f"10.199.{number}.{last}/24", "dev", link)
            _ip("-n", place, "link", "set", link, "up")
        _ip("-n", machine, "route", "add", "default", "via", f"10.199.{number}.1")


def _full(name: str) -> str:
    """Return a name that no other process gives."""
    return f"torture-{os.getpid()}-{name}"


def _cable(name: str) -> str:
    return f"to-{name}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=20)


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
