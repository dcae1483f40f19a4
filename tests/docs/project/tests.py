"""Drives those examples of the documentation that bring no tests of their own.

It is copied into the project that is made of the examples, and run there by Django's runner.
"""

# ruff: noqa: PT009, PT027  Django's runner shows the values of these assertions only

from __future__ import annotations

import re
from importlib import import_module

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import (
    AsyncClient,
    RequestFactory,
    SimpleTestCase,
    TransactionTestCase,
    override_settings,
)
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from tornado_websockets import conf
from tornado_websockets.discovery import discover
from tornado_websockets.testing import serve
from tornado_websockets.websocket import registry
from tws_admin import conf as monitor_conf

# The first ones stand in no module that a server finds by itself.
import_module("chat.archive")
import_module("chat.counter")
import_module("chat.prices")
import_module("chat.tables")
import_module("chat.team")
import_module("jobs.poll")
discover()


PATHS = {
    "/archive",
    "/chat",
    "/counter",
    "/desk",
    "/jobs",
    "/night",
    "/poll",
    "/prices",
    "/tables",
    "/team",
    "/trades",
    "/tornado_websockets/monitor",
    "/tornado_websockets/tasks",
    "/tornado_websockets/tasks/all",
}


class SettingsTests(SimpleTestCase):
    """The settings are the page's, with one variable set."""

    def test_the_environment_comes_on_top(self) -> None:
        self.assertEqual(conf.get(), conf.Config(port=8123, limits=conf.Limits(message_size=2**18)))

    def test_so_are_those_of_the_monitor(self) -> None:
        expected = monitor_conf.Config(
            read_only=True, metrics_path="/metrics", metrics_token="only-for-the-tests"
        )
        self.assertEqual(monitor_conf.get(), expected)

    def test_they_pass_the_checks(self) -> None:
        call_command("check", fail_level="WARNING")

    def test_the_server_finds_every_websocket(self) -> None:
        self.assertEqual(set(registry), PATHS)


