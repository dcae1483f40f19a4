"""The command that sends a batch."""

from __future__ import annotations

from tornado_websockets.history import History
from tornado_websockets.layers.redis.address import Address
from tornado_websockets.layers.redis.command import send_command
from tornado_websockets.layers.redis.script import SEND

ADDRESS = Address.parse("redis://127.0.0.1/5?prefix=p")


def test_what_is_not_kept_needs_one_key() -> None:
    command = send_command(ADDRESS, "/x", None, [b"a", b"b"], origin="o", number=7, epoch="e")
    assert command == [
        "EVALSHA", SEND.sha, 1, "p:seen:o:live:/x",
        "p:5:events:/x", 7, 3600, "o",
        b"a", b"b",
    ]  # fmt: skip


def test_what_is_kept_comes_with_its_bounds() -> None:
    history = History(events=9, seconds=1.5, bytes=77)
    command = send_command(
        ADDRESS, "/x", history, [b"a"], origin="o", number=7, epoch="e", known_s=60
    )
    assert command == [
        "EVALSHA", SEND.sha, 3, "p:seen:o:kept:/x", "p:stream:/x", "p:meta:/x",
        "p:5:events:/x", 7, 60, "o", "e", 9, 1500, 77, 24 * 3600,
        b"a",
    ]  # fmt: skip
    unbounded = History(events=9, seconds=None, bytes=None)
    command = send_command(ADDRESS, "/x", unbounded, [], origin="o", number=7, epoch="e")
    assert command[-4:] == [9, "", "", 24 * 3600]
