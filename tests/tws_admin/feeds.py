"""A reader of the feed, which puts together what it gets as docs/monitor-feed.md says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from tests.tws_admin.operators import operator
from tornado_websockets.testing import Client, Server
from tws_admin.monitor import PATH

KEYS = {
    "paths": ("path",),
    "bars": ("path", "name"),
    "tasks": ("id",),
    "nodes": ("id",),
    "events": ("event",),
}
LOG_SIZE = 500


class State:
    """What a reader knows, from a snapshot on."""

    def __init__(self, snapshot: Mapping[str, Any]) -> None:
        self.data: dict[str, Any] = {}
        for key, value in snapshot.items():
            if key in KEYS:
                self.data[key] = _merged([], value, key)
            else:
                self.data[key] = dict(value) if isinstance(value, dict) else value

        for path in self.data["paths"]:
            path.pop("rates", None)  # of the moment of the snapshot

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def apply(self, tick: Mapping[str, Any]) -> None:
        assert tick["epoch"] == self["epoch"]
        assert tick["since"] <= self["seq"] < tick["seq"], "a tick was missed"
        for key in ("seq", "time"):
            self.data[key] = tick[key]
        for key in ("server", "totals"):
            self.data[key] |= tick.get(key, {})
        for key in ("paths", "bars", "tasks", "nodes"):
            self.data[key] = _merged(self[key], tick.get(key, []), key)
        self.data["lifecycle"] = (self["lifecycle"] + tick.get("lifecycle", []))[-LOG_SIZE:]

    def path(self, path: str) -> Any:
        return next(each for each in self["paths"] if each["path"] == path)

    def log(self, kind: str) -> list[Any]:
        return [event for event in self["lifecycle"] if event["kind"] == kind]


def _merged(known: list[Any], rows: list[Any], key: str) -> list[Any]:
    def name(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(row[part] for part in KEYS[key])

    found = {name(row): row for row in known}
    for row in rows:
        if row.get("gone"):
            found.pop(name(row), None)  # it may have come and gone
            continue
        old = found.get(name(row), {})
        new = {**old, **row}
        if "events" in row:
            new["events"] = _merged(old.get("events", []), row["events"], "events")
        found[name(row)] = new
    return list(found.values())


class Watcher:
    """Somebody who watches the feed of a real server."""

    def __init__(self, client: Client, state: State) -> None:
        self.client = client
        self.state = state
        self.ticks: list[Any] = []

    async def tick(self) -> Any:
        """Take the next tick."""
        while True:
            event, data = await self.client.receive()
            if event == "tick":
                self.ticks.append(data)
                self.state.apply(data)
                return data

    async def until(self, condition: Callable[[State], object]) -> State:
        """Take ticks until the state is as expected."""
        async with asyncio.timeout(15):
            while not condition(self.state):
                await self.tick()
        return self.state


async def watch(server: Server, *, browser: Any = None) -> Watcher:
    """Connect to the feed, as somebody who may watch."""
    if browser is None:
        _user, browser = await operator("view_dashboard")
    client = await server.connect(PATH, client=browser)
    event, data = await client.receive()
    assert event == "snapshot"
    return Watcher(client, State(data))
