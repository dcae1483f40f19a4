"""The servers that are measured: how each is started, and what it is measured in."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from benchmarks.dialects import ENVELOPE, KEPT, SOCKET_IO, Dialect

__all__ = ["PEERS", "PRODUCT", "REDIS", "UNCOUNTED", "Peer"]

HERE: Final = Path(__file__).resolve().parent
ENVIRONMENT: Final = HERE.parent / ".venv-bench"
PLAIN_PYTHON: Final = ENVIRONMENT / "without-speedups" / "bin" / "python"
NODE_MODULES: Final = ENVIRONMENT / "node" / "node_modules"

WEBSOCKETS: Final = frozenset({"echo", "latency", "fanout", "crowd", "idle"})
SHARED: Final = frozenset({"event", "redis"})
"""Those of several processes with a Redis."""

# Its in-memory layer looks at all members of all groups for each delivery: 9 000 take minutes.
CHANNELS: Final = WEBSOCKETS - {"crowd"}
PRODUCT: Final = "product"
UNCOUNTED: Final = "product-uncounted"


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One server.

    Attributes:
        name: short, for the command line.
        title: for the tables.
        command: its words; ``{port}`` is replaced.
        folder: where it is started.
        measures: the groups of measures that it takes part in.
        echo_event: the event that comes back to its sender alone.
        publisher: the words of a process that serves nobody and sends to all clients of the others.
        is_apart: it is compared with the product alone, in a table of their own.
    """

    name: str
    title: str
    command: tuple[str, ...]
    folder: Path = HERE / "peers"
    environment: Mapping[str, str] = field(default_factory=dict)
    measures: frozenset[str] = WEBSOCKETS
    dialect: Dialect = ENVELOPE
    echo_event: str = "message"
    publisher: tuple[str, ...] = ()
    is_apart: bool = False


def _python(*words: str) -> tuple[str, ...]:
    return (sys.executable, *words)


def _module(module: str, *words: str) -> tuple[str, ...]:
    return _python("-m", module, *words)


UVICORN: Final = _module(
    "uvicorn", "--host=127.0.0.1", "--port={port}", "--loop=uvloop", "--http=httptools",
    "--lifespan=off", "--log-level=warning", "--no-access-log",
)  # fmt: skip
DAPHNE: Final = _module("daphne", "-v0", "-b127.0.0.1", "-p{port}")
HTTP: Final = frozenset({"http"})
DEFLATE: Final = frozenset({"deflate"})
STALLED: Final = frozenset({"stalled"})

RUNTORNADO: Final = ("runtornado", "--noreload", "127.0.0.1:{port}")

_product = Peer(
    name=PRODUCT,
    title="django-tornado-websockets",
    command=_python("manage.py", *RUNTORNADO),
    folder=HERE / "product",
    measures=WEBSOCKETS | SHARED | HTTP | STALLED,
    publisher=_python("publisher.py"),
)
_websockets = Peer(
    name="websockets",
    title="websockets, orjson, uvloop",
    command=_python("websockets_server.py", "{port}"),
)
_node = Peer(
    name="node-ws",
    title="Node.js ws",
    command=("node", "node_ws.js", "{port}"),
    environment={"NODE_PATH": str(NODE_MODULES)},
)


def _page(name: str, title: str, command: tuple[str, ...], *words: str) -> Peer:
    return Peer(
        name=name, title=title, command=(*command, *words),
        folder=HERE / "product", measures=HTTP,
    )  # fmt: skip


REDIS: Final = Peer(
    name="redis",
    title="Redis",
    command=(
        "redis-server", "--port", "{port}", "--bind", "127.0.0.1", "--save", "",
        "--appendonly", "no", "--daemonize", "no",
    ),
    measures=frozenset({"subscribers", "roster"}),
    is_apart=True,
    folder=Path(tempfile.gettempdir()),
)  # fmt: skip
"""What carries events between processes; it writes nothing to the disk."""

_ALL: Final = (
    _product,
    replace(
        _product, name=UNCOUNTED, title="… with the counters stubbed out",
        command=_python("uncounted.py", *RUNTORNADO),
        measures=frozenset({"echo", "fanout"}), is_apart=True,
    ),
    replace(
        _product, name="product-thread", title="… plain `def` callback, in a thread",
        echo_event="threaded", measures=frozenset({"echo", "latency"}),
    ),
    replace(
        _product, name="product-history", title="… with `history=100`", dialect=KEPT,
        environment={"BENCH_HISTORY": "100"}, measures=SHARED | {"recovery"},
    ),
    replace(
        _product, name="product-plain", title="… without uvloop and orjson",
        command=(str(PLAIN_PYTHON), *_product.command[1:]), measures=WEBSOCKETS,
    ),
    Peer(
        name="picows", title="picows, orjson, uvloop",
        command=_python("picows_server.py", "{port}"),
    ),
    _node,
    _websockets,
    replace(
        _websockets, name="websockets-plain", title="websockets, json, asyncio",
        command=(*_websockets.command, "stdlib"),
    ),
    Peer(
        name="tornado-tuned", title="Tornado, orjson, uvloop, one frame per broadcast",
        command=_python("tornado_tuned.py", "{port}"),
    ),
    Peer(
        name="tornado", title="Tornado as everybody writes it",
        command=_python("tornado_plain.py", "{port}"),
    ),
    Peer(
        name="socketio", title="python-socketio, orjson, uvicorn",
        command=(*UVICORN, "socketio_app:application"), dialect=SOCKET_IO,
        measures=WEBSOCKETS | SHARED, publisher=_python("socketio_publisher.py"),
    ),
    Peer(
        name="channels-uvicorn", title="Channels, orjson, uvicorn",
        command=(*UVICORN, "channels_site:application"), measures=CHANNELS | SHARED,
        publisher=_python("channels_publisher.py"),
    ),
    Peer(
        name="channels-daphne", title="Channels, orjson, daphne",
        command=(*DAPHNE, "channels_site:application"), measures=CHANNELS,
    ),
    replace(
        _product, name="product-drop", title="… policy `drop_oldest`",
        environment={"BENCH_SLOW_READER": "drop_oldest"}, measures=STALLED,
    ),
    replace(
        _product, name="product-deflate",
        environment={"BENCH_COMPRESSION": "1"}, measures=DEFLATE,
    ),
    replace(
        _websockets, name="websockets-deflate",
        command=(*_websockets.command, "deflate"), measures=DEFLATE,
    ),
    replace(
        _node, name="node-ws-deflate",
        command=(*_node.command, "deflate"), measures=DEFLATE,
    ),
    _page("http-gunicorn", "gunicorn, 8 threads (WSGI)", _module("gunicorn"),
          "--bind=127.0.0.1:{port}", "--worker-class=gthread", "--threads=8",
          "--log-level=warning", "project.wsgi:application"),
    _page("http-granian", "granian, 8 threads (WSGI)", _module("granian"),
          "--host=127.0.0.1", "--port={port}", "--interface=wsgi", "--blocking-threads=8",
          "--no-ws", "--log-level=warning", "project.wsgi:application"),
    _page("http-uvicorn", "uvicorn (ASGI)", UVICORN, "project.asgi:application"),
    _page("http-daphne", "daphne (ASGI)", DAPHNE, "project.asgi:application"),
    REDIS,
)  # fmt: skip

PEERS: Final[Mapping[str, Peer]] = {peer.name: peer for peer in _ALL}
