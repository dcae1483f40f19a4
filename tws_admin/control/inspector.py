"""What clients and the server say to each other on a path, for those who may see it, for a while.

While nobody inspects a path, nothing is installed there; while somebody does, see `control.tap`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import Collection, Mapping
from contextvars import copy_context
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _

from tornado_websockets import signals
from tornado_websockets.runtime import runtime
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.control.requests import Refusal, authorise, reference, refusing, text, watched_path
from tws_admin.control.tap import Sample, shown

__all__ = ["Inspector", "attach"]

logger = logging.getLogger("tws_admin")

LASTS_S: Final = 600.0
RECHECK_S: Final = 60.0
FLUSH_S: Final = 1.0


class Inspection(NamedTuple):
    """A path that is inspected."""

    websocket: WebSocket
    sample: Sample


@dataclasses.dataclass(slots=True)
class Subscription:
    """What one viewer inspects, times being those of the event loop."""

    path: str
    ends: float
    check: float


class Inspector:
    """Shows viewers what happens on one path each, on the event loop's thread.

    Args:
        websocket: that of the monitor.
        lasts_s: after how many seconds it ends by itself.
        recheck_s: how often the permission is looked at again.
        flush_s: how often viewers get what there is.
    """

    def __init__(
        self,
        websocket: WebSocket,
        *,
        lasts_s: float = LASTS_S,
        recheck_s: float = RECHECK_S,
        flush_s: float = FLUSH_S,
    ) -> None:
        self._websocket = websocket
        self._lasts_s = lasts_s
        self._recheck_s = recheck_s
        self._flush_s = flush_s
        self._viewers: dict[WebSocketHandler, Subscription] = {}
        self._inspections: dict[str, Inspection] = {}
        self._task: asyncio.Task[None] | None = None

    def begin(self, socket: WebSocketHandler, websocket: WebSocket) -> float:
        """Show a viewer what happens on a path from now on, and return when that ends."""
        path = websocket.path
        if path not in self._inspections and websocket.tap is not None:
            sentence = _("The events of %(path)s are shown to another program.")
            raise Refusal("invalid", sentence % {"path": path})
        self.end(socket)
        if path not in self._inspections:
            inspection = self._inspections[path] = Inspection(websocket, Sample())
            websocket.tap = inspection.sample.tap
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._viewers[socket] = Subscription(path, now + self._lasts_s, now + self._recheck_s)
        if self._task is None:
            signals.server_stopping.connect(self._stop)
            self._task = loop.create_task(self._run())
        return time.time() + self._lasts_s

    def end(self, socket: WebSocketHandler) -> None:
        """Show a viewer nothing any more; the last one of a path takes the tap away."""
        ended = self._viewers.pop(socket, None)
        if ended is None or any(each.path == ended.path for each in self._viewers.values()):
            return
        websocket, sample = self._inspections.pop(ended.path)
        if websocket.tap == sample.tap:
            websocket.tap = None

    # Private.

    def _stop(self, **_event: Any) -> None:
        for socket in list(self._viewers):
            self.end(socket)
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        while self._viewers:
            await asyncio.sleep(self._flush_s)
            try:
                await self._recheck()
                for path, inspection in list(self._inspections.items()):
                    await self._flush(path, inspection)
            except Exception:
                logger.exception("the inspector of events has failed, and goes on")
        self._task = None

    async def _flush(self, path: str, inspection: Inspection) -> None:
        taken, skipped = inspection.sample.take()
        if not taken:
            return
        events = await runtime.in_thread(shown, taken, context=copy_context())
        answer = {"path": path, "events": events, "skipped": skipped}
        # Those who see it now: somebody may have gone meanwhile.
        viewers = [socket for socket, each in self._viewers.items() if each.path == path]
        self._websocket.broadcast("inspected", answer, to=viewers)

    async def _recheck(self) -> None:
        """End what has lasted long enough, and what is not permitted any more."""
        now = asyncio.get_running_loop().time()
        self._expire([socket for socket, each in self._viewers.items() if each.ends <= now])
        due = {socket: each for socket, each in self._viewers.items() if each.check <= now}
        if not due:
            return
        for each in due.values():
            each.check = now + self._recheck_s
        forbidden = await runtime.in_thread(_forbidden, list(due), context=copy_context())
        # What a viewer has begun meanwhile was permitted when it began.
        self._expire([each for each in forbidden if self._viewers.get(each) is due[each]])

    def _expire(self, sockets: Collection[WebSocketHandler]) -> None:
        for socket in sockets:
            self.end(socket)
        if sockets:
            nothing = {"id": None, "path": None, "until": None}
            self._websocket.broadcast("inspecting", nothing, to=sockets)


def attach(websocket: WebSocket, inspector: Inspector | None = None) -> None:
    """Let viewers inspect paths, on the WebSocket of the monitor."""
    inspecting = inspector or Inspector(websocket)

    async def inspect(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
        with refusing(socket, data):
            answer = {"id": reference(data)}
            path = text(data, "path")
            until = None
            if path is None:
                inspecting.end(socket)
            else:
                inspected = watched_path(path)
                await runtime.in_thread(authorise, socket, "inspect", context=copy_context())
                until = inspecting.begin(socket, inspected)
            socket.emit("inspecting", {**answer, "path": path, "until": until})

    async def close(socket: WebSocketHandler) -> None:
        # A hook runs when the callbacks of what the viewer has asked before have ended.
        inspecting.end(socket)

    websocket.on(inspect)
    websocket.events.add_hook(close)


# In a thread.


def _forbidden(sockets: Collection[WebSocketHandler]) -> list[WebSocketHandler]:
    """Return those of some viewers who may not inspect any more."""
    forbidden = []
    for socket in sockets:
        try:
            authorise(socket, "inspect")
        except Refusal:
            forbidden.append(socket)
    return forbidden
