"""Handlers of a project, and what they can and cannot do to the checks of a handshake."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from tornado.web import HTTPError

from tests.tornado_websockets.visitors import status, visitor
from tornado_websockets import testing
from tornado_websockets.signals import connection_rejected
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler

pytestmark = pytest.mark.django_db(transaction=True)

FRIEND = "https://friend.example"


class Silent(WebSocketHandler):
    """Prepares without a thought for anything else."""

    def prepare(self) -> None:
        self.set_header("X-Prepared", "yes")


class Sync(WebSocketHandler):
    """Calls what it overrides, and drops what that returns."""

    def prepare(self) -> None:
        super().prepare()


class Before(WebSocketHandler):
    """Does its own work first."""

    async def prepare(self) -> None:
        self.set_header("X-Prepared", "yes")
        await super().prepare()


class After(WebSocketHandler):
    """Hands on what it overrides."""

    def prepare(self) -> Any:
        return super().prepare()


class Leaving(WebSocketHandler):
    """Answers by itself while the user is still looked up."""

    def prepare(self) -> None:
        super().prepare()
        self.finish("go away")


class Choosing(WebSocketHandler):
    """Decides by itself which origins it takes."""

    def check_origin(self, origin: str) -> bool:
        return origin == FRIEND


class Closing(WebSocketHandler):
    """Refuses for a reason of its own."""

    def prepare(self) -> Any:
        self.count_refusal("night")
        raise HTTPError(403)


@pytest.mark.parametrize("handler", [WebSocketHandler, Silent, Sync, Before, After])
async def test_a_prepare_of_a_project_opens_nothing(handler: type[WebSocketHandler]) -> None:
    closed, opened = WebSocket("/closed", login_required=True), WebSocket("/opened")
    routes = [
        (r"/ws/own/closed", handler, {"websocket": closed}),
        (r"/ws/own/opened", handler, {"websocket": opened}),
    ]
    async with testing.serve(routes, share_thread=False) as server:
        _user, browser = await visitor()
        cookie = browser.cookies.output(attrs=[], header="", sep=";").strip()
        own, evil = f"http://{server.host}", "http://evil.example"
        assert await status(server, "/own/closed", Origin=own, Cookie=cookie) == 101
        assert await status(server, "/own/closed", Origin=own) == 403
        assert await status(server, "/own/closed", Cookie=cookie) == 403
        assert await status(server, "/own/closed", Origin=evil, Cookie=cookie) == 403
        assert await status(server, "/own/opened", Origin=own) == 101
        assert await status(server, "/own/opened") == 101
        assert await status(server, "/own/opened", Origin=evil) == 403
        assert await status(server, "/own/opened", Host="evil.example") == 403
    assert closed.stats.rejected == {"login_required": 1, "missing_origin": 1, "origin": 1}
    assert opened.stats.rejected == {"origin": 1, "host": 1}


async def test_a_refusal_that_comes_too_late_is_no_error() -> None:
    routes = [(r"/ws/own", Leaving, {"websocket": WebSocket("/other", login_required=True)})]
    async with testing.serve(routes, share_thread=False) as server:
        assert await status(server, "/own", Origin=f"http://{server.host}") == 200
    gc.collect()  # an error that nobody has looked at would be told now


async def test_a_handler_of_the_project_may_decide_which_origins_it_takes() -> None:
    routes = [(r"/ws/own", Choosing, {"websocket": WebSocket("/other", login_required=True)})]
    async with testing.serve(routes, share_thread=False) as server:
        _user, browser = await visitor()
        cookie = browser.cookies.output(attrs=[], header="", sep=";").strip()
        for origin, site, sent, answer in (
            (FRIEND, "cross-site", cookie, 101),
            (FRIEND, "same-origin", cookie, 101),
            (FRIEND, "cross-site", "", 403),
            (f"http://{server.host}", "same-origin", cookie, 403),
            ("https://evil.example", "same-origin", cookie, 403),
        ):
            headers = {"Origin": origin, "Cookie": sent, "Sec_Fetch_Site": site}
            assert await status(server, "/own", **headers) == answer, (origin, site, sent)
        rebound = {"Host": "evil.example", "Origin": FRIEND, "Cookie": cookie}
        assert await status(server, "/own", **rebound) == 403


async def test_a_handler_of_the_project_may_refuse_for_a_reason_of_its_own() -> None:
    ws = WebSocket("/other")
    told: list[dict[str, Any]] = []

    def note(*, signal: Any, sender: Any, **event: Any) -> None:
        told.append(event)

    connection_rejected.connect(note)
    try:
        routes = [(r"/ws/own", Closing, {"websocket": ws})]
        async with testing.serve(routes, share_thread=False) as server:
            assert await status(server, "/own") == 403
    finally:
        connection_rejected.disconnect(note)
    assert ws.stats.rejected == {"night": 1}
    assert told == [{"websocket": ws, "reason": "night", "ip": "127.0.0.1"}]
