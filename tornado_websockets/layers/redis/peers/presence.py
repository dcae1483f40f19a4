"""Who is in the rooms, over all nodes."""

from __future__ import annotations

import asyncio
import collections
import functools
import math
from collections.abc import Callable, Collection, Mapping
from itertools import chain
from typing import Any, Final

from tornado_websockets.layers.audience import Audience
from tornado_websockets.layers.connection import Member, PresenceChange
from tornado_websockets.layers.redis.peers import fields
from tornado_websockets.layers.redis.peers.exchange import Exchange, Line, letter
from tornado_websockets.layers.redis.peers.roll import Roll
from tornado_websockets.layers.redis.peers.roster import (
    Company,
    Part,
    Roster,
    Row,
    change_of,
    row_of,
)

__all__ = ["Presence"]

GATHER_S: Final = 0.01
"""Seconds in which changes are gathered, to be told together."""

ROWS: Final = 1000
"""Members, or changes, in one message, at most."""

MAX_PATHS: Final = 100_000
"""Paths of a node, at most."""

MAX_DROPPED: Final = 1000
"""Nodes that are expected to come back, at most."""

EVERYBODY: Final = ""
"""Stands for all nodes among those that are sent a list."""


class Presence:
    """Tells the other nodes of this one's members, and keeps theirs; on the event loop.

    Each change is told once, with a number. What may have been lost is replaced by a list of all
    members of a node: that of each when this node hears again, that of this one when Redis did
    not take a change. Nothing is kept in Redis.

    Of the paths that belong to one Redis server.

    Args:
        id: this node's.
        audience: has its members, and is told who comes and goes.
        line: the Redis server.
        roll: the other nodes.
        look: beats, and looks for other nodes, at once; `beaten` is called then.
        paths: returns the paths that this node serves and that belong to this server.
    """

    def __init__(
        self,
        id: str,
        audience: Audience,
        line: Line,
        *,
        roll: Roll,
        look: Callable[[], None],
        paths: Callable[[], Collection[str]],
    ) -> None:
        self._id = id
        self._audience = audience
        self._line = line
        self._roll = roll
        self._look = look
        self._paths = paths
        self._own = Company()
        self._roster = Roster()
        self._changes: list[list[Any]] = []
        self._owed: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._is_back = False
        # Nodes that were taken for gone, and whose members were told to have left.
        self._dropped: collections.deque[str] = collections.deque(maxlen=MAX_DROPPED)
        takes = {"changed": self._changed, "who": self._asked, "list": self._listed}
        self._exchange = Exchange(line, "presence", id, takes, self._heard_again)

    def start(self) -> None:
        """Listen from now on."""
        self._own.paths = frozenset(self._paths())
        for path in self._paths():
            for room, members in self._audience.present(path).items():
                for member in members:
                    self._own.put(Row((path, room), member))
        self._exchange.start()

    async def stop(self) -> None:
        """Tell what waits to be told, and listen no longer."""
        self._tell()
        await self._exchange.stop()

    def members(self, path: str, room: str) -> list[Member]:
        """Return who is in a room, those who came first first; from any thread."""
        own = self._audience.members(path, room)
        others = self._roster.members((path, room))
        if not others:
            return own
        first: dict[str, Member] = {}
        for member in chain(own, others):
            known = first.setdefault(member.id, member)
            if member.since < known.since:
                first[member.id] = member
        return sorted(first.values(), key=lambda member: member.since)

    def announce(self, change: PresenceChange) -> None:
        """Tell everybody of a change among the connections of this node."""
        row = Row((change.path, change.room), change.member)
        is_news = not self._roster.has(row)
        self._own.put(row, change.is_there)
        self._changes.append([change.is_there, is_news, *row.data])
        self._tell_soon()
        if is_news:
            self._audience.tell(change)

    def beaten(self) -> None:
        """Make good for what was lost, once a second while Redis answers."""
        self._tell_soon()
        if self._is_back and self._line.is_up:
            self._is_back = False
            self._ask(EVERYBODY)
            return
        for node in self._roster.unknown(self._roll.live):
            self._ask(node)

    def served_changed(self) -> None:
        """Tell the others when this node serves other paths."""
        paths = frozenset(self._paths())
        if paths != self._own.paths:
            self._own.paths = paths
            self._send_changes([], list(paths))

    def drop(self, node: str) -> None:
        """Let the members of a node be gone with it."""
        self._dropped.append(node)
        for row in self._roster.drop(node):
            if not self._roster.has(row):
                self._tell_of(row, False)

    # What this node tells.

    def _tell_soon(self) -> None:
        if self._timer is None and (self._changes or self._owed):
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._tell)

    def _tell(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        changes, self._changes = self._changes, []
        for start in range(0, len(changes), ROWS):
            self._send_changes(changes[start : start + ROWS])
        if self._line.is_up:
            owed, self._owed = self._owed, set()
            for node in [EVERYBODY] if EVERYBODY in owed else owed:
                self._send_list(node)

    def _send_changes(self, changes: list[list[Any]], paths: list[str] | None = None) -> None:
        self._own.number += 1
        data = {"number": self._own.number, "rows": changes, "paths": paths}
        self._send("changed", data, EVERYBODY)

    def _send_list(self, to: str) -> None:
        # At once, so that no change comes between its parts.
        rows = [row.data for row in self._own]
        of = max(1, math.ceil(len(rows) / ROWS))
        for index in range(of):
            data = {
                "number": self._own.number,
                "index": index,
                "of": of,
                "paths": list(self._own.paths),
                "rows": rows[index * ROWS : (index + 1) * ROWS],
            }
            self._send("list", data, to)

    def _send(self, kind: str, data: Mapping[str, Any], to: str) -> None:
        sent = self._exchange.send(letter(kind, self._id, data), to)
        sent.add_done_callback(functools.partial(self._sent, to))

    def _sent(self, to: str, sent: asyncio.Future[bool]) -> None:
        if not sent.result():  # what was in it is in a list that comes later
            self._owed.add(to)

    def _ask(self, node: str) -> None:
        """Ask a node, or everybody, for a list; who does not answer is asked again."""
        self._exchange.send(letter("who", self._id, {}), node)

    def _heard_again(self) -> None:
        self._roster.doubt()
        # Others take nothing from a node that they do not know: it asks behind its beat.
        self._is_back = True
        self._look()

    # What other nodes tell.

    def _asked(self, sender: str, data: Mapping[str, Any]) -> None:
        self._owed.add(sender)
        self._tell_soon()
        if sender not in self._roll:
            self._look()
        elif self._roster.unknown([sender]):
            self._ask(sender)

    def _changed(self, sender: str, data: Mapping[str, Any]) -> None:
        number = fields.number(data, "number")
        paths = None if data.get("paths") is None else fields.texts(data, "paths", MAX_PATHS)
        changes = [change_of(each) for each in fields.items(data, "rows", ROWS)]
        company = self._roster.follow(sender, number) if sender in self._roll else None
        if company is None:
            return
        if paths is not None:
            company.paths = frozenset(paths)
        for is_there, is_news, row in changes:
            company.put(row, is_there)
            # Of two nodes that a member leaves at the same time, each takes the other one for the
            # last.
            if not is_there and not is_news and not self._roster.has(row):
                self._tell_of(row, False)

    def _listed(self, sender: str, data: Mapping[str, Any]) -> None:
        number, index, of = (fields.number(data, key) for key in ("number", "index", "of"))
        paths = frozenset(fields.texts(data, "paths", MAX_PATHS))
        rows = [row_of(each) for each in fields.items(data, "rows", ROWS)]
        if sender not in self._roll:  # nobody would notice its end
            return
        added = self._roster.take(sender, Part(number, index, of, paths, rows))
        if added is None or sender not in self._dropped:
            return
        # It was silent for a while, and its members were told to have left.
        self._dropped.remove(sender)
        for row in added:
            if not self._roster.has(row, but=sender):
                self._tell_of(row, True, but=sender)

    # What is told of others' members.

    def _tell_of(self, row: Row, is_there: bool, *, but: str = "") -> None:
        """Tell of a member that is none of this node, if this is the node to do so."""
        path, room = row.place
        others = [id for id in self._roll.live if id != but and self._roster.serves(id, path)]
        if (
            row not in self._own
            and path in self._own.paths
            and self._id <= min([self._id, *others])
        ):
            self._audience.tell(PresenceChange(path, None, room, row.member, is_there))
