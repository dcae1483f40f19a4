"""TLS by the server itself."""

from __future__ import annotations

import ssl
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from tornado_websockets import conf

__all__ = ["ssl_options"]


def ssl_options() -> Any:
    """Return what makes Tornado speak TLS, None when it does not.

    Raises:
        ImproperlyConfigured: certificate and key cannot be used.
    """
    config = conf.get()
    if config.ssl_options is not None or config.certfile is None:
        return config.ssl_options
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.certfile, config.keyfile)
    except (OSError, ssl.SSLError) as error:
        raise ImproperlyConfigured(
            f"TORNADO['certfile'] and TORNADO['keyfile'] must be a certificate and its key in PEM"
            f" format, got {config.certfile!r} and {config.keyfile!r}: {error}"
        ) from None
    return context