@override_settings(ALLOWED_HOSTS=["127.0.0.1"])
class ExampleTests(TransactionTestCase):
    """Each example answers over a real connection, its callbacks in threads as in production."""

    async def test_what_is_posted_is_sent_with_the_commit(self) -> None:
        async with serve(share_thread=False) as server:
            client = await server.connect("/chat")
            await client.receive()
            message = await sync_to_async(import_module("chat.posting").post)("Hi")
            expected = ("message", {"text": "Hi", "id": message.pk})
            self.assertEqual(await client.receive(), expected)

    async def test_the_chat(self) -> None:
        async with serve(share_thread=False) as server:
            ann, bob = await server.connect("/chat"), await server.connect("/chat")
            for client in (ann, bob):
                self.assertEqual(await client.receive(), ("history", {"messages": []}))
            ann.emit("message", {"text": "Hi"})
            for client in (ann, bob):
                event, data = await client.receive()
                self.assertEqual((event, data.text), ("message", "Hi"))
                self.assertRegex(data.sender, "^[0-9a-f]{16}$")
            ann.emit("message")
            errors = (await ann.receive()).data.errors
            self.assertEqual(errors["text"][0]["code"], "required")

    async def test_the_counter(self) -> None:
        async with serve(share_thread=False) as server:
            client = await server.connect("/counter")
            client.emit("add")
            client.emit("add", {"by": 4})
            self.assertEqual(await client.receive(), ("value", {"value": 1}))
            self.assertEqual(await client.receive(), ("value", {"value": 5}))

    async def test_the_tables(self) -> None:
        browsers = []
        for name in ("ann", "bob"):
            browsers.append(AsyncClient())
            await browsers[-1].aforce_login(await User.objects.acreate(username=name))
        async with serve(share_thread=False) as server:
            ann, tab, bob = [
                await server.connect("/tables", client=browser)
                for browser in (browsers[0], *browsers)
            ]
            for client, names in ((ann, ["ann"]), (tab, ["ann"]), (bob, ["ann", "bob"])):
                client.emit("sit", {"table": "red"})
                self.assertEqual(await client.receive(), ("present", {"names": names}))
            bob.emit("say", {"table": "green", "text": "Who is there?"})
            bob.emit("say", {"table": "red", "text": "Hi"})
            said = ("said", {"name": "bob", "text": "Hi"})
            self.assertEqual(await bob.receive(), said)
            for client in (ann, tab):
                self.assertEqual(await client.receive(), ("came", {"name": "bob"}))
                self.assertEqual(await client.receive(), said)
            await ann.close()
            await bob.close()
            self.assertEqual(await tab.receive(), ("went", {"name": "bob"}))

    async def test_the_metrics(self) -> None:
        async with serve(share_thread=False) as server:
            await server.connect("/counter")
            request = HTTPRequest(
                f"http://{server.host}/metrics",
                headers={"Authorization": "Bearer only-for-the-tests"},
            )
            metrics = (await AsyncHTTPClient().fetch(request)).body.decode()
        self.assertIn('\ntornado_websockets_connections{path="/counter"} 1.0\n', metrics)

    async def test_the_receiver(self) -> None:
        async with serve(share_thread=False) as server:
            client = await server.connect("/counter")
            with self.assertLogs("chat", "WARNING") as logs:
                await client.close(4008)
            self.assertRegex(logs.output[0], "127.0.0.1 read too slowly for [0-9]+ seconds")

    async def test_a_client_that_comes_back_gets_the_prices_that_it_has_missed(self) -> None:
        prices = registry["/prices"]
        async with serve() as server:
            client = await server.connect("/prices")
            other = await server.connect("/prices")
            _event, was = await client.receive()
            await client.close()
            await other.receive()
            for price in (3, 4):
                other.emit("bid", {"price": price})
                await other.receive()
            self.assertEqual(len(prices), 1)
            position = f"{was.epoch}:{was.offset}:{was.socket}"
            client = await server.connect(f"/prices?tws_position={position}")
            self.assertEqual((await client.receive()).data.missed, 2)
            for price in (3, 4):
                self.assertEqual(await client.receive(), ("price", {"price": price}))
            trader = await server.connect("/trades")
            self.assertEqual((await trader.receive()).event, "recovered")

    async def test_the_archive(self) -> None:
        message = import_module("chat.models").Message
        texts = [f"{number} " + "x" * 400 for number in range(1000)]
        await message.objects.abulk_create(message(text=text) for text in texts)
        async with serve(share_thread=False) as server:
            client = await server.connect("/archive")
            client.emit("export")
            exported = [(await client.receive()).data.text for _ in texts]
            self.assertEqual(exported, texts)
            self.assertEqual(await client.receive(), ("complete", {}))

    async def test_the_permissions(self) -> None:
        user = await User.objects.acreate(username="ann", is_superuser=True)
        await self.async_client.aforce_login(user)
        async with serve(share_thread=False) as server:
            await server.connect("/desk", client=self.async_client)
            with self.assertRaises(HTTPClientError):
                await server.connect("/night", client=self.async_client)
            await User.objects.aupdate(is_staff=True)
            await server.connect("/night", client=self.async_client)

    async def test_the_progress_bar(self) -> None:
        async with serve(share_thread=False) as server:
            client = await server.connect("/jobs")
            client.emit("module_progressbar_upload_start")
            labels = []
            event = ""
            while event != "module_progressbar_upload_done":
                event, data = await client.receive()
                if event == "module_progressbar_upload_update":
                    labels.append(data.label)
        self.assertEqual(labels, [f"Step {step} of 20" for step in range(1, 21)])

    async def test_the_bar_that_a_task_of_celery_drives(self) -> None:
        load = import_module("jobs.tasks").load
        async with serve(share_thread=False) as server:
            client = await server.connect("/jobs")
            await sync_to_async(load)()
            labels: list[str] = []
            while len(labels) < 20:
                event, data = await client.receive()
                if event == "module_progressbar_upload_update":
                    labels.append(data.label)
            import_module("jobs.websockets").bar.reset()  # for the other tests
        self.assertEqual(labels, [f"Part {part} of 20" for part in range(1, 21)])

    async def test_the_bar_of_a_task(self) -> None:
        await import_module("chat.models").Message.objects.acreate(text="long " * 50)
        request = RequestFactory().post("/shorten/")
        request.user = await User.objects.acreate(username="ann", is_staff=True, is_superuser=True)
        await self.async_client.aforce_login(request.user)
        shorten_all = import_module("chat.shortening").shorten_all
        response = await sync_to_async(shorten_all)(request)
        path = re.findall('data-path="(.+)"', response.content.decode())[0]
        async with serve(share_thread=False) as server:
            client = await server.connect(path, client=self.async_client)
            events = []
            while "module_progressbar_done" not in events:
                event, data = await client.receive()
                events.append(event)
                if event in ("module_progressbar_init", "module_progressbar_update"):
                    task = data.task
        self.assertEqual((task["state"], task["done"], task["total"]), ("succeeded", 1, 1))

    async def test_the_poll(self) -> None:
        result = "module_poll_lunch_result"
        async with serve(share_thread=False) as server:
            client = await server.connect("/poll")
            self.assertEqual(await client.receive(), (result, {"soup": 0, "salad": 0}))
            choices: list[object] = [[], "steak", "soup"]
            for choice in choices:
                client.emit("module_poll_lunch_vote", {"choice": choice})
            self.assertEqual(await client.receive(), (result, {"soup": 1, "salad": 0}))
