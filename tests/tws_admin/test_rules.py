"""What is wrong with the settings, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from tornado_websockets.rules import Problem
from tws_admin.rules import RULES, problems

TOKEN = "correct-horse-battery-staple"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"read_only": True},
        {"metrics_path": None, "metrics_token": None},
        {"metrics_path": "/metrics", "metrics_token": TOKEN},
        {"metrics_path": "/internal/a.b~c"},
        {"metrics_token": "a" * 16},
        {"engine": "thread"},
        {"engine": "django", "task_threads": 1, "toasts": False},
        {"task_threads": 100, "history": {"days": 1, "count": 1}},
        {"metrics_token": "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"},
    ],
)
def test_what_is_right_is_no_problem(given: dict[str, Any]) -> None:
    assert list(problems(given)) == []


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("read_only", 1, "E002"),
        ("read_only", None, "E002"),
        ("metrics_path", "metrics", "E003"),
        ("metrics_path", "", "E003"),
        ("metrics_path", "/", "E003"),
        ("metrics_path", "/metrics?x", "E003"),
        ("metrics_path", "/with blank", "E003"),
        ("metrics_path", "/été", "E003"),
        ("metrics_path", "/metrics\n", "E003"),
        ("metrics_path", True, "E003"),
        ("metrics_token", "", "E004"),
        ("metrics_token", "short", "E004"),
        ("metrics_token", "with a blank between", "E004"),
        ("metrics_token", "with-a-line-end-behind\n", "E004"),
        ("metrics_token", "pas-très-américain-du-tout", "E004"),
        ("metrics_token", b"bytes-are-none-of-it", "E004"),
        ("engine", "cron", "E005"),
        ("engine", None, "E005"),
        ("engine", ["thread"], "E005"),
        ("task_threads", 0, "E006"),
        ("task_threads", 101, "E006"),
        ("task_threads", True, "E006"),
        ("task_threads", "4", "E006"),
        ("history", 30, "E007"),
        ("history", {"days": 30}, "E007"),
        ("history", {"days": 30, "count": 0}, "E007"),
        ("history", {"days": 30, "count": 10, "weeks": 1}, "E007"),
        ("history", {"days": 1.5, "count": 10}, "E007"),
        ("toasts", 1, "E008"),
    ],
)
def test_what_is_wrong_is_told(key: str, value: Any, expected: str) -> None:
    [problem] = problems({key: value})
    assert problem.id == expected
    assert problem.message.startswith(f"TWS_ADMIN[{key!r}] must be {RULES[key].expected}, got ")


def test_every_problem_is_told_at_once() -> None:
    found = problems({"read_only": 0, "metrics_path": 1, "metrics_token": 2})
    assert [problem.id for problem in found] == ["E002", "E003", "E004"]


def test_a_wrong_value_is_shown_unless_it_is_a_secret() -> None:
    shown, hidden = problems({"metrics_path": "wrong", "metrics_token": "wrong"})
    assert shown.message.endswith("got 'wrong'.")
    assert hidden.message.endswith("got something else.")


@pytest.mark.parametrize("given", [None, [], "read_only", 7])
def test_settings_that_are_no_dictionary_are_one_problem(given: Any) -> None:
    [problem] = problems(given)
    assert problem.id == "E001"
    assert repr(given) in problem.message


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("readonly", "Did you mean 'read_only'?"),
        ("colour", f"Known keys: {', '.join(RULES)}."),
        (7, f"Known keys: {', '.join(RULES)}."),
    ],
)
def test_an_unknown_key_is_a_warning_with_the_way_out(key: Any, hint: str) -> None:
    assert list(problems({key: 1})) == [
        Problem("W001", f"TWS_ADMIN has an unknown key, {key!r}.", hint)
    ]
