"""The clients that come back: what they keep in mind, and what they note."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.torture.ledger import Ledger, Told
from tests.torture.listeners import Heard
from tests.torture.memory import Memory
from tests.torture.missing import MissingPermissionError, MissingProgramError
from tests.torture.namespaces import Machines
from tests.torture.report import Report
from tests.torture.scale import LONG

HEARD = Heard(
    events=9, lost=0, failed=0, duplicates=0, disorder=0, losers=[], last_s=[1.0], delays={},
    told=[[Told(1, 0, None, 0), Told(2, 1, True, 3)]], codes={}, odd={},
)  # fmt: skip
WELCOME = {"recovered": None, "epoch": "3f9c", "offset": "1763-0", "missed": 0, "socket": "5be1"}


def test_a_client_tells_where_it_was() -> None:
    """Epoch, offset, and the connections that it had, the newest first."""
    memory = Memory()
    assert memory.query == ""
    memory.move(WELCOME)
    assert memory.is_new((1764, 2), None)
    assert memory.query == "?tws_position=3f9c:1764-2:5be1"
    memory.move({**WELCOME, "recovered": True, "offset": "1764-2", "socket": "77a0"})
    assert memory.query == "?tws_position=3f9c:1764-2:77a0%2C5be1"


def test_a_client_that_is_told_no_epoch_keeps_none() -> None:
    """The server has none before it has reached Redis."""
    memory = Memory()
    memory.move({**WELCOME, "epoch": "", "offset": "0-0"})
    assert memory.query == ""


def test_an_offset_that_is_not_beyond_is_no_news() -> None:
    """An event that comes again, behind whatever, is dropped."""
    memory = Memory()
    memory.move(WELCOME)
    found = [memory.is_new(offset, None) for offset in ((1763, 0), (1763, 1), (1764, 0), (1763, 9))]
    assert found == [False, True, True, False]


def test_an_event_is_known_by_its_id_until_it_has_an_offset() -> None:
    """Live without an offset first, then in its place."""
    memory = Memory()
    memory.move(WELCOME)
    assert memory.is_new(None, "a")
    assert not memory.is_new(None, "a")
    assert not memory.is_new((1764, 0), "a")
    assert memory.is_new((1765, 0), "b")
    assert memory.query.endswith(":1765-0:5be1")


def test_a_ledger_tells_what_is_wrong() -> None:
    """Each event is new, late or there already."""
    ledger = Ledger()
    for number in (0, 1, 4, 3, 3, 4):
        ledger.add("a", number, 10.0 + number)
    assert (ledger.events, ledger.disorder, ledger.duplicates) == (4, 1, 2)
    assert ledger.missing({"a": 6, "b": 1}) == {("a", 2), ("a", 5), ("b", 0)}
    times = dict.fromkeys(range(6), 9.0) | {4: 99.0}
    assert ledger.last_s({"a": times}, before_s=50) == 13.0
    assert ledger.delay_s("a", dict.fromkeys(range(6), 9.0)) == 5.0


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({}, None),
        ({"lost": 1}, "acknowledged events that did not come"),
        ({"duplicates": 1}, "events that came twice"),
        ({"disorder": 1}, "events behind later ones of their publisher"),
        ({"told": [[Told(2, 1, False, 0)]]}, "of these, told that something is missing"),
        ({"odd": {"warning": 1}}, "other events"),
        ({"failed": 1, "codes": {1006: 1}}, None),
    ],
)
def test_whatever_is_wrong_breaks_the_promise(wrong: dict[str, Any], what: str | None) -> None:
    """But for events that nobody was told were kept, and connections that ended."""
    report = Report(LONG)
    HEARD._replace(**wrong).check(report)
    assert [check.what for check in report.broken] == ([] if what is None else [what])


def test_a_first_connection_is_no_return() -> None:
    """Only what is told to those who were there before counts."""
    ledger = Ledger()
    ledger.told += [Told(1, 0, None, 0), Told(2, 1, True, 3), Told(3, 2, False, 0)]
    assert ledger.returns == 2


def test_machines_need_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the scenario is skipped, and says why."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingProgramError, match="iproute2"), Machines("hub", "one"):
        pass


def test_machines_need_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for the program; an ``ip`` that refuses stands for a system that does."""
    refusing = tmp_path / "ip"
    refusing.write_text("#!/bin/sh\necho 'Operation not permitted' >&2\nexit 2\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPermissionError, match="not permitted"), Machines("hub", "one"):
        pass
