"""Questions that each node answers of itself, asked of all nodes or of one."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextvars import copy_context
from typing import Any, Final, NamedTuple

from django.utils.translation import ngettext

from tornado_websockets import signals
from tornado_websockets.layers import layer
from tornado_websockets.runtime import runtime
from tws_admin.control.requests import Refusal, no_such_node, text
from tws_admin.values import Holds, is_text

__all__ = ["Gathered", "answers", "attend", "gather", "node_of"]

logger = logging.getLogger("tws_admin")

PATIENCE_S: Final = 2.0
"""Seconds that an answer may take which is only read."""

Question = Mapping[str, Any]
Local = Callable[[Question], Mapping[str, Any]]
"""Answers of this node alone, in a thread; may raise a `Refusal`."""

_locals: Final[dict[str, Local]] = {}


class Gathered(NamedTuple):
    """What nodes have answered.

    Attributes:
        answers: by the id of the node, without those who have refused.
        asked: how many were asked.
        answered: how many of these answered.
    """

    answers: Mapping[str, Mapping[str, Any]]
    asked: int
    answered: int

    @property
    def told(self) -> dict[str, Any]:
        """What the answer to the viewer has of it."""
        return {"nodes": {"asked": self.asked, "answered": self.answered}}

    def sum(self, name: str) -> int:
        """Return the sum of a number in the answers."""
        return sum(answer[name] for answer in self.answers.values())


def answers(topic: str) -> Callable[[Local], Local]:
    """Let a function answer a question; decorator."""

    def register(function: Local) -> Local:
        _locals[topic] = function
        return function

    return register


def attend() -> None:
    """Answer on each server that starts in this process, and on one that runs."""
    signals.server_started.connect(_install, dispatch_uid="tws_admin.control.answers")
    if runtime.is_running:
        runtime.call(_install)


async def gather(
    topic: str,
    question: Question,
    node: str | None = None,
    *,
    shape: Mapping[str, Holds],
    within_s: float = PATIENCE_S,
) -> Gathered:
    """Ask all nodes, or one, and return what they have answered.

    Args:
        topic: the question.
        question: what it is about; each node looks at it anew.
        node: the id of the only one that is asked; None is all.
        shape: what an answer has, and what these values may be.
        within_s: seconds that an answer may take.

    Raises:
        Refusal: all who have answered refuse it, or nobody has answered.
    """
    if topic not in layer().answering:  # the settings of a test have brought another layer
        _install()
    if node is not None and node not in {state.node.id for state in layer().nodes()}:
        raise no_such_node(node)
    try:
        asked = await layer().ask(topic, question, node=node, timeout_s=within_s)
    except ValueError as error:  # too large for other nodes, or for JSON
        raise Refusal("invalid", str(error)) from error
    count = len(asked.answers) + len(asked.silent)
    usable = {key: each for key, each in asked.answers.items() if _is_usable(key, each, shape)}
    found = {key: each for key, each in usable.items() if "refused" not in each}
    if not found:
        raise _refusal(usable, count)
    return Gathered(found, count, len(usable))


def node_of(data: Mapping[str, Any]) -> str | None:
    """Return the id of the only node that something is asked of; None is all.

    Raises:
        Refusal: it is no text.
    """
    return text(data, "node")


# Private.


def _install(**kwargs: Any) -> None:
    for topic, function in _locals.items():
        layer().answering[topic] = _answering(function)


def _answering(function: Local) -> Callable[[Question], Awaitable[Mapping[str, Any]]]:
    async def answer(question: Question) -> Mapping[str, Any]:
        try:
            found: Mapping[str, Any] = await runtime.in_thread(
                function, question, context=copy_context()
            )
        except Refusal as refusal:
            return {"refused": refusal.code, "message": refusal.message}
        return found

    return answer


def _is_usable(key: str, answer: Mapping[str, Any], shape: Mapping[str, Holds]) -> bool:
    if "refused" in answer:
        shape = {"refused": is_text, "message": is_text}
    is_usable = all(holds(answer.get(name)) for name, holds in shape.items())
    if not is_usable:
        logger.warning("node %s answers what cannot be used", key)
    return is_usable


def _refusal(refusing: Mapping[str, Mapping[str, Any]], asked: int) -> Refusal:
    """Return why nobody does what was asked for, in the words of this node if it has any."""
    # The same in English, other words in other languages.
    told = ngettext(
        "%(answered)d of %(asked)d nodes answered.",
        "%(answered)d of %(asked)d nodes answered.",
        len(refusing),
    ) % {"answered": len(refusing), "asked": asked}
    if not refusing:
        return Refusal("silent", told)
    first = refusing.get(layer().node.id) or next(iter(refusing.values()))
    message = first["message"] if len(refusing) == asked else f"{first['message']} {told}"
    return Refusal(first["refused"], message)
