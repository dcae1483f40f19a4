"""The default layer: who is connected to which path."""

from __future__ import annotations

from tornado_websockets.layers import LocalLayer


class Client:
    def __init__(self) -> None:
        self.closed: tuple[int | None, str | None] | None = None

    def send(self, frame: bytes) -> None: ...

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        self.closed = (code, reason)


def test_connections_come_and_go_by_path() -> None:
    layer, a, b, c = LocalLayer(), Client(), Client(), Client()
    for path, client in (("/x", a), ("/x", b), ("/y", c)):
        layer.join(path, client)
    assert layer.connections("/x") == [a, b]
    assert (layer.count("/x"), layer.count("/y"), layer.count("/z"), layer.count()) == (2, 1, 0, 3)
    layer.leave("/x", a)
    layer.leave("/x", a)
    layer.leave("/z", a)
    assert layer.connections("/x") == [b]
    assert layer.count() == 2


def test_all_are_closed() -> None:
    layer, a, b = LocalLayer(), Client(), Client()
    layer.join("/x", a)
    layer.join("/y", b)
    layer.close_all(1001, "bye")
    assert a.closed == b.closed == (1001, "bye")
