"""The frames that wait for a client that reads too slowly."""

from __future__ import annotations

import pytest

from tornado_websockets.outbox import POLICIES, Outbox


def contents(outbox: Outbox) -> list[bytes]:
    return [outbox.pop() for _ in range(len(outbox))]


@pytest.mark.parametrize("policy", POLICIES)
def test_frames_below_the_limits_wait_in_order(policy: str) -> None:
    outbox = Outbox(policy, 6, 3)
    for event, frame in (("a", b"11"), ("b", b"22"), ("c", b"33")):
        assert outbox.put(frame, event)
    assert (len(outbox), outbox.size, outbox.dropped) == (3, 6, 0)
    assert contents(outbox) == [b"11", b"22", b"33"]
    assert (len(outbox), outbox.size) == (0, 0)


@pytest.mark.parametrize(("max_bytes", "max_frames"), [(6, None), (None, 3)])
@pytest.mark.parametrize("policy", ["close", "latest"])
def test_one_frame_too_many_closes(
    policy: str, max_bytes: int | None, max_frames: int | None
) -> None:
    outbox = Outbox(policy, max_bytes, max_frames)
    for event in "abc":
        assert outbox.put(b"11", event)
    assert not outbox.put(b"1", "d")


def test_the_oldest_frames_make_room() -> None:
    outbox = Outbox("drop_oldest", 6, None)
    for frame in (b"11", b"22", b"33", b"4444"):
        assert outbox.put(frame, "a")
    assert outbox.dropped == 2
    assert contents(outbox) == [b"33", b"4444"]


def test_a_single_frame_beyond_all_limits_closes() -> None:
    assert not Outbox("drop_oldest", 3, None).put(b"4444", "a")


def test_only_the_newest_frame_of_an_event_waits() -> None:
    outbox = Outbox("latest", 6, 2)
    for event, frame in (("a", b"1"), ("b", b"2"), ("a", b"333"), ("a", b"44")):
        assert outbox.put(frame, event)
    assert (outbox.dropped, outbox.size) == (2, 3)
    assert contents(outbox) == [b"2", b"44"]


def test_what_is_no_event_is_never_replaced() -> None:
    outbox = Outbox("latest", None, None)
    outbox.put(b"ping", "")
    outbox.put(b"text", "")
    assert contents(outbox) == [b"ping", b"text"]


def test_no_limit_is_none() -> None:
    outbox = Outbox("close", None, None)
    for _ in range(10_000):
        assert outbox.put(b"x" * 100, "a")
    outbox.clear()
    assert (len(outbox), outbox.size) == (0, 0)
