"""What is dangerous in production: findings of ``manage.py check --deploy``."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tornado_websockets import conf
from tornado_websockets.origins import ANY
from tornado_websockets.proxies import UNIX
from tornado_websockets.rules import Problem

if TYPE_CHECKING:
    from tornado_websockets.websocket import WebSocket

__all__ = ["hazards"]


def hazards(websockets: Iterable[WebSocket]) -> list[Problem]:
    """Return what a project in production should not have.

    Args:
        websockets: those that would be served.
    """
    return [
        *(problem for found in (_hosts, _origins, _debug, _proxies) for problem in found()),
        *(problem for websocket in websockets for problem in _path(websocket)),
    ]


def _hosts() -> Iterable[Problem]:
    hosts = conf.allowed_hosts()
    if not hosts:
        yield Problem(
            "W002",
            "ALLOWED_HOSTS is empty, so every WebSocket is refused.",
            "List the host names that your site is reached by.",
        )
    elif "*" in hosts:
        yield Problem(
            "W003",
            "ALLOWED_HOSTS has '*', so a page whose name is made to point to this server counts"
            " as one of its own (DNS rebinding).",
            "List the host names that your site is reached by.",
        )


def _origins() -> Iterable[Problem]:
    if ANY in conf.get().allowed_origins:
        yield Problem(
            "W004",
            "TORNADO['allowed_origins'] has '*', so any page in the web may use your WebSockets"
            " with the sessions of its visitors.",
            "List the origins that need them, or allow '*' on a path that uses no session.",
        )


def _debug() -> Iterable[Problem]:
    if conf.get().settings.get("debug") or conf.get().settings.get("serve_traceback"):
        yield Problem(
            "W005",
            "TORNADO['settings'] shows tracebacks to clients.",
            "Set 'debug' and 'serve_traceback' to False.",
        )


def _proxies() -> Iterable[Problem]:
    proxies = conf.get().trusted_proxies
    everybody = [
        proxy for proxy in proxies if proxy != UNIX and not ipaddress.ip_network(proxy).prefixlen
    ]
    if everybody:
        yield Problem(
            "W006",
            f"TORNADO['trusted_proxies'] has {everybody[0]!r}, so every client says by itself"
            " which address it has.",
            "List the addresses of your proxies.",
        )
    if conf.secure_proxy_header() is not None and not proxies:
        yield Problem(
            "W007",
            "SECURE_PROXY_SSL_HEADER is set and TORNADO['trusted_proxies'] is empty, so who"
            " reaches this server past the proxy can send that header too.",
            "List the addresses of your proxies: others can no longer send it then.",
        )


def _path(websocket: WebSocket) -> Iterable[Problem]:
    if ANY in websocket.origins and ANY not in conf.get().allowed_origins and websocket.needs_user:
        yield Problem(
            "W004",
            f"{websocket!r} has '*' in allowed_origins and looks at the session, so any page in"
            " the web may use it in the name of its visitors.",
            "List the origins that need it.",
        )
