"""The runs of the fuzzing client: which cases, over which wire."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["RUNS", "Run"]


class Run(NamedTuple):
    """Some cases over one wire.

    Attributes:
        name: also of its report.
        title: what people read.
        path: of the echo server that it talks to.
        cases: patterns of the suite.
        size: how many cases these are; fewer in a report mean that it is not complete.
        is_compressed: the server has to compress what it sends.
        tls: the server is to serve TLS itself.
    """

    name: str
    title: str
    path: str
    cases: tuple[str, ...]
    size: int
    is_compressed: bool = False
    tls: bool = False


CORE: Final = tuple(f"{section}.*" for section in (1, 2, 3, 4, 5, 6, 7, 9, 10))

# Of each kind of message or parameters the seven small cases, 16 bytes to 16 KiB a message, 1 000
# messages each: the others are the same with larger ones, and take most of an hour.
SMALL: Final = tuple(
    f"{section}.{kind}.{size}"
    for section, kinds in ((12, 5), (13, 7))
    for kind in range(1, kinds + 1)
    for size in range(1, 8)
)

RUNS: Final = (
    Run("plain", "Core", "/plain", CORE, 301),
    Run("deflate", "Compression", "/deflate", SMALL, 84, is_compressed=True),
    Run("wss", "Core, over TLS", "/plain", CORE, 301, tls=True),
    Run(
        "wss-deflate", "Compression, over TLS", "/deflate", SMALL, 84, is_compressed=True, tls=True
    ),
)
