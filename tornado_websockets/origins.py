"""Which pages may open a WebSocket: those of the same origin, and those that were named.

Browsers do not apply the same-origin policy to WebSockets, so the server has to (RFC 6455 section
10.2). Host is checked as well, as Django checks it: a name that points to this machine by DNS
rebinding sends its own name in both headers.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from django.http.request import split_domain_port, validate_host

__all__ = ["ANY", "Origin", "check_origins", "is_allowed", "is_allowed_host", "is_pattern", "parse"]

ANY: Final = "*"
"""The pattern of every origin, that of a page without one (``null``) included."""

WILDCARD: Final = "://*."

DEFAULT_PORTS: Final = {"http": 80, "https": 443}

REMEMBERED: Final = 100
"""Answers that are kept: most handshakes come from the same few pages to the same few names."""

# RFC 6454 section 6.2. No user, no path, nothing percent-encoded, an IDN as punycode: a browser
# sends nothing else, so everything else is not from a browser.
_ORIGIN: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f]*:[0-9a-f:.]+\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)


class Origin(NamedTuple):
    """Scheme, host and port of a page.

    Attributes:
        port: that of the scheme when the page named none; None when the scheme has no such.
    """

    scheme: str
    host: str
    port: int | None


@functools.lru_cache(maxsize=REMEMBERED)
def parse(text: str) -> Origin | None:
    """Return the origin that a text stands for, None when it stands for none."""
    # Some letters beyond ASCII become ASCII in lower case.
    match = _ORIGIN.fullmatch(text.lower()) if text.isascii() else None
    if match is None:
        return None
    scheme, host, port = match.groups()
    return Origin(scheme, host, int(port) if port else DEFAULT_PORTS.get(scheme))


def is_pattern(value: object) -> bool:
    """Return whether a value may stand in a list of allowed origins."""
    return isinstance(value, str) and (
        value == ANY or parse(value.replace(WILDCARD, "://", 1)) is not None
    )


def check_origins(values: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return a path's list of allowed origins.

    Raises:
        ValueError: one of them is no pattern of origins.
    """
    if values is None:
        return None
    if isinstance(values, str) or not all(map(is_pattern, values)):
        raise ValueError(
            "allowed_origins must be a list of origins, like 'https://example.com',"
            f" 'https://*.example.com' or '*', got {values!r}"
        )
    return tuple(values)


@functools.lru_cache(maxsize=REMEMBERED)
def is_allowed_host(host: str, allowed_hosts: tuple[str, ...]) -> bool:
    """Return whether Django would take a request with this ``Host`` header.

    Args:
        host: its value.
        allowed_hosts: patterns of Django's ``ALLOWED_HOSTS``.
    """
    domain, _port = split_domain_port(host)
    return bool(domain) and validate_host(domain, list(allowed_hosts))


def is_allowed(text: str, *, scheme: str, host: str, patterns: Sequence[str]) -> bool:
    """Return whether a page may connect.

    Args:
        text: value of its ``Origin`` header.
        scheme: http or https, as the client has it, so before any proxy.
        host: value of the ``Host`` header.
        patterns: origins that may connect as well: exact ones, those with a wildcard such as
            ``https://*.example.com``, which stands for example.com and all its subdomains, as in
            Django's ``CSRF_TRUSTED_ORIGINS``, or `ANY`.
    """
    origin = parse(text)
    if origin is None:
        return text == "null" and ANY in patterns
    return origin == parse(f"{scheme}://{host}") or any(
        _matches(origin, pattern) for pattern in patterns
    )


def _matches(origin: Origin, pattern: str) -> bool:
    if pattern == ANY:
        return True
    base = parse(pattern.replace(WILDCARD, "://", 1))
    if base is None:
        return False
    # The dot keeps evilexample.com out.
    is_below = WILDCARD in pattern and origin.host.endswith("." + base.host)
    return (is_below and origin._replace(host=base.host) == base) or origin == base
