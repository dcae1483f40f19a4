"""Who is in the rooms through other nodes. Pure: no I/O."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import Any, Final, NamedTuple, TypeAlias

from tornado_websockets.layers.connection import Member

__all__ = ["Company", "Part", "Place", "Roster", "Row", "change_of", "row_of"]

Place: TypeAlias = tuple[str, str]
"""A path, and the name of a room there."""

MAX_TEXT: Final = 1000
"""Characters of a path, of a room's name, and of each text of a member."""


class Row(NamedTuple):
    """A member of a room."""

    place: Place
    member: Member

    @property
    def data(self) -> list[Any]:
        """The same as JSON has it."""
        member = self.member
        name, since = member.name[:MAX_TEXT], member.since.isoformat()
        return [*self.place, member.id, member.user, name, since]


class Company:
    """The members that one node has.

    Attributes:
        number: of the node's last change that is in here.
        paths: what the node serves.
    """

    def __init__(self, number: int = 0, paths: Collection[str] = ()) -> None:
        self.number = number
        self.paths = frozenset(paths)
        self._rooms: dict[Place, dict[str, Member]] = {}

    def __iter__(self) -> Iterator[Row]:
        return (Row(place, each) for place, room in self._rooms.items() for each in room.values())

    def __contains__(self, row: Row) -> bool:
        return row.member.id in self._rooms.get(row.place, ())

    def put(self, row: Row, is_there: bool = True) -> None:
        """Let a member be there, or not; either may be so already."""
        if is_there:
            self._rooms.setdefault(row.place, {})[row.member.id] = row.member
            return
        room = self._rooms.get(row.place, {})
        room.pop(row.member.id, None)
        if not room:
            self._rooms.pop(row.place, None)

    def members(self, place: Place) -> list[Member]:
        """Return who is in a room; from any thread."""
        return list(self._rooms.get(place, {}).values())


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A part of the list of all members of a node.

    Attributes:
        number: of the last change that is in the list.
        index: which part it is, from 0.
        of: how many there are.
        paths: what the node serves.
        rows: the members.
    """

    number: int
    index: int
    of: int
    paths: Collection[str]
    rows: Collection[Row]


class Roster:
    """What each other node has told of its members.

    A node numbers its changes, so that one that was lost is noticed: the node is then in doubt
    until it has sent a list of all its members. Until then, what it had is still shown.
    """

    def __init__(self) -> None:
        self._companies: dict[str, Company] = {}
        self._doubted: set[str] = set()
        self._parts: dict[str, list[Part]] = {}

    def has(self, row: Row, *, but: str = "") -> bool:
        """Return whether any node has a member in a room, leaving one node out."""
        return any(row in each for node, each in self._companies.items() if node != but)

    def members(self, place: Place) -> list[Member]:
        """Return who is in a room, a member once for each node; from any thread."""
        return [one for each in list(self._companies.values()) for one in each.members(place)]

    def serves(self, node: str, path: str) -> bool:
        """Return whether a node has said that it serves a path."""
        company = self._companies.get(node)
        return company is not None and path in company.paths

    def unknown(self, nodes: Iterable[str]) -> list[str]:
        """Return those of which a list of all members is wanted."""
        return [node for node in nodes if node not in self._companies or node in self._doubted]

    def doubt(self) -> None:
        """Want a new list of every node."""
        self._doubted.update(self._companies)

    def follow(self, node: str, number: int) -> Company | None:
        """Return what a node has, for its change of a number.

        Returns:
            None when it is in there already, or others before it are missing.
        """
        company = self._companies.get(node)
        if company is None or number <= company.number:
            return None
        if number > company.number + 1:
            self._doubted.add(node)
            return None
        company.number = number
        return company

    def take(self, node: str, part: Part) -> list[Row] | None:
        """Take in a part of the list of a node's members; the parts come in their order.

        Returns:
            The members that the node did not have before, when the list is complete.
        """
        if part.index == 0:
            self._parts[node] = []
        parts = self._parts.get(node)
        if (
            parts is None
            or part.index != len(parts)
            or any(each.number != part.number for each in parts)
        ):
            self._parts.pop(node, None)
            return None
        parts.append(part)
        if len(parts) < part.of:
            return None
        del self._parts[node]
        before = self._companies.get(node, Company())
        if part.number < before.number:  # a change has overtaken it: another list is wanted
            return None
        company = self._companies[node] = Company(part.number, parts[0].paths)
        for row in chain.from_iterable(each.rows for each in parts):
            company.put(row)
        self._doubted.discard(node)
        return [row for row in company if row not in before]

    def drop(self, node: str) -> list[Row]:
        """Forget a node, and return the members that it had."""
        self._parts.pop(node, None)
        self._doubted.discard(node)
        return list(self._companies.pop(node, ()))


def row_of(data: Any) -> Row:
    """Return the row in what came from a node.

    Raises:
        ValueError: there is none.
    """
    try:
        path, room, id, user, name, since = data
        member = Member(id, user, name, datetime.fromisoformat(since))
    except (TypeError, ValueError):
        raise ValueError("expected a member of a room") from None
    texts = (path, room, id, "" if user is None else user, name)
    if not all(isinstance(text, str) and len(text) <= MAX_TEXT for text in texts):
        raise ValueError(f"expected texts of at most {MAX_TEXT} characters")
    if member.since.tzinfo is None:
        raise ValueError("expected a time with its time zone")
    return Row((path, room), member)


def change_of(data: Any) -> tuple[bool, bool, Row]:
    """Return whether a member has come, whether that was told, and the member.

    Raises:
        ValueError: it says something else.
    """
    if type(data) is not list or [type(each) for each in data[:2]] != [bool, bool]:
        raise ValueError("expected a change of a member")
    return data[0], data[1], row_of(data[2:])
