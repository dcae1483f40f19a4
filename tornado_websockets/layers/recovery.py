"""What a layer does for clients that come back."""

from __future__ import annotations

import abc
import asyncio
import functools
import time
from collections.abc import Collection, Sequence

from tornado_websockets.encoding import encode
from tornado_websockets.history import RECOVERED, Offset, Position, offset_text
from tornado_websockets.layers.audience import Audience
from tornado_websockets.layers.connection import Connection
from tornado_websockets.layers.log import Log
from tornado_websockets.layers.replay import Early, Progress, Replay
from tornado_websockets.outgoing import Outgoing

__all__ = ["Recovery"]


class Recovery(abc.ABC):
    """The half of a `Layer` that keeps what was sent; on the event loop.

    What all clients of a path with a history are sent goes into its `Log`, and to those who are
    connected. A client that comes back is told where it is and gets what it has missed, within one
    turn of the event loop, so that nothing falls in between. One that has missed more than it takes
    at once is "behind": it gets everything from the log until it is at the end of it.

    Args:
        audience: who is connected to this process.

    Attributes:
        audience: who is connected to this process.
    """

    def __init__(self, audience: Audience) -> None:
        self.audience = audience
        self._logs: dict[str, Log] = {}
        # Those who are behind, by path and by the id of their connection.
        self._behind: dict[str, dict[str, asyncio.Task[None]]] = {}

    def log(self, path: str) -> Log | None:
        """Return what is kept of a path that has a history."""
        log = self._logs.get(path)
        if log is None:
            history = self.audience.served.get(path)
            if history is not None:
                log = self._logs[path] = Log(history, time.monotonic)
                self.begin(path, log)
        return log

    def begin(self, path: str, log: Log) -> None:
        """Let a log begin; one that is filled from elsewhere has no epoch until then."""
        log.begin()

    @abc.abstractmethod
    async def reach(self, path: str, position: Position | None) -> None:
        """Wait until the log of a path covers a position, or it is certain that it does not.

        It takes a few seconds at most, and raises nothing.
        """

    def early(self, path: str) -> Sequence[Early]:
        """Return what the clients here were sent before it is in the log of a path, in order.

        A client that comes gets it as well, behind what is in the log: later events would come
        before it otherwise.
        """
        return ()

    def deliver(self, path: str, outgoing: Outgoing, without: Collection[str] = ()) -> None:
        """Send an event of a history to every client of its path who is not behind.

        Those who are get it from the log, which has it already, or will have it.

        Args:
            path: one that has a history.
            outgoing: the event, with its offset, or with its id as long as it has none.
            without: the ids of connections that do not get it.
        """
        behind, to = self._behind.get(path), None
        if behind:
            # Not by `without`, which goes for those as well who have left one that is behind.
            to = [each for each in self.audience.connections(path) if each.id not in behind]
        self.audience.deliver(path, outgoing, to, without)

    def welcome(self, path: str, connection: Connection, position: Position | None) -> None:
        """Tell a client that has just joined where it is, and send what it has missed.

        Args:
            path: one that has a history.
            connection: the client's.
            position: where it was when it was here before, None when it was not.
        """
        log = self.log(path)
        if log is None:  # the path was given back during the handshake
            return
        at = Position(log.epoch, log.top, frozenset()) if position is None else position
        self.audience.succession.add(connection.id, at.sockets)
        replay = Replay(log, connection, at, functools.partial(self.early, path))
        missed = 0 if position is None else replay.count()
        if missed is None:
            self._tell_loss(connection, log, replay)
        else:
            recovered = None if position is None else True
            self.tell_position(connection, log.epoch, offset_text(at.offset), recovered, missed)
        if not self._go_on(connection, log, replay):
            task = asyncio.create_task(self._follow(path, connection, log, replay))
            self._behind.setdefault(path, {})[connection.id] = task

    def restart(self, path: str, epoch: str = "", at: Offset = (0, 0)) -> None:
        """Let the log of a path begin anew, and tell all its clients that something is missing.

        Args:
            path: one that has a history.
            epoch: names what the offsets count from now on, a new one when it is empty.
            at: the offset behind which it begins.
        """
        log = self.log(path)
        assert log is not None
        log.begin(epoch, at)
        # Those who are behind find it out for themselves when their next share is due.
        self.deliver(path, _position(log.epoch, offset_text(at), False, 0))

    def tell_position(
        self, connection: Connection, epoch: str, offset: str, recovered: bool | None, missed: int
    ) -> None:
        """Send the event ``recovered`` to a client."""
        connection.send(_position(epoch, offset, recovered, missed, socket=connection.id))

    # Private.

    def _drop_logs(self) -> None:
        """Forget what was kept of paths that are served no longer, or by another `WebSocket`."""
        for path, log in list(self._logs.items()):
            if log.history is not self.audience.served.get(path):
                del self._logs[path]

    async def _stop_replays(self) -> None:
        """Give up those who are behind: their connections have ended."""
        tasks = [task for behind in self._behind.values() for task in behind.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._behind.clear()  # of tasks that had not begun

    def _tell_loss(self, connection: Connection, log: Log, replay: Replay) -> None:
        self.tell_position(connection, log.epoch, offset_text(log.top), False, 0)
        replay.skip()

    def _go_on(self, connection: Connection, log: Log, replay: Replay) -> bool:
        """Send the next share, and return whether that was all."""
        progress = replay.send()
        if progress is Progress.LOST:
            self._tell_loss(connection, log, replay)
        return progress is Progress.DONE

    async def _follow(self, path: str, connection: Connection, log: Log, replay: Replay) -> None:
        """Send share by share until a client is no longer behind, or has gone."""
        is_over = False
        try:
            while not is_over:
                await connection.drain()  # in which everybody else has a turn
                is_over = not self.audience.has(path, connection) or self._go_on(
                    connection, log, replay
                )
        finally:
            # Without a wait since the last event, so that the next one is not missed.
            behind = self._behind[path]
            del behind[connection.id]
            if not behind:
                del self._behind[path]


def _position(
    epoch: str, offset: str, recovered: bool | None, missed: int, **more: str
) -> Outgoing:
    data = {"recovered": recovered, "epoch": epoch, "offset": offset, "missed": missed, **more}
    return Outgoing(RECOVERED, encode(RECOVERED, data))
