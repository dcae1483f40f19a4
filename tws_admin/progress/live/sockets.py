"""A WebSocket of its own for each run that somebody watches, made when it is asked for."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Final

from tornado.routing import PathMatches, Rule
from tornado.web import HTTPError

from tornado_websockets.paths import url
from tornado_websockets.runtime import runtime
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.models import ProgressTask
from tws_admin.progress.access import may_view
from tws_admin.progress.live.board import Row, board
from tws_admin.progress.live.taskbar import TaskBar
from tws_admin.progress.rows import HEAVY, as_row

__all__ = ["IDLE_S", "PREFIX", "RunHandler", "RunSockets", "route", "sockets"]

logger = logging.getLogger("tws_admin")

PREFIX: Final = "/tornado_websockets/tasks/"
"""What stands before the id of a run in the path of its WebSocket."""

UUID: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

IDLE_S: Final = 10.0
"""Seconds after which a path is given back to which nobody is connected."""


class RunSockets:
    """The WebSockets of runs by id, for the event loop alone; there is one, `sockets`."""

    def __init__(self) -> None:
        self._bars: dict[str, TaskBar] = {}
        self._idle_since: dict[str, float] = {}

    def __len__(self) -> int:
        """Return how many clients there are."""
        return sum(map(len, self._websockets().values()))

    async def find(self, run_id: str) -> WebSocket | None:
        """Return the WebSocket of a run, None when there is no such run.

        Raises:
            Exception: whatever the database raises when it is not there.
        """
        began = time.monotonic()
        row = await runtime.in_thread(_row, run_id, context=copy_context())
        if row is None:
            return None
        self._idle_since[run_id] = time.monotonic()
        found = self._websockets().get(run_id)  # two may ask at the same time
        return found or self._make(board.judge(row, began))

    def show(self, row: Row) -> None:
        """Show how a run is now to those who watch it."""
        bar = self._bars.get(row["id"])
        if bar is not None:
            bar.show(row)

    def sweep(self) -> None:
        """Give back the paths to which nobody has been connected for a while."""
        now = time.monotonic()
        for run_id, websocket in self._websockets().items():
            if len(websocket):
                self._idle_since[run_id] = now
            elif now - self._idle_since[run_id] >= IDLE_S:
                self._give_back(run_id, websocket)

    def clear(self) -> None:
        """Give all of them back."""
        for run_id, websocket in self._websockets().items():
            self._give_back(run_id, websocket)

    # Private.

    def _websockets(self) -> dict[str, WebSocket]:
        found = {key: bar.websocket for key, bar in self._bars.items()}
        return {key: each for key, each in found.items() if each is not None}

    def _make(self, row: Row) -> WebSocket:
        websocket = WebSocket(
            PREFIX + row["id"],
            permission=_permission(row["id"]),
            monitored=False,
            slow_reader="latest",
        )
        self._bars[row["id"]] = websocket.bind(TaskBar(row))
        return websocket

    def _give_back(self, run_id: str, websocket: WebSocket) -> None:
        websocket.unregister()
        del self._bars[run_id], self._idle_since[run_id]


class RunHandler(WebSocketHandler):
    """The first connection to a run, whose WebSocket is found or made in the handshake.

    Until then it is one to the WebSocket for which the route stands: whoever may not connect there
    is not told which runs there are.
    """

    async def prepare(self) -> None:
        """Refuse who may not connect, find the run, and refuse who may not see it.

        Raises:
            HTTPError: 404, there is no such run; 503 when nobody can tell.
        """
        await super().prepare()
        try:
            websocket = await sockets.find(self.path_args[0])
        except Exception as error:
            logger.warning("cannot tell which run is meant by a handshake", exc_info=True)
            self.count_refusal("unavailable")
            raise HTTPError(503) from error
        if websocket is None:
            self.count_refusal("no_such_run")
            raise HTTPError(404)
        self.initialize(websocket)
        await super().prepare()


def route(entrance: WebSocket) -> Rule:
    """Return the route of all runs.

    Args:
        entrance: the WebSocket to which those may connect to whom it is told which runs there are.
    """
    pattern = f"{re.escape(url(PREFIX))}({UUID})"
    return Rule(PathMatches(pattern), RunHandler, {"websocket": entrance})


def _row(run_id: str) -> Row | None:
    runs = ProgressTask.objects.select_related("user").defer(*HEAVY)
    run = runs.filter(pk=run_id).first()
    return None if run is None else as_row(run)


def _permission(run_id: str) -> Callable[[Any, Any], bool]:
    def may_watch(user: Any, _request: Any) -> bool:
        """Return whether a user may see the run as it is now; blocks."""
        run = ProgressTask.objects.only("user_id").filter(pk=run_id).first()
        return run is not None and may_view(user, run)

    return may_watch


sockets: Final = RunSockets()
"""Those of this process."""
