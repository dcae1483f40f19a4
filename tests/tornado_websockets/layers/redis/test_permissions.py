"""The user of Redis that the documentation makes may do what is done, and nothing else."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.engines.broker import Broker
from tests.tornado_websockets.layers.clients import Client, Page, until
from tests.tornado_websockets.layers.redis.station import stations, wordy
from tornado_websockets.history import History
from tornado_websockets.layers.event import Event

LAYERS = Path(__file__).resolve().parents[4] / "docs" / "layers.md"


async def test_the_user_of_the_documentation_may_do_what_is_done() -> None:
    found = re.search(r"<!-- acl -->\n```\n(.+)\n```", LAYERS.read_text())
    assert found is not None
    with Broker() as own:
        own.run(*shlex.split(found[1]))
        url = own.url.replace("//", "//tws:password@")
        async with stations(2, url) as (one, two):
            page, other = Page(), Client()
            await one.visit(page)
            two.audience.join("/live", other)
            one.say(1)
            one.say(2, path="/live")
            blocking = two.layer.shard_of("/h").blocking
            blocking.publish(
                "/h", History(events=2, seconds=60, bytes=10_000), Event("e", wordy(3))
            )
            blocking.close()
            two.layer.tell("greeting", {})
            await until(lambda: sorted(page.numbers) == [1, 3] and other.got == ["e"])
            await until(lambda: len(one.layer.nodes()) == 2)
            assert len(await one.layer.reports()) <= 2
            assert (one.layer.trouble, two.layer.trouble) == ("", "")
        denied = own.run("ACL", "LOG")
        assert "username" not in denied, denied
