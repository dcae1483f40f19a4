"""A Redis for the tests of this folder, which is taken away by none of them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.engines.broker import Broker, is_installed
from tornado_websockets.layers.redis import (
    blocking,
    echo,
    layer,
    link,
    publisher,
    shard,
    subscriber,
)


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    if not is_installed():
        pytest.skip("redis-server is not installed")
    with Broker() as broker:
        yield broker


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take no Redis for away that is slow: where it stays, only the machine stands still."""
    for module, name in (
        (link, "TIMEOUT_S"),
        (publisher, "TIMEOUT_S"),
        (publisher, "STOP_S"),
        (blocking, "TIMEOUT_S"),
        (layer, "START_S"),
        (echo, "PATIENCE_S"),
        (shard, "PATIENCE_S"),
        (subscriber, "UNANSWERED"),
    ):
        monkeypatch.setattr(module, name, 15)
    for function in (link.Link.request, link.Link.open, link.Link.send):
        defaults: dict[str, Any] = function.__kwdefaults__ or {}
        monkeypatch.setitem(defaults, "timeout_s", 15.0)


@pytest.fixture
def url(broker: Broker, patient: None) -> str:
    """The URL of it, with a prefix of this test's own."""
    return f"{broker.url}?prefix={secrets.token_hex(4)}"
