"""What may wait, and on whose account."""

from __future__ import annotations

import pytest

from tornado_websockets.exceptions import LayerUnavailableError
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.redis import allowance as module
from tornado_websockets.layers.redis.allowance import Allowance
from tornado_websockets.layers.redis.lane import Lane, Letter


@pytest.fixture
def allowance(monkeypatch: pytest.MonkeyPatch) -> Allowance:
    monkeypatch.setattr(module, "MAX_EVENTS", 20)
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    return Allowance("Redis 1 of 2", lambda: "why")


def full_lane(path: str, *sizes: int) -> Lane:
    lane = Lane(path, None)
    for size in sizes:
        letter = Letter(Event("e", b""))
        letter.packed = b"x" * size
        lane.add(letter)
    return lane


@pytest.mark.parametrize(("times", "size"), [(20, 1), (10, 100)])
def test_all_paths_share_it_and_what_is_given_back_can_be_had_again(
    allowance: Allowance, times: int, size: int
) -> None:
    for number in range(times):
        allowance.take(f"/{number}", size)
    with pytest.raises(LayerUnavailableError) as caught:
        allowance.take("/one", size)
    assert caught.value.path == "/one"
    assert caught.value.reason == f"{times} events wait for Redis 1 of 2: why"
    allowance.give_back(1, size)
    allowance.take("/one", size)


@pytest.mark.parametrize("sizes", [(1, 1), (91,)])
def test_a_path_that_is_refused_has_a_part_of_it_until_it_is_admitted(
    allowance: Allowance, sizes: tuple[int, ...]
) -> None:
    lane = full_lane("/bad", *sizes)
    lane.next_batch(1)  # on its way, it waits as well
    allowance.refuse(lane, "WRONGTYPE")
    with pytest.raises(LayerUnavailableError) as caught:
        allowance.take("/bad", 10)
    text = f"{len(sizes)} events of it wait, which Redis 1 of 2 refuses: WRONGTYPE"
    assert caught.value.reason == text
    allowance.take("/good", 10)
    allowance.admit(full_lane("/bad"))  # what the path does not keep is another lane
    with pytest.raises(LayerUnavailableError):
        allowance.take("/bad", 10)
    allowance.admit(lane)
    allowance.admit(lane)
    allowance.take("/bad", 10)


def test_a_path_that_is_refused_may_still_wait_a_little(allowance: Allowance) -> None:
    allowance.refuse(full_lane("/bad", 50), "WRONGTYPE")
    allowance.take("/bad", 50)
    with pytest.raises(LayerUnavailableError):
        allowance.take("/bad", 51)
