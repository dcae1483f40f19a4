"""Who follows on whom."""

from __future__ import annotations

from tornado_websockets.layers.succession import Succession


def test_the_heirs_of_a_connection_are_found_until_they_go() -> None:
    succession = Succession()
    succession.add("c", ["b", "a"])
    succession.add("d", ["a"])
    assert succession.with_heirs(["a"]) == {"a", "c", "d"}
    assert succession.with_heirs(["b", "x"]) == {"b", "x", "c"}
    succession.forget("c")
    assert succession.with_heirs(["a"]) == {"a", "d"}
    assert succession.with_heirs(["b"]) == ["b"]
    succession.forget("d")
    succession.forget("d")
    assert len(succession) == 0


def test_who_follows_on_nobody_costs_nothing() -> None:
    succession = Succession()
    succession.add("a", ())
    ids = ("a", "b")
    assert succession.with_heirs(ids) is ids
    succession.forget("a")
    assert not any(vars(succession).values())
