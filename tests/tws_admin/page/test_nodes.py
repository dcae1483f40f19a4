"""The nodes as the server writes them into the page."""

from __future__ import annotations

import asyncio
import re

import pytest
from django.db import connections
from django.test import override_settings

from tests.tws_admin.conftest import Shared
from tests.tws_admin.neighbours import Neighbour, report, server
from tests.tws_admin.operators import operator
from tests.tws_admin.snapshots import counters
from tws_admin.feed.nodes import row
from tws_admin.page.definitions import DEFINITIONS, STANDINGS
from tws_admin.page.nodes import COLUMNS, nodes

B = "b" * 16


def test_numbers_are_written_as_people_read_them() -> None:
    [found] = nodes([row(Neighbour(B).state, report())])
    texts = {name: text for name, text, _style in found["figures"]}
    assert texts == {
        "uptime_s": "1 min 40 s",
        "connections": "0",
        "events_in_per_s": "0/s",
        "events_out_per_s": "0/s",
        "loop_lag_ms": "0.5 ms",
        "rss_bytes": "1 kB",
        "cpu": "0.5",
    }
    assert (found["words"], found["name"]) == ("Serving", "web2:77")


def test_what_is_not_known_is_a_dash() -> None:
    [found] = nodes([row(Neighbour(B, is_stale=True).state, None)])
    assert {text for _name, text, _style in found["figures"]} == {"–"}
    with override_settings(LANGUAGE_CODE="en"):
        assert str(found["words"]) == "Stale"


def test_each_number_is_written_as_its_definition_says() -> None:
    assert {name: DEFINITIONS[name].style for name in COLUMNS} == COLUMNS
    assert set(STANDINGS) == {"serving", "stopping", "stale", "degraded"}


@pytest.mark.django_db(transaction=True)
class TestTheFirstPaint:
    """What the server writes for a page, before its scripts or without any."""

    async def look(self, query: str = "") -> str:
        _user, browser = await operator("view_dashboard", name=f"olga{query}")

        def get() -> str:
            try:
                return browser.get(f"/admin/tornado_websockets/{query}").content.decode()
            finally:
                connections.close_all()

        return await asyncio.to_thread(get)

    def value(self, page: str, place: str) -> str:
        found = re.search(f'data-tws-value="{place}"[^>]*>([^<]*)<', page)
        assert found is not None
        return found[1]

    def chosen(self, page: str) -> list[str]:
        return re.findall(r'data-tws-node="(\w*)" aria-current="true"', page)

    async def test_it_has_the_sum_and_all_nodes(self, shared: Shared) -> None:
        shared.layer.add(B, report=report(totals=counters(connections=7)))
        page = await self.look()
        assert self.value(page, "totals.connections") == "7"
        assert page.count("data-tws-node=") == 3
        assert "web2:77" in page
        assert self.chosen(page) == [""]
        assert re.search('data-tws-notice="alone" hidden', page)
        assert re.search('data-tws-fact="process" hidden', page)

    async def test_it_has_one_node_when_that_is_asked_for(self, shared: Shared) -> None:
        shared.layer.add(B, report=report(totals=counters(connections=7)))
        page = await self.look(f"?range=2h&node={shared.layer.node.id}")
        assert self.value(page, "totals.connections") == "0"
        assert self.chosen(page) == [shared.layer.node.id]
        assert f'href="?range=10m&amp;node={shared.layer.node.id}"' in page
        assert self.chosen(await self.look("?node=nobody")) == [""]

    async def test_it_says_when_the_others_take_too_long(self, shared: Shared) -> None:
        shared.layer.add(B)
        shared.layer.delay_s = 5.0
        page = await self.look()
        assert self.chosen(page) == [shared.layer.node.id]
        assert re.search('data-tws-notice="alone">', page)

    async def test_it_says_what_is_wrong(self, shared: Shared) -> None:
        shared.layer.wrong = "Redis <b> is away"
        shared.layer.add(B, report=report(server=server(trouble="it is")))
        page = await self.look()
        assert re.search('data-tws-notice="degraded">', page)
        assert "Redis &lt;b&gt; is away" in page
