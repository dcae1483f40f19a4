"""Workers are replaced, all of them or none: real processes, one step at a time."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tornado_websockets.server.children import (
    DEAF,
    DUMB,
    FAILING,
    OBEDIENT,
    bear,
    end,
    hear,
    until,
)
from tornado_websockets.server import renewal
from tornado_websockets.server.place import Place
from tornado_websockets.server.renewal import Renewal
from tornado_websockets.server.workerprocess import WorkerProcess


class Family:
    """Two workers, and what their renewal does with them."""

    def __init__(self) -> None:
        self.checks: list[bool] = []
        self.started: list[WorkerProcess] = []
        self.has_processes = True
        self.places = [Place(1), Place(2)]
        self.renewal = Renewal(self.places, self.start, within_s=10)
        for place in self.places:
            place.worker = self.start(place, False)
        self.old = list(self.started)
        until(lambda: all(map(hear, self.old)))

    def start(self, place: Place, checks: bool) -> WorkerProcess | None:
        if not self.has_processes:
            return None
        self.checks.append(checks)
        self.started.append(WorkerProcess(place.number, [], checks=checks))
        return self.started[-1]

    @property
    def workers(self) -> list[WorkerProcess | None]:
        return [place.worker for place in self.places]

    def turn(self) -> bool:
        """Do what `Workers` does again and again; return whether there is anything left to do."""
        self.renewal.act()
        for worker in self.started:
            hear(worker)
        for worker in [*self.renewal.successors, *self.renewal.leaving]:
            if worker.status is not None:
                self.renewal.bury(worker)
        return bool(self.renewal.successors or self.renewal.leaving)

    def until_it_is_over(self) -> None:
        self.turn()
        until(lambda: not self.turn())


@pytest.fixture
def family(monkeypatch: pytest.MonkeyPatch) -> Iterator[Family]:
    bear(monkeypatch, OBEDIENT)
    family = Family()
    yield family
    for worker in family.started:
        end(worker)


def test_the_new_ones_come_one_by_one_and_the_old_ones_serve_until_all_do(
    family: Family, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # The first one may not serve before it was looked at, however late that is.
    go_on = tmp_path / "go on"
    held = f"while not os.path.exists({str(go_on)!r}):\n    time.sleep(0.01)"
    bear(monkeypatch, held + OBEDIENT)
    family.renewal.begin()
    family.turn()
    assert [worker.is_ready for worker in family.renewal.successors] == [False]
    family.renewal.act()
    assert len(family.renewal.successors) == 1  # nobody comes before it serves
    go_on.touch()
    until(lambda: family.turn() and len(family.renewal.successors) == 2)
    assert family.renewal.successors[0].is_ready
    assert family.workers == family.old
    assert [worker.status for worker in family.old] == [None, None]
    family.until_it_is_over()
    assert family.workers == family.started[2:]
    assert [worker.status for worker in family.started] == [0, 0, None, None]
    assert [worker.number for worker in family.started] == [1, 2, 1, 2]
    # The first of the new ones runs the checks, since its parent has run those of the old code.
    assert family.checks == [False, False, True, False]


def test_a_place_that_nobody_has_is_taken_as_well(family: Family) -> None:
    end(family.old[1])
    family.places[1].vacate()
    family.renewal.begin()
    family.until_it_is_over()
    assert family.workers == family.started[2:]


def test_one_that_does_not_come_to_serve_leaves_everything_as_it_was(
    family: Family, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    family.renewal.begin()
    until(lambda: family.turn() and len(family.renewal.successors) == 1)
    bear(monkeypatch, FAILING)
    family.until_it_is_over()
    assert family.workers == family.old
    assert [worker.status for worker in family.started] == [None, None, 0, 7]
    [message] = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert message.startswith("no worker is replaced, the old ones go on: worker 2 (process ")
    assert message.endswith("ended with exit status 7")
    bear(monkeypatch, OBEDIENT)
    family.renewal.begin()
    family.until_it_is_over()
    assert family.workers == family.started[4:]


def test_one_that_takes_too_long_leaves_everything_as_it_was(
    family: Family, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(renewal, "READY_TIMEOUT_S", 0.3)
    bear(monkeypatch, DUMB)
    assert [family.renewal.due] == [None]
    family.renewal.begin()
    family.turn()
    assert family.renewal.due == family.renewal.successors[0].started + 0.3
    family.until_it_is_over()
    assert family.workers == family.old
    assert "does not serve after 0 s" in caplog.text


def test_no_process_leaves_everything_as_it_was(
    family: Family, caplog: pytest.LogCaptureFixture
) -> None:
    family.has_processes = False
    family.renewal.begin()
    family.until_it_is_over()
    assert family.workers == family.old
    assert "no process can be started" in caplog.text


def test_to_begin_again_loads_the_code_once_more(
    family: Family, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bear(monkeypatch, DUMB)
    family.renewal.begin()
    family.turn()
    bear(monkeypatch, OBEDIENT)
    family.renewal.begin()
    family.until_it_is_over()
    assert family.workers == family.started[3:]
    assert family.started[2].status == 0
    assert "no worker is replaced" not in caplog.text


def test_what_is_cancelled_goes_no_further(
    family: Family, caplog: pytest.LogCaptureFixture
) -> None:
    family.renewal.begin()
    family.turn()
    family.renewal.cancel()
    [successor] = family.renewal.successors
    end(successor)
    family.until_it_is_over()
    assert len(family.started) == 3
    assert caplog.text == ""


def test_an_old_one_that_ends_badly_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bear(monkeypatch, DEAF)
    family = Family()
    bear(monkeypatch, OBEDIENT)
    family.renewal.begin()
    until(lambda: family.turn() and family.renewal.leaving)
    for worker in family.old:
        worker.kill()
    family.until_it_is_over()
    assert caplog.text.count("which was replaced, ended with signal SIGKILL") == 2
    for worker in family.started:
        end(worker)


def test_the_service_manager_hears_of_its_beginning_and_its_end(
    family: Family, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(30)
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        family.renewal.begin()
        state, moment = manager.recv(100).decode().split("\n")
        assert state == "RELOADING=1"
        assert moment.startswith("MONOTONIC_USEC=")
        family.until_it_is_over()
        assert manager.recv(100) == b"READY=1"
