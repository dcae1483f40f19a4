"""What is known of runs, when their work and the database say different things of them."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest

from tws_admin.progress.live.board import LIMIT, RECENT_S, TOLD_S, Board, Row

NOW = 1_000_000.0
_ids = itertools.count(1)


def row(state: str = "running", **more: Any) -> dict[str, Any]:
    return {
        "id": f"run {next(_ids)}", "state": state, "wish": "", "attempt": 1, "done": 0,
        "total": 10, "label": "", "rate": None, "eta_s": None, "errors": 0, "created": NOW - 60,
        "started": NOW - 50, "progressed": NOW - 10, "wished": None, "ended": None, "user": "1",
    } | more  # fmt: skip


def only(board: Board) -> Row:
    [found] = board.rows(NOW)
    return found


def test_what_is_told_is_new_once() -> None:
    board, run = Board(), row()
    assert board.tell(run, 0) == run
    assert board.tell(dict(run), 1) is None
    assert board.tell({**run, "done": 1}, 2) == {**run, "done": 1}
    assert only(board)["done"] == 1


def test_what_is_read_is_new_once() -> None:
    board, run = Board(), row()
    assert board.read([run], began=0, is_all=True) == [run]
    assert board.read([dict(run)], began=1, is_all=True) == []
    assert board.read([{**run, "done": 1}], began=2, is_all=True) == [{**run, "done": 1}]


def test_the_newest_come_first_and_those_that_ended_long_ago_not_at_all() -> None:
    board = Board()
    old, recent = row("succeeded", ended=NOW - RECENT_S - 1), row("lost", ended=NOW - 5, created=1)
    working, waiting = row(created=2), row("queued", created=3, attempt=0, started=None)
    for run in (old, recent, working, waiting):
        board.tell(run, 0)
    assert board.rows(NOW) == [waiting, working, recent]


class TestWhoIsFresher:
    """The work knows its numbers first, the database its state."""

    def test_a_reading_that_began_before_the_work_spoke_is_ignored(self) -> None:
        board, run = Board(), row()
        board.tell({**run, "done": 7}, 10)
        assert board.read([run], began=9.9, is_all=True) == []
        assert only(board)["done"] == 7

    def test_numbers_that_are_not_saved_yet_stay(self) -> None:
        board, run = Board(), row()
        board.tell({**run, "done": 7, "label": "seven"}, 10)
        paused = {**run, "state": "paused", "done": 4, "label": "four"}
        assert board.read([paused], began=10.5, is_all=True) == [
            {**paused, "done": 7, "label": "seven"}
        ]

    def test_numbers_that_were_saved_since_are_taken(self) -> None:
        board, run = Board(), row()
        board.tell({**run, "done": 7}, 10)
        saved = {**run, "done": 9, "progressed": NOW}
        board.read([saved], began=10.5, is_all=True)
        assert only(board) == saved

    def test_of_work_that_has_not_spoken_lately_the_database_knows_all(self) -> None:
        board, run = Board(), row()
        board.tell({**run, "done": 7}, 10)
        board.read([{**run, "done": 3}], began=10 + TOLD_S, is_all=True)
        assert only(board)["done"] == 3

    def test_work_of_another_process_may_go_back(self) -> None:
        """It sets its position itself."""
        board, run = Board(), row()
        board.read([{**run, "done": 7}], began=1, is_all=True)
        board.read([{**run, "done": 3}], began=2, is_all=True)
        assert only(board)["done"] == 3

    def test_the_end_comes_with_its_numbers(self) -> None:
        board, run = Board(), row()
        board.tell({**run, "done": 7}, 10)
        end = {**run, "state": "failed", "done": 5, "ended": NOW}
        board.read([end], began=10.5, is_all=True)
        assert only(board) == end

    @pytest.mark.parametrize("state", ["cancelled", "succeeded", "partial", "failed", "lost"])
    def test_work_that_was_given_up_says_nothing_any_more(self, state: str) -> None:
        board, run = Board(), row()
        end = {**run, "state": state, "ended": NOW}
        board.tell(end, 1)
        assert board.tell({**run, "done": 9}, 2) is None
        assert only(board) == end

    def test_work_that_has_not_heard_of_its_cancelling_tells_its_numbers(self) -> None:
        board, run = Board(), row()
        cancelling = {**run, "state": "cancelling", "wished": NOW}
        board.tell(cancelling, 1)
        assert board.tell({**run, "done": 9}, 2) == {**cancelling, "done": 9}

    def test_a_new_attempt_begins_anew_and_the_last_one_is_silent(self) -> None:
        board, run = Board(), row()
        board.tell({**run, "state": "lost", "ended": NOW, "done": 5}, 1)
        again = {**run, "state": "queued", "done": 5}
        assert board.tell(again, 2) == again
        assert board.tell({**run, "done": 6}, 3) is None, "of an attempt that is over"
        second = {**run, "attempt": 2}
        assert board.tell(second, 4) == second
        assert board.tell({**run, "done": 9}, 5) is None
        assert board.read([{**run, "done": 9}], began=6, is_all=True) == []
        assert only(board) == second

    def test_paused_work_may_go_on(self) -> None:
        board, run = Board(), row()
        for state in ("paused", "running", "paused", "queued"):
            assert board.tell({**run, "state": state}, 1) is not None
        assert only(board)["state"] == "queued"

    def test_what_was_cancelled_in_the_queue_may_be_queued_again(self) -> None:
        board, run = Board(), row("queued", attempt=0, started=None)
        for state in ("queued", "cancelled", "queued"):
            assert board.tell({**run, "state": state, "ended": NOW}, 1) is not None


class TestForgetting:
    """Nothing stays that is not there any more."""

    def test_what_a_full_reading_does_not_have_is_gone(self) -> None:
        board, run, deleted = Board(), row(), row()
        board.read([run, deleted], began=1, is_all=True)
        board.read([run], began=2, is_all=True)
        assert board.rows(NOW) == [run]

    def test_what_came_while_it_was_read_stays(self) -> None:
        board, run = Board(), row()
        board.tell(run, 1.5)
        board.read([], began=1, is_all=True)
        assert only(board) == run

    def test_what_others_crowded_out_of_a_reading_stays(self) -> None:
        board, run, other = Board(), row(), row()
        board.read([run], began=1, is_all=True)
        board.read([other], began=2, is_all=False)
        assert len(board.rows(NOW)) == 2

    def test_of_too_many_those_go_first_that_ended_first(self) -> None:
        board = Board()
        ended = [row("lost", ended=NOW - number) for number in range(LIMIT)]
        for run in ended:
            board.tell(run, 1)
        active = row(created=1)
        board.tell(active, 1)
        found = board.rows(NOW)
        assert len(found) == LIMIT
        assert active in found
        assert ended[-1] not in found

    def test_what_nobody_looks_after_is_forgotten_unless_it_speaks(self) -> None:
        board = Board()
        elsewhere, here, over = row(), row(), row("lost", ended=NOW)
        board.read([elsewhere, over], began=1, is_all=True)
        board.tell(here, 10)
        board.forget_untold(10 + TOLD_S)
        assert {run["id"] for run in board.rows(NOW)} == {here["id"], over["id"]}
        board.forget_untold(math.inf)
        assert board.rows(NOW) == [over]
        board.clear()
        assert board.rows(NOW) == []


def test_the_clock_is_that_of_the_machine_unless_told() -> None:
    board = Board()
    board.tell(row("lost", ended=NOW), 1)
    assert board.rows() == []
