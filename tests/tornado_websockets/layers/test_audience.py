"""Who is connected here; `contract` has what reaches whom."""

from __future__ import annotations

from tests.tornado_websockets.layers.clients import Client
from tornado_websockets.history import History
from tornado_websockets.layers import Audience
from tornado_websockets.outgoing import Outgoing


def test_it_knows_the_paths_that_are_served_and_what_they_keep() -> None:
    audience, history = Audience(), History()
    audience.serve("/x", None)
    audience.serve("/h", history)
    assert audience.served == {"/x": None, "/h": history}
    audience.withdraw("/x")
    audience.withdraw("/never")
    assert audience.served == {"/h": history}


async def test_a_connection_is_there_from_its_joining_to_its_leaving() -> None:
    audience, client = Audience(), Client()
    assert not audience.has("/x", client)
    audience.join("/x", client)
    assert audience.has("/x", client)
    assert not audience.has("/y", client)
    audience.leave("/x", client)
    assert not audience.has("/x", client)


async def test_who_followed_on_an_excluded_connection_is_excluded() -> None:
    audience, heir, other = Audience(), Client(), Client()
    for client in (heir, other):
        audience.join("/x", client)
    audience.succession.add(heir.id, ["old"])
    audience.deliver("/x", Outgoing("e", b"{}"), without=["old"])
    assert (heir.got, other.got) == ([], ["e"])
    audience.deliver("/x", Outgoing("f", b"{}"), [heir, other], without=["old"])
    assert (heir.got, other.got) == ([], ["e", "f"])
    audience.leave("/x", heir)
    assert len(audience.succession) == 0
