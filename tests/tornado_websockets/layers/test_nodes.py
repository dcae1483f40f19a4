"""How a process is named among those that serve a project."""

from __future__ import annotations

import os
import re
import socket
import time

from tornado_websockets import __version__
from tornado_websockets.layers import Answers, Node, NodeState


def test_a_node_tells_where_it_runs() -> None:
    node = Node.here()
    assert (node.host, node.pid, node.version) == (socket.gethostname(), os.getpid(), __version__)
    assert re.fullmatch(r"[0-9a-f]{16}", node.id)
    assert abs(time.time() - node.started) < 60


def test_each_start_is_another_node() -> None:
    assert Node.here().id != Node.here().id


def test_answers_and_states_are_read_by_name() -> None:
    node = Node.here()
    assert NodeState(node, 3.5, True).is_stale
    assert Answers({node.id: {"n": 1}}, ["x"]).silent == ["x"]
