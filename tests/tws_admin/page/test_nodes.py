"""The nodes as the server writes them into the page."""

from __future__ import annotations

import asyncio
import re

import pytest
from django.db import connections
from django.test import override_settings

from tests.tws_admin.conftest import Shared
from tests.tws_admin.neighbours import Neighbour, past, report, server
from tests.tws_admin.operators import operator
from tests.tws_admin.snapshots import XSS, bar, counters, event, path
from tws_admin.feed.nodes import PAST, row
from tws_admin.feed.reports import check, check_past
from tws_admin.page.definitions import DEFINITIONS, STANDINGS
from tws_admin.page.nodes import COLUMNS, nodes
from tws_admin.templatetags import tws_admin as tags

B = "b" * 16
MODULE = {"kind": XSS[0], "name": XSS[1]}
PATIENCE_S = tags.PATIENCE_S


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
        assert str(found["hint"]).startswith("Nothing has been heard of it")
    [found] = nodes([row(Neighbour(B).state, report(server=server(trouble="Redis is away")))])
    assert found["hint"] == "Redis is away"


def test_each_number_is_written_as_its_definition_says() -> None:
    assert {name: DEFINITIONS[name].style for name in COLUMNS} == COLUMNS
    assert set(STANDINGS) == {"serving", "stopping", "stale", "degraded"}


@pytest.mark.django_db(transaction=True)
class TestTheFirstPaint:
    """What the server writes for a page, before its scripts or without any."""

    @pytest.fixture(autouse=True)
    def patience(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Wait for other nodes for longer than a busy machine needs, and not 0.3 s."""
        monkeypatch.setattr(tags, "PATIENCE_S", 60.0)

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
        assert f'data-tws-node-asked="{shared.layer.node.id}"' in page
        assert self.chosen(await self.look("?node=nobody")) == [""]
        # One that has gone: the scripts ask for it, and say so.
        page = await self.look(f"?node={'c' * 16}")
        assert self.chosen(page) == [""]
        assert f'data-tws-node-asked="{"c" * 16}"' in page

    async def test_it_says_when_the_others_take_too_long(
        self, shared: Shared, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tags, "PATIENCE_S", PATIENCE_S)
        shared.layer.add(B)
        shared.layer.delay_s = 5.0
        page = await self.look()
        assert self.chosen(page) == [shared.layer.node.id]
        assert re.search('data-tws-notice="alone">', page)
        # It is not what was asked for: the scripts go on with all nodes, and so does a link.
        assert 'data-tws-node-asked=""' in page
        assert 'href="?range=2h"' in page

    @pytest.mark.parametrize("number", [0, 2**53, -(2**53)])
    async def test_a_node_that_lies_spoils_nothing(self, shared: Shared, number: int) -> None:
        """Whatever passes for a report can be added up, written and rendered."""
        text, count, moment = "".join(XSS), max(0, number), 253_402_300_799 if number else 0
        times = {"p50_ms": number, "p99_ms": number}
        events = [event(text, calls=count, callback=text, **times)]
        rules = {"permission": text, "origins": [text]}
        rates = {"events_in": number, "cpu": number}
        lie = report(
            time=moment,
            server={
                key: text if isinstance(value, str) else number for key, value in server().items()
            },
            totals=dict.fromkeys(counters(), count),
            rates=rates,
            speeds={text: rates, "/chat": rates},
            paths=[
                path(text, events=events, declared=text, rules=rules, modules=[MODULE], **times)
            ],
            bars=[bar(name=text, label=text, value=number, min=-number, max=number, eta_s=number)],
            log=[
                {"n": count, "time": moment, "kind": "x", "path": text, "duration_s": number},
            ],
        )
        told = past(*lie["log"], cpu=[number, None])
        told["time"] = told["history"]["end"] = moment
        assert check(lie)
        assert check_past(told)
        shared.layer.add(B, report=lie, answers={PAST: told})
        shared.layer.add("c" * 16, report=lie, answers={PAST: told})
        page = await self.look()
        assert self.chosen(page) == [""]
        assert page.count("data-tws-node=") == 4
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<svg onload" not in page

    async def test_a_node_without_others_says_how_there_are_more(self, shared: Shared) -> None:
        assert re.search('data-tws-empty="nodes">', await self.look())
        shared.layer.add(B, report=report())
        assert re.search('data-tws-empty="nodes" hidden>', await self.look("?range=2h"))

    async def test_it_says_what_is_wrong(self, shared: Shared) -> None:
        shared.layer.wrong = "Redis <b> is away"
        shared.layer.add(B, report=report(server=server(trouble="it is")))
        page = await self.look()
        assert re.search('data-tws-notice="degraded">', page)
        assert "Redis &lt;b&gt; is away" in page
