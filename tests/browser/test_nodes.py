"""The monitor of several nodes, in a real browser: two servers, and a Redis between them."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.browser.conftest import OpenPage
from tests.browser.monitor import Monitor, Site
from tests.demo import ROOT
from tests.engines.broker import Broker, is_installed
from tests.process import ServerProcess
from tornado_websockets.paths import url

DESKTOP = {"viewport": {"width": 1400, "height": 1400}}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", **DESKTOP},
    "dark": {"color_scheme": "dark", **DESKTOP},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 1200}},
}

HISTORY_MS = 120_000  # so that the picture that is kept has lines to show

pytestmark = pytest.mark.skipif(not is_installed(), reason="redis-server is not installed")


class Sites:
    """The example, served by two processes."""

    def __init__(self, folder: Path, broker: Broker, *, visitors: int = 0) -> None:
        self.broker = broker
        environment = {"TORNADO_LAYER": broker.url}
        self.first = Site(folder, visitors=visitors, environment=environment)
        self.second = ServerProcess(
            "runtornado",
            "0",
            "--noreload",
            directory=ROOT,
            log=folder / "second.log",
            environment={"DEBUG": "True", "ALLOWED_HOSTS": "", **self.first.environment},
        )
        self.host = f"127.0.0.1:{self.second.port}"
        self._clients = contextlib.ExitStack()

    def connect(self, path: str) -> ClientConnection:
        """Connect a client to the second node."""
        client = connect(f"ws://{self.host}{url(path)}", compression=None)
        return self._clients.enter_context(client)

    def send(self, number: signal.Signals) -> None:
        self.second.process.send_signal(number)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.send(signal.SIGCONT)
        self._clients.close()
        self.second.kill()
        self.first.kill()


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[Sites]:
    with Broker() as broker:
        sites = Sites(tmp_path, broker)
        yield sites
        sites.kill()


@pytest.fixture
def monitor(sites: Sites, open_page: OpenPage) -> Monitor:
    monitor = Monitor(open_page(sites.first.monitor, **DESKTOP), "admin", sites.first.password())
    monitor.expect_link("live")
    expect(monitor.rows("nodes")).to_have_count(2)
    return monitor


def row_of(monitor: Monitor, pid: int) -> Any:
    return monitor.page.locator('[data-tws-rows="nodes"] > tr', has_text=f":{pid}")


def test_the_sum_and_one_node(sites: Sites, monitor: Monitor) -> None:
    page = monitor.page
    here = sites.first.connect("/echo")
    there = [sites.connect("/echo") for _ in range(2)]
    expect(monitor.value("totals.connections")).to_have_text("3")
    expect(monitor.cell("paths", "/echo", "connections")).to_have_text("3")
    expect(monitor.rows("connections")).to_have_count(3)
    second = row_of(monitor, sites.second.process.pid)
    expect(second.locator('[data-tws-cell="connections"]')).to_have_text("2")
    expect(second.locator('[data-tws-cell="state"]')).to_have_text("Serving")
    expect(page.locator('[data-tws-fact="nodes"]')).to_have_text("Nodes2")
    expect(page.locator('[data-tws-fact="process"]')).to_be_hidden()
    # With the keyboard.
    second.get_by_role("link").focus()
    page.keyboard.press("Enter")
    expect(monitor.value("totals.connections")).to_have_text("2")
    expect(monitor.rows("connections")).to_have_count(2)
    expect(second.get_by_role("link")).to_have_attribute("aria-current", "true")
    expect(monitor.value("server.pid")).to_have_text(str(sites.second.process.pid))
    assert "node=" in page.url
    # It lasts: the server renders it, and a page that connects anew asks for it again.
    page.reload()
    monitor.expect_link("live")
    expect(monitor.value("totals.connections")).to_have_text("2")
    expect(page.get_by_label("Node", exact=True)).to_have_value(re.compile(r"[0-9a-f]{16}"))
    page.get_by_label("Node", exact=True).select_option("All nodes")
    expect(monitor.value("totals.connections")).to_have_text("3")
    assert "node=" not in page.url
    for client in (here, *there):
        client.close()


def test_a_node_that_ends_leaves_the_page(sites: Sites, monitor: Monitor) -> None:
    page = monitor.page
    sites.connect("/echo")
    expect(monitor.value("totals.connections")).to_have_text("1")
    second = row_of(monitor, sites.second.process.pid)
    second.get_by_role("link").click()
    expect(monitor.value("server.pid")).to_have_text(str(sites.second.process.pid))
    sites.send(signal.SIGKILL)
    expect(second.locator('[data-tws-cell="state"]')).to_have_text("Stale")
    expect(page.locator('[data-tws-answered="nodes"]')).to_have_text("1 of 2 nodes answered.")
    expect(monitor.rows("nodes")).to_have_count(1)
    gone = page.locator('[data-tws-notice="gone"]')
    expect(gone).to_contain_text(f":{sites.second.process.pid} has gone: all nodes are shown.")
    expect(monitor.value("server.pid")).to_have_text(str(sites.first.process.pid))
    expect(monitor.value("totals.connections")).to_have_text("0")
    assert "node=" not in page.url


def test_a_page_that_is_made_while_a_node_is_silent_shows_all(
    sites: Sites, monitor: Monitor
) -> None:
    """The server renders this node alone then, which is nobody's choice."""
    sites.connect("/echo")
    page = monitor.page
    sites.send(signal.SIGSTOP)
    page.reload()
    monitor.expect_link("live")
    sites.send(signal.SIGCONT)
    expect(monitor.value("totals.connections")).to_have_text("1")
    expect(page.get_by_label("Node", exact=True)).to_have_value("")
    expect(page.locator('[data-tws-notice="alone"]')).to_be_hidden()


