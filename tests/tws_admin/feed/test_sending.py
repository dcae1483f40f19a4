"""Ticks go to those to whom they are due, as far as each may see them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tws_admin.operators import operator
from tornado_websockets.testing import Client, Server
from tornado_websockets.websocket import WebSocket
from tws_admin.feed.sending import send_all, send_due
from tws_admin.feed.viewers import Viewer, Viewers
from tws_admin.permissions import may_watch_feed

pytestmark = pytest.mark.django_db(transaction=True)


class Script:
    """What viewers see, as a test writes it."""

    def __init__(self, seq: int) -> None:
        self.node: str | None = None
        self.viewers: Viewers[Any] = Viewers()
        self.seq = seq

    def changes(self, since: int) -> dict[str, Any] | None:
        return None if since < 0 else {"since": since, "seq": self.seq, "tasks": [1]}


async def viewer(server: Server, name: str, *codenames: str) -> Client:
    _user, browser = await operator("view_dashboard", *codenames, name=name)
    return await server.connect("/watch", client=browser)


async def test_each_gets_what_is_new_and_may_be_seen(server: Server) -> None:
    websocket = WebSocket("/watch", permission=may_watch_feed)
    seeing = await viewer(server, "ann", "view_progresstask")
    blind = await viewer(server, "bob")
    script = Script(5)
    script.viewers.update({websocket[0]: Viewer(4), websocket[1]: Viewer(3)})
    send_due(websocket, script)
    assert await seeing.receive() == ("tick", {"since": 4, "seq": 5, "tasks": [1]})
    assert await blind.receive() == ("tick", {"since": 3, "seq": 5})
    assert {each.seq for each in script.viewers.values()} == {5}
    send_due(websocket, script)  # nothing is due
    script.seq = 6
    script.viewers[websocket[1]].every_s = 60
    send_due(websocket, script)
    assert (await seeing.receive()).data["seq"] == 6
    with pytest.raises(TimeoutError):
        await blind.receive(0.2)


async def test_who_has_read_nothing_for_minutes_is_closed(server: Server) -> None:
    websocket = WebSocket("/watch", permission=may_watch_feed)
    client = await viewer(server, "ann")
    script = Script(5)
    script.viewers[websocket[0]] = Viewer(-1)
    send_all(websocket, script)
    assert await client.closed() == 4008
