"""Tells the service manager how far the server is, see ``sd_notify(3)`` of systemd."""

from __future__ import annotations

import logging
import os
import socket

__all__ = ["notify"]

logger = logging.getLogger("tornado_websockets")


def notify(state: str) -> bool:
    """Send a state, such as ``READY=1``, to the manager that has started this process, if any.

    Returns:
        True when it was sent; False when nobody asked for it, or the manager has gone.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):  # of the other kinds none is for a process
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]  # Linux's abstract names, which are in no directory
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)  # a manager that is stuck must not hold up the event loop
            sock.sendto(state.encode(), address)
    except OSError as error:
        logger.warning("cannot tell %r the state %s: %s", address, state, error)
        return False
    return True
