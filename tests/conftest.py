"""Fixtures of the whole suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from tornado_websockets import testing

HERE = Path(__file__).parent

# How long an example takes, or to draw it, tells of a busy machine alone.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

# What goes by neither Python nor Django: the version matrix leaves it out.
ONCE = [HERE / name for name in ("autobahn", "benchmarks", "docs", "house")]
ONCE += [HERE / "integration" / f"test_{name}.py" for name in ("deploy", "nodes", "postgres")]
# What several servers do together: each of its parts is tested on its own as well.
ONCE += [
    HERE / "integration" / f"test_{name}.py"
    for name in ("broadcasting", "monitor_nodes", "presence", "recovery", "workers")
]
# The contract of layers is tested on each row.
REDIS = HERE / "tornado_websockets" / "layers" / "redis"
ONCE += [path for path in REDIS.rglob("test_*.py") if path.name != "test_layer.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(each) for each in ONCE):
            item.add_marker("once")


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    """Give every test a process without WebSockets, and forget its own afterwards."""
    with testing.isolated_registry():
        yield


@pytest_asyncio.fixture
async def server() -> AsyncIterator[testing.Server]:
    """Serve the WebSockets that a test makes, callbacks in threads as in production."""
    async with testing.serve(share_thread=False) as running:
        yield running
