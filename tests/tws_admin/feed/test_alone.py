"""One node sees itself."""

from __future__ import annotations

import pytest

from tornado_websockets.testing import Server
from tws_admin.feed.alone import Alone
from tws_admin.feed.nodes import NoSuchNodeError
from tws_admin.feed.observer import Observer


async def test_its_only_view_is_the_observer(server: Server) -> None:
    sent: list[Observer] = []
    observer = Observer()
    alone = Alone(observer, sent.append)
    observer.tick()
    alone.tick()
    assert sent == alone.views == [observer]
    view, data = await alone.look(None, "10m", keep=True)
    assert view is observer
    assert data == alone.alone("10m")
    assert (data["node"], data["nodes"]) == (None, [])
    alone.end()


async def test_there_are_no_others(server: Server) -> None:
    with pytest.raises(NoSuchNodeError):
        await Alone(Observer(), lambda view: None).look("b" * 16, "10m")


async def test_what_cannot_be_sent_stops_nothing(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(view: Observer) -> None:
        raise OSError("away")

    alone = Alone(Observer(), fail)
    alone.tick()
    alone.tick()
    assert caplog.text.count("the monitor goes on without the ticks") == 1
