"""What is asked of all nodes is answered by those who can, and it is told who did not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from django.test import override_settings
from django.utils.translation import override

from tests.tws_admin.conftest import Shared
from tornado_websockets.layers import layer
from tornado_websockets.testing import Server
from tws_admin.control import answers as module
from tws_admin.control.answers import Gathered, attend, gather, node_of
from tws_admin.control.requests import Refusal
from tws_admin.values import is_count

TOPIC = "tests.count"
COUNT = {"count": is_count}
B, C = "b" * 16, "c" * 16


@pytest.fixture(autouse=True)
def topic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this node count to what it is asked for, and refuse to begin below 0."""

    def count(question: Mapping[str, Any]) -> Mapping[str, Any]:
        if question["to"] < 0:
            raise Refusal("invalid", "There is nothing below 0.")
        return {"count": question["to"]}

    monkeypatch.setitem(module._locals, TOPIC, count)


async def test_answers_are_gathered(shared: Shared) -> None:
    shared.layer.add(B, answers={TOPIC: {"count": 5}})
    found = await gather(TOPIC, {"to": 2}, shape=COUNT)
    assert found.sum("count") == 7
    assert found.told == {"nodes": {"asked": 2, "answered": 2}}
    found = await gather(TOPIC, {"to": 2}, B, shape=COUNT)
    assert found == Gathered({B: {"count": 5}}, 1, 1)


async def test_who_is_silent_is_counted(shared: Shared) -> None:
    shared.layer.add(B)
    found = await gather(TOPIC, {"to": 2}, shape=COUNT)
    assert (found.sum("count"), found.told["nodes"]) == (2, {"asked": 2, "answered": 1})
    with pytest.raises(Refusal, match=r"silent: 0 of 1 nodes answered\."):
        await gather(TOPIC, {"to": 2}, B, shape=COUNT)
    with override("fr"), pytest.raises(Refusal, match=r"0 nœud sur 1 a répondu\."):
        await gather(TOPIC, {"to": 2}, B, shape=COUNT)


@pytest.mark.parametrize(
    "wrong", [{}, {"count": "5"}, {"count": True}, {"count": -1}, {"refused": 5}, {"refused": "x"}]
)
async def test_an_answer_of_another_kind_is_none(
    shared: Shared, wrong: Any, caplog: pytest.LogCaptureFixture
) -> None:
    shared.layer.add(B, answers={TOPIC: wrong})
    found = await gather(TOPIC, {"to": 2}, shape=COUNT)
    assert found.told["nodes"] == {"asked": 2, "answered": 1}
    assert f"node {B} answers what cannot be used" in caplog.text


async def test_one_who_can_is_enough(shared: Shared) -> None:
    shared.layer.add(B, answers={TOPIC: {"count": 5}})
    shared.layer.add(C, answers={TOPIC: {"refused": "not_found", "message": "Not here."}})
    found = await gather(TOPIC, {"to": -1}, shape=COUNT)
    assert (list(found.answers), found.told["nodes"]) == ([B], {"asked": 3, "answered": 3})


async def test_when_nobody_can_this_node_says_why(shared: Shared) -> None:
    shared.layer.add(B, answers={TOPIC: {"refused": "not_found", "message": "Not here."}})
    with pytest.raises(Refusal, match=r"^invalid: There is nothing below 0\.$"):
        await gather(TOPIC, {"to": -1}, shape=COUNT)
    with pytest.raises(Refusal, match=r"^not_found: Not here\.$"):
        await gather(TOPIC, {"to": -1}, B, shape=COUNT)
    shared.layer.add(C)
    with pytest.raises(Refusal, match=r"below 0\. 2 of 3 nodes answered\.$"):
        await gather(TOPIC, {"to": -1}, shape=COUNT)


async def test_a_node_that_is_not_there_is_not_asked(shared: Shared) -> None:
    with pytest.raises(Refusal, match="not_found: There is no node nobody any more"):
        await gather(TOPIC, {"to": 1}, "nobody", shape=COUNT)
    assert shared.layer.asked == []


async def test_what_is_too_large_for_other_nodes_is_refused(shared: Shared) -> None:
    shared.layer.error = ValueError("it has 2 MiB")
    with pytest.raises(Refusal, match="invalid: it has 2 MiB"):
        await gather(TOPIC, {"to": 1}, shape=COUNT)


async def test_one_process_answers_itself(server: Server) -> None:
    attend()
    found = await gather(TOPIC, {"to": 3}, shape=COUNT)
    assert (found.sum("count"), found.told["nodes"]) == (3, {"asked": 1, "answered": 1})
    with override_settings(TORNADO={"port": 1}):  # which makes another layer
        assert (await gather(TOPIC, {"to": 4}, shape=COUNT)).sum("count") == 4
    assert (await gather(TOPIC, {"to": 4}, layer().node.id, shape=COUNT)).sum("count") == 4


def test_a_node_is_named_by_a_text() -> None:
    assert (node_of({}), node_of({"node": B})) == (None, B)
    with pytest.raises(Refusal):
        node_of({"node": 5})
