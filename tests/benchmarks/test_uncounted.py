"""The product without its counting, which is measured beside the one that counts."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.catalogue import PEERS
from benchmarks.dialects import ENVELOPE
from benchmarks.errors import MeasureError
from benchmarks.load import Clients
from benchmarks.product.uncounted import COUNTING, uncounted
from benchmarks.server import Server

ROOT = Path(__file__).resolve().parent.parent.parent
# The suite has a project of its own in the environment.
FROM_SOURCE = {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "project.settings"}

COUNTS = """
def receive(self, data):
    stats = self._stats
    stats.bytes_in += len(data)
    self.started = perf_counter_ns()
    result = handle(data)
    if not result:
        self.websocket.stats.warnings.add("empty")
    callback.stats.latency.add(perf_counter_ns() - self.started)
    self.total += 1
    return result
"""
DOES_NOT = """
def receive(self, data):
    pass
    pass
    pass
    result = handle(data)
    if not result:
        pass
    pass
    self.total += 1
    return result
"""

COUNT_AFTER_ALL = """
import sys
import uncounted
uncounted.install()
from tornado_websockets.stats import PathStats
stats = PathStats()
exec(sys.argv[1])
"""


def test_only_what_counts_is_taken_out() -> None:
    assert ast.unparse(uncounted(COUNTS, "module")) == DOES_NOT.strip()


def test_a_module_that_counts_nothing_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="expected statements that count in module, found none"):
        uncounted("x = 1", "module")


def test_a_clock_that_is_read_for_something_else_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="to read the clock for counters only"):
        uncounted(COUNTS + "    wait(until=perf_counter_ns() + 5)", "module")


@pytest.mark.parametrize("name", sorted(COUNTING))
def test_every_module_of_the_list_counts(name: str) -> None:
    path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
    tree = uncounted(path.read_text(), name)
    assert "stats.latency" not in ast.unparse(tree)
    compile(tree, str(path), "exec")


def test_the_uncounted_product_does_the_same_work(tmp_path: Path) -> None:
    peer = dataclasses.replace(PEERS["product-uncounted"], environment=FROM_SOURCE)
    with (
        Server(peer, core=None, log=tmp_path / "log") as server,
        Clients(server.port, ENVELOPE, spin=False) as clients,
    ):
        clients.connect(3)
        assert clients.echo("message", {"text": "hello"}, 0).count == 3
        assert clients.echo("threaded", {"text": "hello"}, 0).count == 3
        assert clients.shout("shout", {"text": "hello"}, 0).count == 3


@pytest.mark.parametrize(
    "statement",
    [
        "stats.events_in += 1",
        "stats.closed.add(1000)",
        "stats.open(1)",
        "stats.events['message'].latency.add(5)",
        "stats.events['message'].errors += 1",
    ],
)
def test_what_counts_nevertheless_ends_the_process(statement: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COUNT_AFTER_ALL, statement],
        cwd=ROOT / "benchmarks" / "product",
        env=FROM_SOURCE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "counting was to be taken out" in done.stderr


def test_a_product_that_counts_nevertheless_is_found_out(tmp_path: Path) -> None:
    program = (
        "import runpy, sys, uncounted;"
        "sys.argv[0] = 'manage.py';"
        "uncounted._seal();"
        "runpy.run_path('manage.py', run_name='__main__')"
    )
    peer = dataclasses.replace(
        PEERS["product-uncounted"],
        command=(
            *(sys.executable, "-c", program),
            *("runtornado", "--noreload", "127.0.0.1:{port}"),
        ),
        environment=FROM_SOURCE,
    )
    with (
        Server(peer, core=None, log=tmp_path / "log") as server,
        Clients(server.port, ENVELOPE, spin=False) as clients,
        contextlib.suppress(MeasureError, OSError),
    ):
        clients.connect(1)
        clients.echo("message", {"text": "hello"}, 0)
    assert "counting was to be taken out" in server.output
