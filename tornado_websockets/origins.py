"""Which pages may open a WebSocket: those that came from the same host.

Browsers do not apply the same-origin policy to WebSockets, so the server has to (RFC 6455 section
10.2). Host is checked as well, as Django checks it: a name that points to this machine by DNS
rebinding sends its own name in both headers.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.http.request import split_domain_port, validate_host

__all__ = ["refusal"]


def refusal(hosts: Sequence[str], origins: Sequence[str], allowed_hosts: Sequence[str]) -> str:
    """Return why a handshake is refused, an empty string when it is not.

    Args:
        hosts: values of the ``Host`` headers of the request.
        origins: values of its ``Origin`` headers; none at all comes from no browser.
        allowed_hosts: patterns of Django's ``ALLOWED_HOSTS``.
    """
    if len(hosts) != 1 or len(origins) > 1:
        return "expected one Host and at most one Origin"
    domain, _port = split_domain_port(hosts[0])
    if not domain or not validate_host(domain, list(allowed_hosts)):
        return f"Host {hosts[0]!r} is not in ALLOWED_HOSTS"
    if origins and not _is_same_origin(origins[0], hosts[0]):
        return f"Origin {origins[0]!r} is not the origin of {hosts[0]!r}"
    return ""


def _is_same_origin(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:  # an IPv6 address without its bracket
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()
