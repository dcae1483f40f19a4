"""A tap keeps the first events of each second, and counts the others, at next to no cost."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

from tws_admin.control.masking import MASK
from tws_admin.control.tap import EVENTS_PER_S, Sample, shown


def test_the_first_of_a_second_are_kept_and_the_others_counted() -> None:
    """Then a new second begins."""
    sample = Sample()
    for number in range(100):
        sample.tap("out", None, f"e{number}", b"{}")
    events, skipped = sample.take()
    assert [each.event for each in events] == [f"e{number}" for number in range(EVENTS_PER_S)]
    assert skipped == 80
    assert sample.take() == ([], 0)
    sample.tap("in", None, "again", "{}")
    events, skipped = sample.take()
    assert (len(events), skipped) == (1, 0)


def test_threads_are_counted_exactly() -> None:
    """Whoever sends, and from wherever, is counted once."""
    sample = Sample()

    def send() -> None:
        for _ in range(5000):
            sample.tap("out", None, "event", b"{}")

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events, skipped = sample.take()
    assert (len(events), skipped) == (EVENTS_PER_S, 40_000 - EVENTS_PER_S)


def test_an_event_that_is_skipped_costs_little() -> None:
    """Twenty thousand a second take a small part of a core."""
    sample = Sample()
    taken_s = []
    for _ in range(3):
        start = time.thread_time()
        for _ in range(20_000):
            sample.tap("in", None, "event", "{}")
        taken_s.append(time.thread_time() - start)
    assert min(taken_s) < 0.1


def test_events_are_shown_with_who_sent_them() -> None:
    """And without their secrets; a long name is cut."""
    sample = Sample()
    start = time.time()
    sample.tap("in", SimpleNamespace(id="abc"), "login", '{"event": "login", "data": {"token": 1}}')
    sample.tap("out", None, "x" * 500, b"no event")
    events, _skipped = sample.take()
    login, other = shown(events)
    assert start <= login.pop("time") <= other.pop("time") <= time.time()
    assert login == {
        "direction": "in",
        "connection": "abc",
        "event": "login",
        "payload": f'{{"token":"{MASK}"}}',
        "truncated": False,
    }
    assert other == {
        "direction": "out",
        "connection": None,
        "event": "x" * 200,
        "payload": None,
        "truncated": False,
    }
