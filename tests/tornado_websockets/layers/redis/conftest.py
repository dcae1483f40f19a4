"""A Redis for the tests of this folder, which is taken away by none of them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.engines.broker import Broker, is_installed


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    if not is_installed():
        pytest.skip("redis-server is not installed")
    with Broker() as broker:
        yield broker


@pytest.fixture
def url(broker: Broker) -> str:
    """The URL of it, with a prefix of this test's own."""
    return f"{broker.url}?prefix={secrets.token_hex(4)}"