def test_a_connection_elsewhere_is_closed(sites: Sites, monitor: Monitor) -> None:
    client = sites.connect("/echo")
    page = monitor.page
    expect(monitor.rows("connections")).to_have_count(1)
    monitor.rows("connections").get_by_role("button").click()
    expect(page.get_by_role("dialog")).to_contain_text(f":{sites.second.process.pid}")
    page.get_by_role("dialog").get_by_text("Disconnect…").click()
    page.get_by_role("dialog").get_by_role("button", name="Disconnect 1 connection").click()
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=30)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4500
    expect(page.get_by_text("1 connection was closed.")).to_be_visible()


def test_who_is_silent_or_cut_off_is_told(sites: Sites, monitor: Monitor) -> None:
    page = monitor.page
    sites.send(signal.SIGSTOP)
    expect(page.locator('[data-tws-answered="connections"]')).to_have_text("1 of 2 nodes answered.")
    sites.send(signal.SIGCONT)
    expect(page.locator('[data-tws-answered="connections"]')).to_be_hidden()
    sites.broker.stop()
    expect(page.locator('[data-tws-notice="degraded"]')).to_contain_text("Degraded: ")
    sites.broker.start()
    expect(page.locator('[data-tws-notice="degraded"]')).to_be_hidden(timeout=60_000)


@pytest.mark.timeout(300)
def test_pictures(tmp_path: Path, open_page: OpenPage, images: Path) -> None:
    with Broker() as broker:
        sites = Sites(tmp_path, broker, visitors=20)
        try:
            take_pictures(sites, open_page, images, tmp_path)
        finally:
            sites.kill()


def take_pictures(sites: Sites, open_page: OpenPage, images: Path, folder: Path) -> None:
    for path in ("/echo", "/chat", "/echo"):
        sites.connect(path)
    for number, (name, options) in enumerate(LOOKS.items()):
        page = open_page(sites.first.monitor, **options)
        monitor = Monitor(page, "admin", sites.first.password())
        monitor.expect_link("live")
        expect(monitor.rows("nodes")).to_have_count(2)
        expect(monitor.rows("connections").nth(3)).to_be_visible()
        if number == 0 and images == ROOT / "docs/img":
            page.wait_for_timeout(HISTORY_MS)
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(overflow) <= 0
        # The documentation shows the first.
        page.screenshot(path=(images if number == 0 else folder) / f"nodes-{name}.png")
        page.context.close()  # before its server ends
