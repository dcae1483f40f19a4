"""What happens over the WebSockets of the pages, in the example as it is served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from tests.demo import Demo
from tornado_websockets.message import Data
from tornado_websockets.testing import Client

Connect = Callable[[str], Awaitable[Client]]
WORK = "module_progressbar_work_"
SEARCH = "module_progressbar_search_"


@pytest_asyncio.fixture
async def connect(demo: Demo) -> AsyncIterator[Connect]:
    """Connect to a path of the example; what is still open is closed behind the test."""
    clients: list[Client] = []

    async def connect(path: str) -> Client:
        clients.append(await demo.server.connect(path))
        return clients[-1]

    yield connect
    for client in clients:
        if client.connection.close_code is None:
            await client.close()


async def until(client: Client, event: str, **expected: Any) -> Data:
    """Return the data of the next such event, whatever comes before it."""
    async with asyncio.timeout(30):
        while True:
            message = await client.receive()
            if message.event == event and message.data.items() >= expected.items():
                return message.data


async def join(client: Client, name: str) -> None:
    await until(client, "history")
    client.emit("join", {"name": name})
    await until(client, "joined", name=name)


class TestChat:
    async def test_everybody_sees_who_joins_what_is_said_and_who_leaves(
        self, connect: Connect
    ) -> None:
        ann, bob = await connect("/chat"), await connect("/chat")
        await join(ann, "Ann")
        await join(bob, "Bob")
        await until(ann, "joined", name="Bob")
        ann.emit("message", {"text": "Hello, Bob"})
        for client in (ann, bob):
            data = await until(client, "message")
            assert (data.author, data.text) == ("Ann", "Hello, Bob")
            assert datetime.fromisoformat(data.at).tzinfo is not None
        await bob.close()
        await until(ann, "left", name="Bob")

    async def test_everybody_sees_how_many_are_there(self, connect: Connect) -> None:
        ann = await connect("/chat")
        await until(ann, "online", count=1)
        bob = await connect("/chat")
        await until(ann, "online", count=2)
        await bob.close()
        await until(ann, "online", count=1)

    async def test_a_late_visitor_gets_the_latest_messages_oldest_first(
        self, connect: Connect
    ) -> None:
        ann = await connect("/chat")
        await join(ann, "Ann")
        texts = [f"number {number}" for number in range(60)]
        for text in texts:
            ann.emit("message", {"text": text})
        await until(ann, "message", text=texts[-1])
        data = await until(await connect("/chat"), "history")
        assert [message["text"] for message in data.messages] == texts[-50:]

    @pytest.mark.parametrize(
        ("data", "field"),
        [
            ({"text": " "}, "text"),
            ({}, "text"),
            ({"text": "x" * 501}, "text"),
            ({"text": "a\0b"}, "text"),
        ],
    )
    async def test_a_message_is_validated(
        self, connect: Connect, data: dict[str, Any], field: str
    ) -> None:
        client = await connect("/chat")
        await join(client, "Ann")
        client.emit("message", data)
        refused = await until(client, "refused")
        assert list(refused.errors) == [field]
        assert all(isinstance(sentence, str) for sentence in refused.errors[field])
        client.emit("message", {"text": "still here"})
        await until(client, "message", text="still here")

    @pytest.mark.parametrize("name", [None, "", "  ", "x" * 41])
    async def test_a_name_is_validated(self, connect: Connect, name: str | None) -> None:
        client = await connect("/chat")
        client.emit("join", {"name": name})
        assert list((await until(client, "refused")).errors) == ["author"]

    async def test_nobody_speaks_without_a_name(self, connect: Connect) -> None:
        client = await connect("/chat")
        client.emit("message", {"text": "Who am I?"})
        assert list((await until(client, "refused")).errors) == ["author"]


class TestEcho:
    async def test_what_is_sent_comes_back(self, connect: Connect) -> None:
        client = await connect("/echo")
        data = {"text": "¡Hola!", "sent_at": 12.5, "nested": [{"a": None}]}
        client.emit("message", data)
        assert await client.receive() == ("message", data)

    async def test_a_wrong_frame_is_answered_with_a_warning(self, connect: Connect) -> None:
        client = await connect("/echo")
        client.send('{"event": "message", "data": ')
        assert (await until(client, "warning")).code == "invalid_json"
        client.emit("message", {"text": "still here"})
        await until(client, "message", text="still here")


class TestProgress:
    @pytest_asyncio.fixture
    async def client(self, connect: Connect) -> Client:
        client = await connect("/progress")
        client.emit(WORK + "reset")
        await until(client, WORK + "init", value=0)
        return client

    async def test_work_moves_the_bar_of_every_client_to_its_end(
        self, client: Client, connect: Connect
    ) -> None:
        client.emit(WORK + "start")
        await until(client, WORK + "update", value=3)
        late = await connect("/progress")
        assert 3 <= (await until(late, WORK + "init")).value < 100
        for watching in (client, late):
            await until(watching, WORK + "update", value=100, label="Step 100 of 100")
            await until(watching, WORK + "done")

    async def test_a_second_start_is_refused_while_the_work_runs(self, client: Client) -> None:
        client.emit(WORK + "start")
        client.emit(WORK + "start")
        assert (await until(client, "refused")).message == "This is already running."
        await until(client, WORK + "update", value=3)
        client.emit(WORK + "reset")
        await until(client, WORK + "init", value=0)

    async def test_reset_interrupts_the_work_which_can_then_start_again(
        self, client: Client
    ) -> None:
        for _ in range(2):
            client.emit(WORK + "start")
            await until(client, WORK + "update", value=3)
            client.emit(WORK + "reset")
            await until(client, WORK + "init", value=0)

    async def test_a_search_tells_where_it_is_and_that_it_is_done(self, client: Client) -> None:
        client.emit(SEARCH + "find")
        await until(client, SEARCH + "init", indeterminate=True)
        assert (await until(client, SEARCH + "update")).label
        await until(client, SEARCH + "done")
