"""Questions that a node asks the others, and what it tells them."""

from __future__ import annotations

import asyncio
import functools
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from tornado_websockets.layers.base import Answer, Layer
from tornado_websockets.layers.nodes import Answers
from tornado_websockets.layers.redis.peers import fields
from tornado_websockets.layers.redis.peers.exchange import Exchange, Line, Take, letter
from tornado_websockets.layers.redis.peers.question import Question
from tornado_websockets.layers.redis.peers.roll import Roll
from tornado_websockets.limits.loggate import LogGate

__all__ = ["CHANNEL", "Mail", "telling"]

logger = logging.getLogger("tornado_websockets")

Reply: TypeAlias = Callable[[Mapping[str, Any] | None], None]
"""Takes an answer; None says that there is none."""

CHANNEL: Final = "mail"

MAX_BYTES: Final = 1024 * 1024
"""Size of a question, of an answer, and of what is told, at most."""

MAX_ANSWERING: Final = 100
"""Questions that are answered at the same time, at most."""

ANSWERING_S: Final = 30.0
"""Seconds that an answer may take, at most; hardly anybody waits so long."""


class Mail:
    """Asks and answers, tells and hears, on the event loop.

    Args:
        layer: its functions `answering` and `hearing` are called.
        line: the Redis server.
        roll: the other nodes.
        ready: called whenever messages are heard again, from the first time on.
        left: told the id of a node that ends.
    """

    def __init__(
        self,
        layer: Layer,
        line: Line,
        roll: Roll,
        *,
        ready: Callable[[], None],
        left: Callable[[str], None],
    ) -> None:
        takes: dict[str, Take] = {
            "ask": self._asked,
            "answer": self._answered,
            "tell": self._told,
            "bye": lambda sender, _content: left(sender),
        }
        self._exchange = Exchange(line, CHANNEL, layer.node.id, takes, ready)
        self._layer = layer
        self._here = layer.node.id
        self._roll = roll
        self._questions: dict[str, Question] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._gate = LogGate(time.monotonic, period_s=60.0)

    def start(self) -> None:
        """Listen from now on."""
        self._exchange.start()

    async def stop(self) -> None:
        """Say good-bye, answer no more, and listen no longer."""
        self._exchange.send(letter("bye", self._here, {}))
        for task in self._answering:
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)
        await self._exchange.stop()

    async def ask(
        self, topic: str, data: Mapping[str, Any], *, node: str | None, timeout_s: float
    ) -> Answers:
        """Ask; see `Layer.ask`.

        Raises:
            EncodeError: a value in data cannot be encoded; names its key path.
            ValueError: the question is larger than 1 MiB.
        """
        states = [each for each in self._roll.states if node in (None, each.node.id)]
        stale = [each.node.id for each in states if each.is_stale and node is None]
        asked = [each.node.id for each in states if each.node.id not in stale]
        if node in (None, self._here):
            asked.append(self._here)
        elif not states:
            return Answers({}, [node])
        id = secrets.token_hex(8)
        question = self._questions[id] = Question(asked, stale)
        try:
            if states:
                content = {"id": id, "topic": topic, "data": data}
                message = letter("ask", self._here, content, MAX_BYTES)
                sent = self._exchange.send(message, node or "")
                sent.add_done_callback(functools.partial(self._sent, question))
            if self._here in asked:
                self._begin(topic, data, functools.partial(question.answer, self._here))
            return await question.answers(timeout_s)
        finally:
            del self._questions[id]

    def tell(self, message: bytes) -> None:
        """Send what `telling` has returned; a loss is logged."""
        self._exchange.send(message).add_done_callback(self._was_told)

    # Private.

    def _sent(self, question: Question, sent: asyncio.Future[bool]) -> None:
        if not sent.result():  # nobody else has heard the question
            question.await_only(self._here)

    def _was_told(self, sent: asyncio.Future[bool]) -> None:
        if not sent.result() and (count := self._gate.count("tell")):
            logger.warning("other nodes were not told something (%d times)", count)

    def _asked(self, sender: str, content: Mapping[str, Any]) -> None:
        id, topic, data = (
            fields.text(content, "id"),
            fields.text(content, "topic"),
            fields.mapping(content, "data"),
        )
        self._begin(topic, data, functools.partial(self._reply, sender, id))

    def _answered(self, sender: str, content: Mapping[str, Any]) -> None:
        question = self._questions.get(fields.text(content, "id"))
        if question is not None:  # else it comes too late
            question.answer(
                sender, None if content.get("data") is None else fields.mapping(content, "data")
            )

    def _told(self, sender: str, content: Mapping[str, Any]) -> None:
        topic, data = fields.text(content, "topic"), fields.mapping(content, "data")
        hear = self._layer.hearing.get(topic)
        if hear is None:  # a node of another version tells it
            return
        try:
            hear(data)
        except Exception:
            logger.exception("what another process told of %r failed", topic)

    def _begin(self, topic: str, data: Mapping[str, Any], reply: Reply) -> None:
        answer = self._layer.answering.get(topic)
        if answer is None or len(self._answering) >= MAX_ANSWERING:
            if count := self._gate.count("unanswered"):
                logger.warning("%d questions were not answered, the last one %r", count, topic)
            reply(None)
            return
        task = asyncio.create_task(self._answer(topic, answer, data, reply))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(
        self, topic: str, answer: Answer, data: Mapping[str, Any], reply: Reply
    ) -> None:
        try:
            async with asyncio.timeout(ANSWERING_S):
                reply(await answer(data))
        except Exception:
            logger.exception("the question %r was not answered", topic)
            reply(None)

    def _reply(self, sender: str, id: str, data: Mapping[str, Any] | None) -> None:
        content = {"id": id, "data": data}
        self._exchange.send(letter("answer", self._here, content, MAX_BYTES), sender)


def telling(sender: str, topic: str, data: Mapping[str, Any]) -> bytes:
    """Return the message that tells other nodes something.

    Raises:
        EncodeError: a value in data cannot be encoded; names its key path.
        ValueError: it is larger than 1 MiB.
    """
    return letter("tell", sender, {"topic": topic, "data": data}, MAX_BYTES)
