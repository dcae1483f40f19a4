"""What several of these tests need."""

from __future__ import annotations

import pytest

from tests.engines.broker import is_installed


@pytest.fixture(scope="session")
def redis_server() -> None:
    """Skip where there is no Redis to start."""
    if not is_installed():
        pytest.skip("redis-server is not installed")
