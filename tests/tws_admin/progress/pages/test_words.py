"""What a run says of itself, from its row."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings
from django.utils import translation

from tws_admin.progress.pages import words
from tws_admin.progress.pages.words import Bar
from tws_admin.progress.states import State

NOW = 1_700_000_000.0  # 22:13:20 UTC


def row(state: str = "running", **more: Any) -> dict[str, Any]:
    return {
        "state": state, "wish": "", "done": 0, "total": None, "errors": 0, "created": NOW,
        "started": None, "progressed": None, "wished": None, "ended": None, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (row("queued"), "queued"),
        (row("queued", created=NOW - 10), "queued"),
        (row("queued", created=NOW - 11), "waits for a worker"),
        (row("queued", created=NOW - 900, wished=NOW - 5), "queued"),
        (row("queued", created=NOW - 900, wished=NOW - 50), "waits for a worker"),
        (row("queued", created=None), "queued"),
        (row("running"), "running"),
        (row("running", wish="pause"), "pausing…"),
        (row("paused"), "paused"),
        (row("cancelling"), "cancelling…"),
        (row("cancelled"), "cancelled"),
        (row("succeeded"), "succeeded"),
        (row("partial"), "partly succeeded"),
        (row("failed"), "failed"),
        (row("lost"), "lost"),
    ],
)
def test_a_state_in_words(given: dict[str, Any], said: str) -> None:
    assert words.state(given, NOW) == said


@pytest.mark.parametrize(
    ("done", "total", "said"),
    [
        (0, None, "0"),
        (1200, None, "1,200"),
        (0, 0, "0 of 0"),
        (7, 1200, "7 of 1,200"),
        (1200, 1200, "1,200 of 1,200"),
        (1200, 1000, "1,200 (expected 1,000)"),
    ],
)
def test_how_far_it_is(done: int, total: int | None, said: str) -> None:
    assert words.count(row(done=done, total=total)) == said


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (row(done=7, total=10), Bar("7", "10")),
        (row(done=12000, total=10000), Bar("10000", "10000")),
        (row(done=7), Bar(None, "1")),
        (row("cancelling", done=7), Bar(None, "1")),
        (row("queued"), Bar("0", "1")),
        (row("paused", done=7), Bar("0", "1")),
        (row("failed", done=7), Bar("0", "1")),
        (row("succeeded", done=7), Bar("1", "1")),
        (row("partial", done=7), Bar("1", "1")),
        (row(total=0), Bar("0", "1")),
        (row("succeeded", total=0), Bar("1", "1")),
    ],
)
def test_the_bar(given: dict[str, Any], shown: Bar) -> None:
    """Its attributes are of HTML: no separator of thousands, whatever the language."""
    assert words.bar(given) == shown


def test_how_many_failed() -> None:
    assert [words.errors(row(errors=number)) for number in (0, 1, 1200)] == [
        "",
        "1 error",
        "1,200 errors",
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (row(), ""),
        (row(progressed=NOW - 59), ""),
        (row(progressed=NOW - 60), "stalled since 22:12"),
        (row("paused", progressed=NOW - 600), ""),
        (row("succeeded", progressed=NOW - 600), ""),
        (row("cancelling", progressed=NOW - 600, wished=None), ""),
        (row("cancelling", wished=NOW - 30), ""),
        (
            row("cancelling", wished=NOW - 45, progressed=NOW - 600),
            "not acknowledged for 45 s: the work does not ask",
        ),
        (
            row(wish="pause", wished=NOW - 90),
            "not acknowledged for 1 min 30 s: the work does not ask",
        ),
    ],
)
def test_what_does_not_get_on_says_so(given: dict[str, Any], said: str) -> None:
    assert words.notice(given, NOW) == said


def test_a_time_is_that_of_the_reader() -> None:
    with override_settings(TIME_ZONE="Europe/Paris"):
        assert words.notice(row(progressed=NOW - 60), NOW) == "stalled since 23:12"


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (row("queued"), None),
        (row(started=NOW - 90), 90),
        (row("succeeded", started=NOW - 90, ended=NOW - 60), 30),
        # Tried again, and not over.
        (row(started=NOW - 10, ended=NOW - 60), 10),
        (row(started=NOW + 5), 0),
    ],
)
def test_how_long_it_has_taken(given: dict[str, Any], seconds: float | None) -> None:
    assert words.duration_s(given, NOW) == seconds


@pytest.mark.parametrize(
    ("given", "verbs"),
    [
        (row("queued"), {"cancel"}),
        (row("running"), {"pause", "cancel"}),
        (row("running", wish="pause"), {"resume", "cancel"}),
        (row("paused"), {"resume", "cancel"}),
        (row("cancelling"), set()),
        (row("cancelled"), {"retry"}),
        (row("succeeded"), set()),
        (row("partial"), {"retry_failed"}),
        (row("failed"), {"retry"}),
        (row("lost"), {"retry"}),
    ],
)
def test_what_can_be_asked_of_it(given: dict[str, Any], verbs: set[str]) -> None:
    assert words.verbs(given) == verbs <= words.VERBS.keys()


def test_no_state_is_without_words() -> None:
    for state in State:
        assert words.state(row(state), NOW)
        assert words.verbs(row(state)) <= words.VERBS.keys()


@pytest.mark.parametrize("verb", words.VERBS)
def test_a_wish_that_does_not_fit_is_refused_with_the_state(verb: str) -> None:
    sentence = words.refusal(verb, row("succeeded"), NOW)
    assert sentence.endswith(": succeeded.")
    assert "%" not in sentence


def test_it_is_in_the_language_of_the_reader() -> None:
    with translation.override("fr"):
        assert words.count(row(done=7, total=1200)) == "7 sur 1\xa0200"
