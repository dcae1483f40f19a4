"""What other nodes say is looked at before it is used."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tws_admin.neighbours import event, history, past, report, server
from tests.tws_admin.snapshots import bar, counters, path
from tests.tws_admin.snapshots import event as event_of
from tws_admin.feed.observer import Observer
from tws_admin.feed.reports import TAIL, check, check_past

WRONG: list[Any] = [
    None,
    [],
    "report",
    {},
    report(time="now"),
    report(server=None),
    report(server=server(state=5)),
    report(server=server(trouble=None)),
    report(server=server(cpu="much")),
    report(server=server(uptime_s=True)),
    report(totals={}),
    report(totals=counters(opened="1")),
    report(totals=counters(opened=1.5)),
    report(rates=[]),
    report(rates={"events_in": "x"}),
    report(speeds={"/a": 5}),
    report(speeds={"/a": {"events_in": None}}),
    report(paths={}),
    report(paths=[None]),
    report(paths=[{"path": "/a"}]),
    report(paths=[path(5)]),  # type: ignore[arg-type]
    report(paths=[path(p99_ms="x")]),
    report(paths=[path(closed_by_code=[])]),
    report(paths=[path(closed_by_code={"1000": None})]),
    report(paths=[path(events=[{}])]),
    report(paths=[path(events=[event_of("say", calls="x")])]),
    report(bars=[{}]),
    report(bars=[bar(updated="x")]),
    report(log=[{}]),
    report(log=[event(1), event(1)]),
    report(log=[event(2), event(1)]),
    report(log=[event(number) for number in range(TAIL + 1)]),
    report(log=[{**event(1), "kind": None}]),
    # What is of the right type, and can neither be added nor shown.
    report(totals=counters(opened=-1)),
    report(totals=counters(opened=2**60)),
    report(rates={"events_in": float("nan")}),
    report(rates={"events_in": 1e300}),
    report(server=server(cpu=float("inf"))),
    report(server=server(threads="8")),
    report(server=server(host=["web2"])),
    report(server=server(host="x" * 5000)),
    report(speeds={"/a": {"events_in": -1e300}}),
    report(paths=[path(rules=[])]),
    report(paths=[path(rules={"permission": None, "origins": [1]})]),
    report(paths=[path(modules=["progressbar"])]),
    report(paths=[path(declared={})]),
    report(paths=[path(events=[event_of("say", callback=5)])]),
    report(bars=[{"path": "/a", "name": "", "watchers": 0, "updated": None}]),
    report(bars=[bar(max="100")]),
    report(bars=[bar(value=float("nan"))]),
    report(time=1e300),
    report(log=[event(1, time=1e300)]),
    report(log=[event(1, time=-1.0)]),
    report(log=[{**event(1), "duration_s": "long"}]),
    report(log=[{**event(1), "path": []}]),
    report(log=[event(1, kind="two words")]),
    report(log=[event(1, kind="")]),
    report(log=[{**event(1), "reason": {"a": 1}}]),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_said(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        check(wrong)
    assert len(str(caught.value)) < 120


def test_what_is_right_is_used_as_it_is() -> None:
    """With keys that only another version knows."""
    right = report(
        paths=[path(events=[event_of("say")], more=1)],
        bars=[bar()],
        log=[event(1), event(5)],
        speeds={"/chat": {"events_in": 1.5}},
        more={},
    )
    assert check(right) is right


async def test_a_node_s_own_report_is_right(server: Any) -> None:
    observer = Observer()
    assert check(observer.report())
    observer.tick()
    assert check(observer.report())
    assert check_past(observer.past("2h"))


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {},
        {**past(), "lifecycle": None},
        {**past(), "history": {**history(), "step_s": "1"}},
        past(events_in=5),
        past(events_in=["x"]),
        past(events_in=[1] * 2000),
        past(*[event(number) for number in range(501)]),
        {**past(), "time": None},
        {**past(), "time": 1e300},
        {**past(), "history": {**history(), "end": -1e300}},
        past(events_in=[1e300]),
        past(event(1, time=1e300)),
    ],
)
def test_a_past_that_is_wrong_is_said(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        check_past(wrong)


def test_a_past_that_is_right_is_used() -> None:
    right = past(event(1), events_in=[1, None, 2.5])
    assert check_past(right) is right
