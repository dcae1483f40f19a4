"""The settings: ``TORNADO`` in the project's settings module, checked, with its defaults.

The only module that reads Django's settings. `tornado_websockets.rules` tells what is wrong with
them; the system checks and `get` both ask it, so a mistake is worded in one place.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from tornado_websockets import process
from tornado_websockets.rules import LIMIT_RULES, RULES, problems

__all__ = ["Config", "Limits", "get", "limits", "raw"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """How much one client may ask for. None is unlimited."""

    message_size: int | None = 64 * 1024
    """Bytes of one message, assembled from its fragments; a larger one closes with 1009."""
    inbox: int | None = 100
    """Messages of one connection that wait for its callback; beyond, reading pauses."""
    send_bytes: int | None = 1024 * 1024
    """Bytes that wait for one client, beyond the 64 KiB that its transport takes."""
    send_frames: int | None = 1000
    """Messages that wait for one client; beyond, ``slow_reader`` decides."""
    connections: int | str | None = "auto"
    """WebSockets of this process; auto leaves some file descriptors for everything else."""
    connections_per_user: int | None = 100
    """WebSockets of one user who is logged in."""
    connections_per_address: int | None = None
    """WebSockets of one IPv4 address, or the /64 of an IPv6 one."""
    handshakes_per_second: int | None = None
    """Handshakes of one address: so many at once, and so many a second."""
    messages_per_second: int | None = None
    """Messages of one connection."""
    burst: int = 100
    """Messages that one connection may send at once, where ``messages_per_second`` is set."""
    bytes_per_second: int | None = None
    """Bytes of the messages of one connection; so many at once, and at least one message."""
    json_depth: int | None = 100
    """Objects and lists inside one another in a message."""
    bad_frames: int | None = 10
    """Messages that cannot be used, in 10 seconds; one more closes with 4509."""
    rooms: int | None = 50
    """Rooms that one connection is in."""
    header_size: int | None = 32 * 1024
    """Bytes of the head of a request, of HTTP as of a handshake."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """``settings.TORNADO`` with its defaults."""

    port: int = 8000
    """TCP port, 0 for one that the system chooses."""
    handlers: tuple[Any, ...] = ()
    """Tornado routes, see `tornado.web.Application`."""
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Tornado settings, see `tornado.web.Application.settings`."""
    threads: int = 8
    """Threads that answer Django's HTTP requests."""
    event_threads: int = 8
    """Threads that run the callbacks written as plain ``def``."""
    max_body_size: int | None = 100 * 1024 * 1024
    """Bytes of one request body; a larger one is refused with 413. None is unlimited."""
    ping_interval: float = 25.0
    """Seconds between the pings of a connection; 0 sends none."""
    ping_timeout: float = 10.0
    """Seconds that a client has to answer a ping before it is taken for gone."""
    slow_reader: str = "close"
    """What happens to a client that reads too slowly: close, drop_oldest or latest."""
    compression: bool | Mapping[str, int] = False
    """permessage-deflate: True, or a dictionary, see `tornado_websockets.deflate.Compression`."""
    certfile: str | None = None
    """PEM file of the certificate: the server speaks TLS itself."""
    keyfile: str | None = None
    """PEM file of its key, when it is not in the certificate's."""
    ssl_options: Any = None
    """An `ssl.SSLContext`, or options for one as Tornado takes them, instead of the two."""
    allowed_origins: tuple[str, ...] = ()
    """Origins that may connect beside the server's own, see `tornado_websockets.origins`."""
    layer: tuple[str, ...] = ()
    """What connects the processes that serve: URLs of Redis servers, or the dotted path of a
    `Layer`; empty for one process alone."""
    workers: int | str = 1
    """Processes that serve; auto is one for each core."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks whose X-Forwarded headers count, ``unix:`` for Unix sockets."""
    recheck_period: float = 30.0
    """Seconds within which a session that has ended elsewhere ends its connections."""
    limits: Limits = dataclasses.field(default_factory=Limits)
    health: Mapping[str, str | None] | None = dataclasses.field(default_factory=dict)
    """Paths of live and ready, see `server.health`; None for no such addresses."""
    shutdown_timeout: float = 30.0
    """Seconds within which the server ends when it is told to."""
    shutdown_delay: float = 0.0
    """Seconds of these for which it is not ready but still takes connections."""

    @property
    def worker_count(self) -> int:
        """How many processes serve."""
        return process.cores() if self.workers == "auto" else int(self.workers)

    @property
    def speaks_tls(self) -> bool:
        """Whether the server speaks TLS itself."""
        return self.certfile is not None or self.ssl_options is not None


