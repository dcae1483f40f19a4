"""The server: its routes, its sockets, its start and its end."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.routing import PathMatches, Rule
from tornado.web import RequestHandler

import tornado_websockets
from tornado_websockets import testing
from tornado_websockets.tornadowrapper import TornadoWrapper, django_router
from tornado_websockets.websocket import WebSocket


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Forget an application that a test started and never served."""
    yield
    for sock in TornadoWrapper.sockets:
        sock.close()
    TornadoWrapper.sockets = []
    TornadoWrapper.tornado_app = TornadoWrapper.tornado_server = None


class Hello(RequestHandler):
    def get(self, name: str = "nobody") -> None:
        self.write(f"hello {name}")


async def fetch(server: testing.Server, path: str) -> str:
    response = await AsyncHTTPClient().fetch(f"http://{server.host}{path}")
    return response.body.decode()


async def test_routes_are_added_before_and_after_the_start() -> None:
    TornadoWrapper.add_handler((r"/before", Hello))
    async with testing.serve([(r"/given/(.*)", Hello)]) as server:
        TornadoWrapper.add_handler([r"/after", Hello])
        TornadoWrapper.add_handler(Rule(PathMatches(r"/rule"), Hello))
        assert await fetch(server, "/before") == "hello nobody"
        assert await fetch(server, "/given/Ann") == "hello Ann"
        assert await fetch(server, "/after") == "hello nobody"
        assert await fetch(server, "/rule") == "hello nobody"
        with pytest.raises(HTTPClientError, match="404"):
            await fetch(server, "/never")


async def test_routes_are_taken_away_before_and_after_the_start() -> None:
    before, after = Rule(PathMatches(r"/before"), Hello), Rule(PathMatches(r"/after"), Hello)
    never = Rule(PathMatches(r"/before"), Hello)
    TornadoWrapper.add_handler(before)
    TornadoWrapper.remove_handler(before)
    assert TornadoWrapper.tornado_handlers == []
    TornadoWrapper.add_handler(before)
    async with testing.serve() as server:
        TornadoWrapper.add_handler(after)
        TornadoWrapper.remove_handler(never)
        assert await fetch(server, "/before") == "hello nobody"
        assert await fetch(server, "/after") == "hello nobody"
        for rule, path in ((before, "/before"), (after, "/after")):
            TornadoWrapper.remove_handler(rule)
            TornadoWrapper.remove_handler(rule)
            with pytest.raises(HTTPClientError, match="404"):
                await fetch(server, path)
    assert TornadoWrapper.tornado_handlers == []


async def test_routes_may_change_in_many_threads_at_once() -> None:
    """None is lost, and none is left."""
    async with testing.serve() as server:
        assert TornadoWrapper.tornado_app is not None
        before = list(TornadoWrapper.tornado_app.wildcard_router.rules)
        kept = [Rule(PathMatches(f"/kept/{number}"), Hello) for number in range(8)]

        def change(number: int) -> None:
            for _ in range(200):
                rule = Rule(PathMatches("/passing"), Hello)
                TornadoWrapper.add_handler(rule)
                TornadoWrapper.remove_handler(rule)
            TornadoWrapper.add_handler(kept[number])

        await asyncio.gather(*(asyncio.to_thread(change, number) for number in range(8)))
        rules = TornadoWrapper.tornado_app.wildcard_router.rules
        assert rules[8:] == before
        assert set(rules[:8]) == set(kept)
        assert await fetch(server, "/kept/3") == "hello nobody"


async def test_django_is_the_last_route_wherever_it_stands() -> None:
    django = tornado_websockets.django_app()
    ws = WebSocket("/chat")
    async with testing.serve([django, (r"/given", Hello)]) as server:
        TornadoWrapper.add_handler((r"/after", Hello))
        assert TornadoWrapper.tornado_app is not None
        rules = TornadoWrapper.tornado_app.wildcard_router.rules
        assert [bool(django_router(rule)) for rule in rules].index(True) == len(rules) - 1
        assert await fetch(server, "/given") == "hello nobody"
        assert await fetch(server, "/after") == "hello nobody"
        await server.connect("/chat")
        assert len(ws) == 1
        with pytest.raises(HTTPClientError, match="503"):
            await fetch(server, "/")  # nobody has started Django here


