"""The contract that every layer keeps; another layer joins the list."""

from __future__ import annotations

import pytest

from tornado_websockets.exceptions import ServerNotRunningError
from tornado_websockets.layers import Layer, LocalLayer
from tornado_websockets.outgoing import Outgoing


class Client:
    def __init__(self) -> None:
        self.closed: tuple[int | None, str | None] | None = None

    def send(self, outgoing: Outgoing) -> None: ...

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        self.closed = (code, reason)

    def leave(self, code: int, reason: str) -> None: ...


@pytest.fixture(params=[LocalLayer])
def layer(request: pytest.FixtureRequest) -> Layer:
    created: Layer = request.param()
    return created


def test_a_layer_is_abstract() -> None:
    with pytest.raises(TypeError, match="publish"):
        Layer()  # type: ignore[abstract]


def test_connections_come_and_go_by_path(layer: Layer) -> None:
    a, b, c = Client(), Client(), Client()
    for path, client in (("/x", a), ("/x", b), ("/y", c)):
        layer.join(path, client)
    assert layer.connections("/x") == [a, b]
    assert layer.connections(None) == [a, b, c]
    assert (layer.count("/x"), layer.count("/y"), layer.count("/z"), layer.count()) == (2, 1, 0, 3)
    layer.leave("/x", a)
    layer.leave("/x", a)
    layer.leave("/z", a)
    assert layer.connections("/x") == [b]
    assert layer.count() == 2


def test_all_are_closed(layer: Layer) -> None:
    a, b = Client(), Client()
    layer.join("/x", a)
    layer.join("/y", b)
    layer.close_all(1001, "bye")
    assert a.closed == b.closed == (1001, "bye")


def test_nobody_can_be_reached_from_a_process_without_server(layer: Layer) -> None:
    with pytest.raises(ServerNotRunningError):
        layer.publish("/x", Outgoing("news", b"{}"))
