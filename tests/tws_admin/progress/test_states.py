"""The states of a run: what may follow what, whichever way one goes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tws_admin.progress.states import ACTIVE, ENDED, RETRIABLE, SOURCES, TRANSITIONS, State


@st.composite
def journeys(draw: st.DrawFn) -> list[State]:
    """Draw a way through the states, from the one that a run begins with."""
    way = [State.QUEUED]
    for _ in range(draw(st.integers(0, 30))):
        further = sorted(TRANSITIONS[way[-1]])
        if not further:
            break
        way.append(draw(st.sampled_from(further)))
    return way


@given(journeys())
def test_whatever_happens_a_run_can_still_end(way: list[State]) -> None:
    """No way leads to a place from which work is never over."""
    reached, frontier = {way[-1]}, {way[-1]}
    while frontier:
        frontier = {target for state in frontier for target in TRANSITIONS[state]} - reached
        reached |= frontier
    assert reached & ENDED


@given(journeys())
def test_work_is_done_only_after_it_was_queued(way: list[State]) -> None:
    """What has ended goes on only through the queue, by a retry."""
    for before, after in itertools.pairwise(way):
        if before in ENDED:
            assert (before, after) in {(state, State.QUEUED) for state in RETRIABLE}
        if after is State.PAUSED:
            assert before is State.RUNNING


@given(journeys())
def test_a_cancellation_is_never_taken_back(way: list[State]) -> None:
    """Who waits for the work to notice sees it at an end next."""
    for before, after in itertools.pairwise(way):
        if before is State.CANCELLING:
            assert after in ENDED


@pytest.mark.parametrize("state", State)
def test_each_state_is_active_or_ended(state: State) -> None:
    assert (state in ACTIVE) is not (state in ENDED)


@pytest.mark.parametrize("state", State)
def test_sources_are_transitions_read_backwards(state: State) -> None:
    assert SOURCES[state] == {before for before in State if state in TRANSITIONS[before]}
    assert state not in TRANSITIONS[state]


def test_what_succeeded_is_never_queued_again() -> None:
    """Of what is partial the failed items begin a run of their own."""
    assert sorted(RETRIABLE) == [State.CANCELLED, State.FAILED, State.LOST]


@pytest.mark.parametrize("state", ENDED)
def test_work_that_runs_can_end_in_each_way(state: State) -> None:
    """A cancelled one has been cancelling first."""
    between = State.CANCELLING if state is State.CANCELLED else State.RUNNING
    assert between in SOURCES[state]
