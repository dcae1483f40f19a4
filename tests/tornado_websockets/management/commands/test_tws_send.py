"""``manage.py tws_send``; how it reaches the clients of other processes is an integration test."""

from __future__ import annotations

import asyncio
import io
import sys
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.tornado_websockets.visitors import visitor
from tornado_websockets.testing import Client, Server
from tornado_websockets.websocket import WebSocket

MESSAGE = {"message": "hi"}


async def send(*arguments: str) -> str:
    """Run the command in a thread of a process that serves, and return what it prints."""
    output = io.StringIO()
    await asyncio.to_thread(call_command, "tws_send", *arguments, stdout=output)
    return output.getvalue()


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        call_command("tws_send", *arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("argument", "data"),
    [
        ((), {}),
        (('{"id": 7, "more": {"a": [1]}}',), {"id": 7, "more": {"a": [1]}}),
        (('"hi"',), MESSAGE),
        (("-",), {"from": "stdin"}),
    ],
)
async def test_it_sends_json_to_a_path(
    argument: tuple[str, ...], data: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    WebSocket("/sent")
    client = await server.connect("/sent")
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"from": "stdin"}\n'))
    assert await send("sent", "news", *argument) == "Sent 'news' to /sent.\n"
    assert await client.receive() == ("news", data)


async def test_it_sends_to_those_in_rooms(server: Server) -> None:
    ws = WebSocket("/sent")
    clients = [await server.connect("/sent") for _ in range(3)]
    for socket, room in zip(ws, "abc", strict=True):
        socket.join(room)
    await send("/sent", "news", "--room", "a", "--room=b")
    await send("/sent", "last")
    assert [await names(client) for client in clients] == [["news"], ["news"], []]


@pytest.mark.django_db(transaction=True)
async def test_it_sends_to_a_user(server: Server) -> None:
    WebSocket("/sent", login_required=True)
    ann, hers = await visitor("ann")
    _bob, his = await visitor("bob")
    clients = [await server.connect("/sent", client=each) for each in (hers, his)]
    await send("/sent", "news", "--user", str(ann.pk))
    await sync_to_async(call_command)("tws_send", "/sent", "last", stdout=io.StringIO())
    assert [await names(client) for client in clients] == [["news"], []]


async def names(client: Client) -> list[str]:
    """Return the events before the last one."""
    found = []
    while (event := (await client.receive()).event) != "last":
        found.append(event)
    return found


def test_without_a_shared_layer_it_says_what_to_configure() -> None:
    WebSocket("/sent")
    assert "set TORNADO['layer'] = 'redis://" in refused("/sent", "news")


def test_a_path_that_is_none_is_told_with_those_that_are() -> None:
    for path in ("/offers", "/sent", "/chat/rooms"):
        WebSocket(path)
    message = refused("/semt", "news")
    assert message.startswith("there is no WebSocket on /semt; of ")
    assert message.partition(" there are ")[2].startswith("/sent, ")
    assert "/offers" in message
    assert "needs a name" in refused(" ", "news")


@pytest.mark.parametrize("text", ["hi", "", "{", "{} {}", "[" * 100_000])
def test_what_is_no_json_is_refused(text: str) -> None:
    WebSocket("/sent")
    assert "JSON is expected" in refused("/sent", "news", text)


@pytest.mark.parametrize("text", ["7", "[1]", "null", "true"])
def test_json_that_is_no_data_is_refused(text: str) -> None:
    WebSocket("/sent")
    assert refused("/sent", "news", text) == f"a JSON object or string is expected, got {text!r}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("",),
        ("news", '{"n": NaN}'),
        ("news", "--room", "a\nb"),
        ("news", "--room", "a", "--user", "1"),
        ("news", "--room", ""),
        ("news", "--user", ""),
    ],
)
async def test_other_mistakes_are_told_without_a_traceback(
    arguments: tuple[str, ...], server: Server
) -> None:
    WebSocket("/sent")
    with pytest.raises(CommandError):
        await send("/sent", *arguments)


def test_a_project_without_websockets_is_told_where_to_write_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tornado_websockets.management.commands.tws_send.discover", lambda: None)
    assert "write one in a views or websockets module" in refused("/sent", "news")


@override_settings(TORNADO={"layer": "nowhere.Layer"})
def test_a_layer_that_cannot_be_imported_is_told() -> None:
    WebSocket("/sent")
    assert "TORNADO['layer'] cannot be imported" in refused("/sent", "news")
