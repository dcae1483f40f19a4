"""A connection after its handshake: the only modules that touch transports.

They alone use private names of Tornado; a test tells when a new Tornado changes them.
"""

from tornado_websockets.wire.handshake import VERSION
from tornado_websockets.wire.options import (
    WireOptions,
    check_compression,
    check_limits,
    check_policy,
    wire_options,
)
from tornado_websockets.wire.wire import Wire

__all__ = [
    "VERSION",
    "Wire",
    "WireOptions",
    "check_compression",
    "check_limits",
    "check_policy",
    "wire_options",
]
