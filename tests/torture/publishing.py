"""What the nodes of a cluster have that other projects have not: they publish, and measure."""

from __future__ import annotations

from typing import Final

__all__ = ["ROUTES", "SETTINGS", "WEBSOCKETS"]

SETTINGS: Final = """
from project.cluster import ROUTES

TORNADO["handlers"] = [*TORNADO["handlers"], *ROUTES]
TORNADO["layer"] = {url!r}
"""

WEBSOCKETS: Final = """
from tornado_websockets.websocket import History

feed = WebSocket("/feed", history=History(events=200_000, seconds=900, bytes=None))
live = WebSocket("/live")
"""

# Routes of Tornado's, like the one that tells what the process holds.
ROUTES: Final = '''
import asyncio, json, time
from tornado.web import RequestHandler

class Publisher:
    """Publishes at a steady rate, and notes what was not acknowledged."""

    def __init__(self, name, rate):
        self.name, self.rate = name, rate
        self.count, self.failed, self.tasks, self.is_over = 0, [], set(), False
        self.task = asyncio.create_task(self.run())

    async def run(self):
        started = time.monotonic()
        while not self.is_over:
            while self.count < (time.monotonic() - started) * self.rate:
                task = asyncio.create_task(self.publish(self.count))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
                self.count += 1
            await asyncio.sleep(0.005)

    async def publish(self, n):
        from shop.websockets import feed, live
        from tornado_websockets.exceptions import LayerUnavailableError
        data = {"p": self.name, "n": n, "t": time.monotonic()}
        live.broadcast("tick", data)
        try:
            await feed.abroadcast("tick", data)
        except LayerUnavailableError:
            self.failed.append(n)

    async def stop(self):
        self.is_over = True
        await self.task
        await asyncio.gather(*self.tasks)
        return {"events": self.count, "failed": self.failed}

class Lag:
    """Notes how late the event loop is, at moments that do not wait for it."""

    def __init__(self):
        self.seen = []
        self.task = asyncio.create_task(self.run())

    async def run(self):
        due = time.perf_counter()
        while True:
            # Those in which the loop stood still count as well, each for itself.
            due += 0.005
            await asyncio.sleep(due - time.perf_counter())
            self.seen.append((time.perf_counter() - due) * 1000)

    def stop(self):
        self.task.cancel()
        seen = sorted(self.seen)
        return {"p99": seen[len(seen) * 99 // 100], "worst": seen[-1]}

running = {}

class Begin(RequestHandler):
    """Begin to publish, or to measure the lag."""

    def get(self, what):
        if what == "publish":
            name, rate = self.get_argument("name"), float(self.get_argument("rate"))
            running[what] = Publisher(name, rate)
        else:
            running[what] = Lag()

class End(RequestHandler):
    """End that, and tell what was seen."""

    async def get(self, what):
        found = running.pop(what).stop()
        self.finish(json.dumps(found if isinstance(found, dict) else await found))

class Look(RequestHandler):
    """Tell what this node knows of the others."""

    def get(self):
        from tornado_websockets.layers import layer
        from shop.websockets import feed
        nodes = layer().nodes()
        self.finish(json.dumps({
            "nodes": sum(not node.is_stale for node in nodes),
            "known": len(nodes),
            "members": len(feed.presence("hall")),
            "trouble": layer().trouble,
        }))

ROUTES = [("/begin/([a-z]+)", Begin), ("/end/([a-z]+)", End), ("/look", Look)]
'''