async def test_settings_go_before_the_defaults() -> None:
    with override_settings(TORNADO={"limits": {"message_size": None}, "ping_interval": 7}):
        TornadoWrapper.start_app(settings={"autoreload": False, "cookie_secret": "x"})
    assert TornadoWrapper.tornado_app is not None
    settings = TornadoWrapper.tornado_app.settings
    assert settings["cookie_secret"] == "x"
    assert settings["websocket_max_message_size"] > 2**60
    assert settings["websocket_ping_interval"] == 7
    assert settings["autoreload"] is False


async def test_the_debug_setting_of_tornado_starts_no_reloader() -> None:
    TornadoWrapper.start_app(settings={"debug": True})
    assert TornadoWrapper.tornado_app is not None
    assert TornadoWrapper.tornado_app.settings["autoreload"] is False


def test_a_name_with_two_addresses_is_served_on_one_port_of_both() -> None:
    addresses = {info[4][0] for info in socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)}
    port = TornadoWrapper.listen(0, address="localhost")
    opened = TornadoWrapper.sockets
    assert {sock.getsockname()[:2] for sock in opened} == {(a, port) for a in addresses}


def test_a_port_in_use_is_an_error_and_leaves_nothing_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        TornadoWrapper.listen(taken.getsockname()[1])


async def test_serving_needs_an_application() -> None:
    with pytest.raises(RuntimeError, match=r"call TornadoWrapper.start_app\(\) before"):
        await TornadoWrapper.serve()


def test_the_documented_sequence_serves_until_it_is_stopped_from_another_thread() -> None:
    ws = WebSocket("/chat")
    closed: list[int | None] = []

    @ws.on
    async def close(socket: Any) -> None:
        closed.append(socket.close_code)

    TornadoWrapper.start_app([], {})
    port = TornadoWrapper.listen(0)
    thread = threading.Thread(target=TornadoWrapper.loop)
    thread.start()

    async def visit() -> tuple[int | None, bool]:
        server = testing.Server(port)
        client = await server.connect("/chat")
        stopped = asyncio.create_task(asyncio.to_thread(TornadoWrapper.stop, timeout_s=30))
        code = await client.closed()
        await server.disconnect()
        return code, await stopped

    assert asyncio.run(visit()) == (1001, True)
    thread.join(30)
    assert not thread.is_alive()
    assert closed == [1001]
    assert TornadoWrapper.tornado_app is None


@override_settings(TORNADO={"shutdown_timeout": 60, "shutdown_delay": 30})
def test_a_server_that_is_replaced_lets_nobody_in_any_more() -> None:
    TornadoWrapper.start_app([], {})
    port = TornadoWrapper.listen(0)
    with TornadoWrapper.sockets[0].dup() as other:
        thread = threading.Thread(target=TornadoWrapper.loop)
        thread.start()

        async def visit() -> int | None:
            server = testing.Server(port)
            client = await server.connect("/chat")
            stopped = asyncio.create_task(
                asyncio.to_thread(TornadoWrapper.stop, timeout_s=20, is_replaced=True)
            )
            code = await client.closed()
            assert await stopped  # without the delay, which is for servers that nobody replaces
            await server.disconnect()
            return code

        WebSocket("/chat")
        assert asyncio.run(visit()) == 1001
        thread.join(30)
        other.settimeout(20)  # it does not block, and who has connected may not be in yet
        with socket.create_connection(("127.0.0.1", port)) as waiting:
            accepted, address = other.accept()
            accepted.close()
            assert address == waiting.getsockname()


def test_what_does_not_run_is_stopped_at_once() -> None:
    assert TornadoWrapper.stop(timeout_s=0) is True
