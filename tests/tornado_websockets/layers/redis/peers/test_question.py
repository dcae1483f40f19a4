"""Answers are collected until nobody is missing, or the time is over."""

from __future__ import annotations

import asyncio

from tornado_websockets.layers.redis.peers.question import Question


async def test_it_is_over_with_the_last_answer() -> None:
    question = Question(["a", "b"])
    collecting = asyncio.create_task(question.answers(60))
    await asyncio.sleep(0)
    question.answer("a", {"n": 1})
    await asyncio.sleep(0)
    assert not collecting.done()
    question.answer("b", {"n": 2})
    assert await collecting == ({"a": {"n": 1}, "b": {"n": 2}}, [])


async def test_who_does_not_answer_in_time_is_silent() -> None:
    question = Question(["a", "b"])
    question.answer("b", {})
    assert await question.answers(0.001) == ({"b": {}}, ["a"])


async def test_nobody_waits_for_one_who_will_not_answer() -> None:
    question = Question(["a", "b"])
    question.answer("a", None)
    question.answer("b", {})
    assert await question.answers(60) == ({"b": {}}, ["a"])


async def test_nobody_waits_for_a_stale_node_and_it_may_answer() -> None:
    question = Question(["a"], ["b", "c"])
    question.answer("b", {"late": True})
    question.answer("a", {})
    assert await question.answers(60) == ({"b": {"late": True}, "a": {}}, ["c"])


async def test_only_one_is_waited_for_when_the_others_cannot_hear() -> None:
    question = Question(["a", "b", "c"])
    question.await_only("b")
    question.answer("b", {})
    assert await question.answers(60) == ({"b": {}}, ["a", "c"])


async def test_who_was_not_asked_or_has_answered_is_not_listened_to() -> None:
    question = Question(["a", "b"])
    question.answer("x", {})
    question.answer("a", {"n": 1})
    question.answer("a", {"n": 2})
    question.answer("a", None)
    assert await question.answers(0.001) == ({"a": {"n": 1}}, ["b"])
