"""The server that the fuzzing client talks to: a project whose connections echo raw messages."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.rawclient import TLS
from tests.site import configure, make_site, serve_site

__all__ = ["serve"]

# Section 9 of the suite sends messages of 16 MiB.
LIMITS = {"message_size": 16 * 1024 * 1024}

# The fuzzing client does not ask who has signed the certificate.
CERTIFICATE = {"certfile": str(TLS / "cert.pem"), "keyfile": str(TLS / "key.pem")}

HANDLERS = """
from tornado_websockets.tornadowrapper import TornadoWrapper
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler


class Echo(WebSocketHandler):
    def on_message(self, message):
        return self.write_message(message, binary=isinstance(message, bytes))


for path, compression in (("/plain", False), ("/deflate", {"min_size": 0})):
    websocket = WebSocket(path, compression=compression)
    TornadoWrapper.add_handler((path, Echo, {"websocket": websocket}))
"""


@contextlib.contextmanager
def serve(*, tls: bool = False) -> Iterator[int]:
    """Run the server on a free port of 127.0.0.1, and return the port."""
    with tempfile.TemporaryDirectory() as folder:
        site = make_site(Path(folder) / "site", {"shop/websockets.py": HANDLERS})
        configure(site, f"TORNADO = { ({'limits': LIMITS, **(CERTIFICATE if tls else {})})!r}")
        server = serve_site(site, "127.0.0.1:0", "--noreload")
        try:
            yield int(server.wait_for(r"Serving on https?://\S+:(\d+)/.*\n(?s:.*)Quit with ")[1])
        finally:
            server.kill()
