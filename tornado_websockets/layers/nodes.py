"""The processes that serve the paths of one project together."""

from __future__ import annotations

import dataclasses
import os
import secrets
import socket
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from tornado_websockets import __version__

__all__ = ["Answers", "Node", "NodeState"]


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """One process.

    Attributes:
        id: 16 hexadecimal digits, new with each start.
        host: name of its machine.
        pid: its process id there.
        version: of this package.
        started: when it began to serve, in Unix seconds.
    """

    id: str
    host: str
    pid: int
    version: str
    started: float

    @classmethod
    def here(cls) -> Node:
        """Return this process as a new node."""
        host = socket.gethostname()
        return cls(secrets.token_hex(8), host, os.getpid(), __version__, round(time.time(), 3))


class NodeState(NamedTuple):
    """What a node knows of another one, or of itself.

    Attributes:
        node: which one.
        silent_s: seconds since it was last heard of.
        is_stale: whether that is too long; it will be taken for gone soon.
    """

    node: Node
    silent_s: float
    is_stale: bool


class Answers(NamedTuple):
    """What nodes have answered.

    Attributes:
        answers: by the id of the node.
        silent: ids of the nodes that were asked and did not answer in time.
    """

    answers: Mapping[str, Mapping[str, Any]]
    silent: list[str]
