"""What every layer is; `contract` has what each of them does."""

from __future__ import annotations

import pytest

from tornado_websockets.history import History
from tornado_websockets.layers import Audience, Layer, LocalLayer


def test_a_layer_is_abstract() -> None:
    with pytest.raises(TypeError, match="publish"):
        Layer(Audience())  # type: ignore[abstract]


async def test_of_one_process_it_knows_this_one() -> None:
    layer = LocalLayer(Audience())
    assert [state.node for state in layer.nodes()] == [layer.node]
    assert layer.trouble == ""
    assert await layer.reports() == {}
    layer.report = lambda: {"n": 1}
    assert await layer.reports() == {layer.node.id: {"n": 1}}


async def test_a_question_to_all_is_answered_by_this_process() -> None:
    layer = LocalLayer(Audience())

    async def double(data: object) -> dict[str, object]:
        return {"got": data}

    layer.answering["topic"] = double
    here = layer.node.id
    assert await layer.ask("topic", {"n": 1}) == ({here: {"got": {"n": 1}}}, [])
    assert await layer.ask("topic", {"n": 1}, node=here) == ({here: {"got": {"n": 1}}}, [])
    assert await layer.ask("topic", {"n": 1}, node="gone") == ({}, ["gone"])
    layer.tell("topic", {"n": 1})  # there is nobody else


async def test_it_follows_its_audience_between_start_and_stop() -> None:
    audience = Audience()
    layer = LocalLayer(audience)
    await layer.start()
    audience.serve("/h", History())
    first = layer.log("/h")
    assert first is not None
    assert layer.log("/h") is first
    await layer.stop()
    assert audience.served_changed is None
    await layer.start()
    again = layer.log("/h")
    assert again is not None
    assert again.epoch != first.epoch
    await layer.stop()