@functools.cache
def get() -> Config:
    """Return the settings of this project.

    Raises:
        ImproperlyConfigured: with every mistake that makes them unusable.
    """
    tornado = getattr(settings, "TORNADO", {})
    errors = [problem for problem in problems(tornado) if problem.id.startswith("E")]
    if errors:
        raise ImproperlyConfigured(" ".join(problem.message for problem in errors))
    known = {key: value for key, value in tornado.items() if key in RULES}
    for key in ("handlers", "allowed_origins", "trusted_proxies"):
        known[key] = tuple(known.get(key, ()))
    layer = known.get("layer") or ()
    known["layer"] = (layer,) if isinstance(layer, str) else tuple(layer)
    limits = known.get("limits", {})
    known["limits"] = Limits(**{key: limits[key] for key in limits if key in LIMIT_RULES})
    return Config(**known)


def limits(own: Mapping[str, Any]) -> Limits:
    """Return the limits of a path, which has some of its own."""
    return _limits(get().limits, tuple(own.items()))


@functools.lru_cache(maxsize=256)
def _limits(limits: Limits, own: tuple[tuple[str, Any], ...]) -> Limits:
    # One object for all connections of a path.
    return dataclasses.replace(limits, **dict(own))


def raw() -> Any:
    """Return ``settings.TORNADO`` as it stands, an empty dictionary when it is absent."""
    return getattr(settings, "TORNADO", {})


def has_layer() -> bool:
    """Return whether ``TORNADO["layer"]`` is set, be it wrong, which the system checks tell."""
    tornado = raw()
    return isinstance(tornado, Mapping) and bool(tornado.get("layer"))


def debug() -> bool:
    """Return ``settings.DEBUG``."""
    return bool(settings.DEBUG)


def serves_static(*, use_static: bool, insecure: bool) -> bool:
    """Return whether static files are served from where the apps have them, as by runserver."""
    installed = "django.contrib.staticfiles" in settings.INSTALLED_APPS
    return installed and ((debug() and use_static) or insecure)


def allowed_hosts() -> list[str]:
    """Return the host patterns that Django accepts, see the documentation of ALLOWED_HOSTS."""
    if settings.DEBUG and not settings.ALLOWED_HOSTS:
        return [".localhost", "127.0.0.1", "[::1]"]
    return list(settings.ALLOWED_HOSTS)


def csrf_trusted_origins() -> tuple[str, ...]:
    """Return the origins that Django takes unsafe requests from beside its own."""
    return tuple(settings.CSRF_TRUSTED_ORIGINS)


def secure_proxy_header() -> tuple[str, str] | None:
    """Return name and value of the header by which a proxy tells Django of TLS."""
    if settings.SECURE_PROXY_SSL_HEADER is None:
        return None
    key, value = settings.SECURE_PROXY_SSL_HEADER
    return key.removeprefix("HTTP_").replace("_", "-"), value


def session_cookie() -> str:
    """Return the name of the cookie that holds the key of a session."""
    return settings.SESSION_COOKIE_NAME


def session_engine() -> str:
    """Return the module of the session store."""
    return settings.SESSION_ENGINE


def session_cache() -> str:
    """Return the alias of the cache that sessions are kept in, by the engines that use one."""
    return settings.SESSION_CACHE_ALIAS


def authentication_backends() -> list[str]:
    """Return the dotted names of the backends that may name a user."""
    return list(settings.AUTHENTICATION_BACKENDS)


def script_name() -> str:
    """Return the path that the project is mounted at, ``settings.FORCE_SCRIPT_NAME``."""
    return settings.FORCE_SCRIPT_NAME or ""


def root_urlconf() -> str:
    """Return the module of the project's URLs."""
    return settings.ROOT_URLCONF


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "TORNADO":
        get.cache_clear()


setting_changed.connect(_forget, dispatch_uid="tornado_websockets.conf")
