"""Where a Redis server is, and how what is this project's is named there. Pure: no I/O."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Final, Self
from urllib.parse import urlsplit

from redis.connection import parse_url

from tornado_websockets.layerspec import without_password

__all__ = ["Address"]

PREFIX: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)

OURS: Final = frozenset({"decode_responses", "encoding", "encoding_errors", "protocol"})
"""Arguments of redis-py that are not the project's to choose: they change what is read."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Address:
    """One Redis server, as a URL tells of it.

    Attributes:
        name: what it is called in logs, like ``Redis`` or ``Redis 1 of 2``.
        scheme: ``redis``, ``rediss`` or ``unix``.
        prefix: what the names of all keys and channels begin with.
        database: its number.
        arguments: what redis-py connects with.
    """

    name: str
    scheme: str
    prefix: str
    database: int
    arguments: Mapping[str, Any] = dataclasses.field(repr=False)  # has the password

    @classmethod
    def parse(cls, url: str, number: int = 1, of: int = 1) -> Self:
        """Return the address in a URL, like ``redis://127.0.0.1:6379/0?prefix=shop``.

        Args:
            url: the URL; its arguments go to redis-py, but for ``prefix``.
            number: which of the project's servers this is.
            of: how many these are.

        Raises:
            ValueError: it is none; says what is wrong, and no password.
        """
        shown = without_password(url)
        try:
            _ = urlsplit(url).port
        except ValueError:
            # What that error quotes is a part of a password, when it has such characters in it.
            raise ValueError(
                f"{shown}: expected a host and the number of a port (any of '/?#@[]' in a password"
                " is written as %2F and the like)"
            ) from None
        try:
            arguments = dict(parse_url(url))  # type: ignore[no-untyped-call]
        except ValueError as error:
            raise ValueError(f"{shown}: {error}") from None
        arguments.pop("connection_class", None)
        prefix = arguments.pop("prefix", "tws")
        if PREFIX.fullmatch(prefix) is None:
            raise ValueError(
                f"{shown}: prefix must be 1 to 64 letters, digits and any of '_.-', got {prefix!r}"
            )
        if taken := sorted(OURS & arguments.keys()):
            raise ValueError(f"{shown}: {taken[0]} cannot be chosen, leave it out")
        name = "Redis" if of == 1 else f"Redis {number} of {of}"
        scheme, database = urlsplit(url).scheme, int(arguments.get("db", 0))
        return cls(name=name, scheme=scheme, prefix=prefix, database=database, arguments=arguments)

    def key(self, *parts: str) -> str:
        """Return the name of a key."""
        return ":".join((self.prefix, *parts))

    def channel(self, *parts: str) -> str:
        """Return the name of a channel; Redis tells channels of its databases not apart."""
        return ":".join((self.prefix, str(self.database), *parts))
