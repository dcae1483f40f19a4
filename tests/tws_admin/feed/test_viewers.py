"""Who gets which tick."""

from __future__ import annotations

from tws_admin.feed.viewers import Viewer, Viewers


def crowd() -> Viewers[str]:
    return Viewers({"ann": Viewer(7), "bob": Viewer(7), "cid": Viewer(5, every_s=3)})


def test_each_gets_ticks_at_the_pace_that_was_asked_for() -> None:
    viewers = crowd()
    assert viewers.due(7) == []
    assert viewers.due(8) == ["ann", "bob", "cid"]
    viewers.advance(["cid"], 8)
    assert viewers.due(9) == ["ann", "bob"]


def test_those_who_have_the_same_tick_get_the_same() -> None:
    viewers = crowd()
    assert viewers.groups(viewers.due(8)) == {7: ["ann", "bob"], 5: ["cid"]}


def test_whoever_has_got_a_tick_is_up_to_date() -> None:
    viewers = crowd()
    viewers.advance(["ann", "bob", "cid"], 8)
    assert viewers.groups(list(viewers)) == {8: ["ann", "bob", "cid"]}
