"""The live monitor in a real browser, on a real server with real clients."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.browser.conftest import OpenPage
from tests.browser.hostile import CORPUS
from tests.browser.monitor import PASSWORD, Load, Monitor, Site
from tests.demo import ROOT

DESKTOP = {"viewport": {"width": 1400, "height": 1000}}
HISTORY_MS = 240_000  # so that the pictures that are kept have lines to show
FOREIGN = {"Origin": "http://elsewhere.example"}
HOLLOW_WEBSOCKET = """
globalThis.WebSocket = class extends EventTarget {
  constructor() {
    super();
    setTimeout(() => {
      this.dispatchEvent(new Event('error'));
      this.dispatchEvent(new CloseEvent('close', {code: 1006}));
    });
  }
  close() {}
};
"""


OpenSite = Callable[..., Site]


@pytest.fixture
def open_site(tmp_path: Path) -> Iterator[OpenSite]:
    """Serve the example; as often as a test likes."""
    sites: list[Site] = []

    def open_site(**options: Any) -> Site:
        sites.append(Site(tmp_path, **options))
        return sites[-1]

    yield open_site
    for site in sites:
        site.kill()


@pytest.fixture
def site(open_site: OpenSite) -> Site:
    return open_site()


Watch = Callable[..., Monitor]


@pytest.fixture
def watch(open_page: OpenPage) -> Watch:
    """Open the page of a site's monitor, as its superuser, and wait until it is live."""

    def watch(
        site: Site, name: str = "admin", *, state: str = "live", query: str = "", **options: Any
    ) -> Monitor:
        page = open_page(site.monitor + query, **DESKTOP | options)
        monitor = Monitor(page, name, site.password() if name == "admin" else PASSWORD)
        monitor.expect_link(state)
        return monitor

    return watch


def poll(page: Page, found: Callable[[], bool]) -> None:
    """Wait until something is true."""
    for _ in range(300):
        if found():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not become true within 30 seconds")


def test_counts_are_the_truth_at_each_step(site: Site, watch: Watch) -> None:
    monitor = watch(site)

    def expect_counts(**counts: int) -> None:
        for name, count in counts.items():
            expect(monitor.value(f"totals.{name}")).to_have_text(str(count))

    expect_counts(connections=0, peak=0, rejected=0)
    expect(monitor.page.get_by_text("Nobody is connected")).to_be_visible()
    clients = [site.connect("/echo") for _ in range(3)]
    expect_counts(connections=3, peak=3, rejected=0)
    expect(monitor.rows("connections")).to_have_count(3)
    expect(monitor.cell("paths", "/echo", "connections")).to_have_text("3")
    for _ in range(2):
        with pytest.raises(InvalidStatus):
            site.connect("/echo", FOREIGN)
    expect_counts(connections=3, peak=3, rejected=2)
    expect(monitor.log("connection_rejected")).to_have_count(2)
    # Killed: no close frame is sent.
    clients[0].socket.shutdown(socket.SHUT_RDWR)
    expect_counts(connections=2, peak=3, rejected=2)
    expect(monitor.rows("connections")).to_have_count(2)
    clients[1].close()
    expect_counts(connections=1, peak=3, rejected=2)
    expect(monitor.log("connection_closed")).to_have_count(2)
    expect(monitor.log("connection_opened")).to_have_count(3)
    monitor.path_button("/echo").click()
    details = monitor.page.locator(".tws-details")
    expect(details).to_contain_text("1006")
    expect(details).to_contain_text("Opened3")
    expect(details).to_contain_text("Closed2")
    clients[2].close()
    expect_counts(connections=0)
    expect(monitor.rows("connections")).to_have_count(0)


SHOWN = """
(dashboard) => {
  dashboard.render();
  const row = '[data-tws-rows="paths"] > [data-tws-key="/echo"]';
  const number = (place) => parseFloat(document.querySelector(place).innerText.replaceAll(',', ''));
  const {seq, time, totals, paths} = dashboard.state;
  return {
    seq,
    time,
    events: totals.events_in,
    rate: number('[data-tws-value="rates.events_in"]'),
    row_events: paths.get('/echo').events_in,
    row_rate: number(`${row} > [data-tws-cell="rates.events_in"]`),
  };
}
"""


def test_rates_are_those_of_the_load(site: Site, watch: Watch) -> None:
    monitor = watch(site)
    load = Load(site, "/echo")
    try:
        expect(monitor.cell("paths", "/echo", "rates.events_in")).to_have_text(
            re.compile(r"\d\d/s")
        )
        # What is shown, each time that another tick has come. A machine that stalls holds up the
        # load, which hurries then: the events that were counted since the tick before tell of both.
        last = monitor.evaluate(SHOWN)
        events = shown = row_events = row_shown = 0.0
        ticks = 0
        while ticks < 7:
            now = monitor.evaluate(SHOWN)
            if now["seq"] == last["seq"]:
                monitor.page.wait_for_timeout(50)
                continue
            if now["seq"] == last["seq"] + 1:  # else one was passed over
                passed = now["time"] - last["time"]
                ticks += 1
                events += now["events"] - last["events"]
                shown += now["rate"] * passed
                row_events += now["row_events"] - last["row_events"]
                row_shown += now["row_rate"] * passed
            last = now
        assert shown == pytest.approx(events, rel=0.05)
        assert row_shown == pytest.approx(row_events, rel=0.05)
        assert events == row_events > 0
        # The chart has the burst: under the cross-hair at its end, and in its neighbour as well.
        chart = monitor.page.locator('[data-tws-chart="events"]')
        box = chart.locator(".u-over").bounding_box()
        assert box is not None
        chart.locator(".u-over").hover(position={"x": box["width"] - 2, "y": 20})
        pointed = chart.locator('[data-tws-value="rates.events_in"]')
        expect(pointed).to_have_text(re.compile(r"^(9\d(\.\d)?|10\d|100)/s$"))
        cross_hair = monitor.page.locator('[data-tws-chart="loop"] .u-cursor-x')
        expect(cross_hair).not_to_have_class(re.compile("u-off"))
    finally:
        load.stop()
    monitor.page.mouse.move(0, 0)
    expect(monitor.value("totals.events_in")).to_have_text(f"{load.count:,}")
    expect(monitor.value("rates.events_in")).to_have_text("0/s")
    expect(monitor.cell("paths", "/echo", "rates.events_in")).to_have_text("0/s")


def test_a_connection_is_disconnected_and_the_log_of_the_admin_has_it(
    site: Site, watch: Watch
) -> None:
    client, other = site.connect("/echo"), site.connect("/chat")
    monitor = watch(site)
    expect(monitor.rows("connections")).to_have_count(2)
    monitor.page.get_by_role("searchbox", name="Search user").fill("/echo")
    expect(monitor.rows("connections")).to_have_count(1)
    monitor.rows("connections").get_by_role("button").click()
    monitor.page.get_by_role("dialog").get_by_text("Disconnect…").click()
    dialog = monitor.page.get_by_role("dialog", name=re.compile("Disconnect connection"))
    expect(dialog).to_contain_text("1 connection will be closed.")
    dialog.get_by_label("Reason").fill("go away <b>")
    dialog.get_by_role("button", name="Disconnect 1 connection").click()
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=30)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4500, "go away <b>")
    expect(monitor.page.get_by_text("1 connection was closed.")).to_be_visible()
    expect(monitor.log("action")).to_contain_text("admin, disconnect, 1")
    expect(monitor.value("totals.connections")).to_have_text("1")
    [(message,)] = site.rows("select change_message from django_admin_log")
    assert "go away <b>" in message
    other.close()


def test_an_event_is_sent_to_a_path_after_it_is_said_how_many_get_it(
    site: Site, watch: Watch
) -> None:
    clients = [site.connect("/echo") for _ in range(2)]
    monitor = watch(site)
    monitor.path_button("/echo").click()
    monitor.page.get_by_role("button", name="Send an event to path /echo").click()
    dialog = monitor.page.get_by_role("dialog")
    expect(dialog).to_contain_text("It will reach 2 connections.")
    dialog.get_by_label("Event").fill("notice")
    dialog.get_by_label("Data").fill("[1]")
    dialog.get_by_role("button", name="Send to 2 connections").click()
    expect(dialog.get_by_role("alert")).to_contain_text("must be a JSON object")
    dialog.get_by_label("Data").fill('{"text": "hello <b>"}')
    dialog.get_by_role("button", name="Send to 2 connections").click()
    for client in clients:
        expected = {"event": "notice", "data": {"text": "hello <b>"}}
        assert json.loads(client.recv(timeout=30)) == expected
        client.close()
    expect(monitor.page.get_by_text("The event went to 2 connections.")).to_be_visible()
    assert len(site.rows("select * from django_admin_log")) == 1


def test_events_of_a_path_are_inspected_until_it_is_stopped(site: Site, watch: Watch) -> None:
    client = site.connect("/echo")
    monitor = watch(site)
    monitor.path_button("/echo").click()
    monitor.page.get_by_role("button", name="Inspect its events").click()
    expect(monitor.page.get_by_text("Ends at")).to_be_visible()
    client.send('{"event": "message", "data": {"text": "hello <b>", "password": "canary"}}')
    expect(monitor.rows("inspector")).to_have_count(2)
    expect(monitor.rows("inspector").first).to_contain_text("hello <b>")
    assert "canary" not in monitor.page.content()
    monitor.page.get_by_role("button", name="Stop").click()
    expect(monitor.page.locator('[data-tws="inspector"]')).to_be_hidden()
    client.close()


POINTS = """
(dashboard, name) => {
  const {history} = dashboard.state;
  const values = history.values(name);
  return history.times().map((time, index) => [time, values[index]]);
}
"""


def test_a_restart_makes_the_page_stale_then_live_with_a_gap(
    site: Site, watch: Watch, open_site: OpenSite
) -> None:
    client = site.connect("/echo")
    monitor = watch(site)
    expect(monitor.value("totals.connections")).to_have_text("1")
    poll(monitor.page, lambda: monitor.evaluate("(it) => it.state.seq") >= 3)
    site.process.kill()
    site.process.wait()
    killed_at = time.time()
    monitor.expect_link("stale")
    expect(monitor.page.locator("[data-tws-state]")).to_have_text(
        re.compile(r"^Stale since \d\d:\d\d:\d\d$")
    )
    before = monitor.evaluate("(it) => it.state.epoch")
    restarted_at = time.time()
    open_site(port=site.server.port)
    monitor.expect_link("live")
    assert monitor.evaluate("(it) => it.state.epoch") != before
    expect(monitor.value("totals.connections")).to_have_text("0")
    poll(monitor.page, lambda: monitor.evaluate("(it) => it.state.seq") >= 3)
    for series in ("connections", "events_in"):
        points = monitor.evaluate(POINTS, series)
        known = {at: value for at, value in points if value is not None}
        # Before the restart, the gap, and behind it; a second in which the server stood still may
        # be missing anywhere. Each point stands about a second from the next.
        assert any(at < killed_at + 1 for at in known), points
        assert not any(killed_at + 1 < at < restarted_at - 1 for at in known), points
        assert any(at > restarted_at - 1 for at in known), points
        assert min(known.values()) >= 0
    with contextlib.suppress(ConnectionClosed):
        client.close()


def test_a_page_that_is_loaded_again_shows_the_history(site: Site, watch: Watch) -> None:
    client = site.connect("/echo")
    monitor = watch(site)
    poll(monitor.page, lambda: monitor.evaluate("(it) => it.state.seq") >= 4)
    client.close()
    expect(monitor.value("totals.connections")).to_have_text("0")
    monitor.page.reload()
    monitor.expect_link("live")
    values = monitor.evaluate("(it) => it.state.history.values('connections')")
    assert 1 in values
    assert values[-1] == 0
    expect(monitor.log("connection_opened")).to_have_count(1)
    expect(monitor.log("connection_closed")).to_have_count(1)


def test_ranges_are_chosen_and_last(site: Site, watch: Watch) -> None:
    monitor = watch(site)
    monitor.page.get_by_role("link", name="2 hours").click()
    steps = "(it) => [it.state.history.step_s, it.state.history.times().length]"
    poll(monitor.page, lambda: monitor.evaluate(steps) == [10, 720])
    expect(monitor.page.get_by_role("link", name="2 hours")).to_have_attribute(
        "aria-current", "true"
    )
    monitor.page.reload()
    monitor.expect_link("live")
    assert monitor.evaluate(steps) == [10, 720]
    expect(monitor.page.get_by_role("link", name="2 hours")).to_have_attribute(
        "aria-current", "true"
    )


def test_a_paused_page_stands_still_and_goes_on_with_what_is_now(site: Site, watch: Watch) -> None:
    monitor = watch(site)
    pause = monitor.page.locator('[data-tws="status"]').get_by_role("button", name="Pause")
    pause.click()
    expect(monitor.page.locator("[data-tws-state]")).to_have_text("Paused")
    seq = monitor.evaluate("(it) => it.state.seq")
    client = site.connect("/echo")
    poll(monitor.page, lambda: monitor.evaluate("(it) => it.state.totals.connections") == 1)
    assert monitor.evaluate("(it) => it.state.seq") > seq
    expect(monitor.value("totals.connections")).to_have_text("0")
    monitor.page.locator('[data-tws="status"]').get_by_role("button", name="Go on").click()
    expect(monitor.value("totals.connections")).to_have_text("1")
    client.close()


def test_tables_are_sorted_filtered_and_say_so(site: Site, watch: Watch) -> None:
    clients = [site.connect("/echo"), site.connect("/echo"), site.connect("/chat")]
    monitor = watch(site)
    heading = monitor.page.locator('[data-tws="paths"] th[data-tws-column="connections"]')
    expect(monitor.cell("paths", "/echo", "connections")).to_have_text("2")

    def keys(table: str) -> Any:
        script = "(rows) => rows.map((row) => row.dataset.twsKey)"
        return monitor.rows(table).evaluate_all(script)

    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    assert keys("paths") == ["/echo", "/chat", "/progress"]
    heading.get_by_role("button").press("Enter")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    assert keys("paths") == ["/progress", "/chat", "/echo"]
    monitor.page.get_by_role("searchbox", name="Filter paths").fill("CHA")
    assert keys("paths") == ["/chat"]
    monitor.page.get_by_role("searchbox", name="Filter paths").fill("")
    monitor.path_button("/chat").click()
    monitor.page.get_by_role("button", name="Show its connections").click()
    expect(monitor.rows("connections")).to_have_count(1)
    expect(monitor.rows("lifecycle").filter(has_text="/echo")).to_have_count(2)
    log = monitor.page.locator('[data-tws="lifecycle"]')
    log.get_by_label("Path").select_option("/chat")
    expect(monitor.rows("lifecycle")).to_have_count(1)
    log.get_by_label("Kind").select_option("connection_closed")
    expect(monitor.rows("lifecycle")).to_have_count(0)
    expect(log).to_contain_text("No event is like that.")
    log.get_by_label("Path").select_option("")
    clients[0].close()
    expect(monitor.rows("lifecycle")).to_have_count(1)
    log.get_by_role("button", name="Pause").click()
    clients[1].close()
    expect(log.get_by_role("button", name="Go on (1 new one)")).to_be_visible()
    expect(monitor.rows("lifecycle")).to_have_count(1)
    log.get_by_role("button", name="Go on").click()
    expect(monitor.rows("lifecycle")).to_have_count(2)
    monitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    log.get_by_role("button", name="Copy").click()
    expect(log.get_by_role("button", name="Copied")).to_be_visible()
    copied = monitor.page.evaluate("navigator.clipboard.readText()")
    assert [line.split("\t")[1:3] for line in copied.splitlines()] == [
        ["connection_closed", "/echo"]
    ] * 2


def test_hostile_names_are_text(open_site: OpenSite, watch: Watch) -> None:
    site = open_site(settings="tests.browser.hostile.settings")
    clients = [
        site.connect(f"/{hostile}", {"User-Agent": hostile, "X-Forwarded-For": hostile})
        for hostile in CORPUS
    ]
    monitor = watch(site)
    page = monitor.page
    names = [f"/{hostile}" for hostile in CORPUS]
    events = [f"module_progressbar_{hostile}_say" for hostile in CORPUS]
    toggles = page.locator('[data-tws-rows="paths"] .tws-toggle')
    for hostile, path, event, client in zip(CORPUS, names, events, clients, strict=True):
        client.send(json.dumps({"event": event, "data": {"text": hostile}}))
        client.send(json.dumps({"event": hostile, "data": {hostile: hostile}}))
        toggle = toggles.filter(has_text=re.compile(f"^{re.escape(path)}$"))
        toggle.click()
        details = page.locator(".tws-details")
        expect(details).to_contain_text(event)
        expect(details).to_contain_text("unknown_event")
        details.get_by_role("button", name="Inspect its events").click()
        expect(page.get_by_text("Ends at")).to_be_visible()
        client.send(json.dumps({"event": event, "data": {"text": hostile}}))
        expect(monitor.rows("inspector").first).to_contain_text(hostile)
        toggle.click()
    expect(monitor.rows("connections")).to_have_count(len(CORPUS))
    for row in monitor.rows("connections").all():
        row.get_by_role("button").click()
        expect(page.get_by_role("dialog")).to_contain_text("Browser")
        page.keyboard.press("Escape")
    for client, hostile in zip(clients, CORPUS, strict=True):
        client.close(4000, hostile)
    expect(monitor.log("connection_closed")).to_have_count(len(CORPUS))
    assert page.evaluate("typeof hacked") == "undefined"
    foreign = "#tws-dashboard :is(img, script:not([type='application/json']))"
    assert page.locator(foreign).count() == 0
    page.reload()
    monitor.expect_link("live")
    assert page.evaluate("typeof hacked") == "undefined"
    assert page.evaluate("({}).connections") is None


def test_controls_are_absent_for_those_who_may_not_use_them(
    open_site: OpenSite, watch: Watch
) -> None:
    site = open_site()
    site.add_user("viewer", "view_dashboard")
    client = site.connect("/echo")
    controls = ("Send", "Disconnect", "Inspect")

    def expect_controls(monitor: Monitor, *expected: str) -> None:
        monitor.path_button("/echo").click()
        details = monitor.page.locator(".tws-details")
        expect(details.get_by_role("button", name="Show its connections")).to_be_visible()
        for name in controls:
            count = 1 if name in expected else 0
            expect(details.get_by_role("button", name=name)).to_have_count(count)
        monitor.rows("connections").get_by_role("button").click()
        dialog = monitor.page.get_by_role("dialog")
        expect(dialog).to_contain_text("/echo")
        for name in ("Send", "Disconnect"):
            expect(dialog.get_by_role("button", name=name)).to_have_count(int(name in expected))

    expect_controls(watch(site, "viewer"))
    expect_controls(watch(site), *controls)
    client.close()
    site.kill()
    site = open_site(port=site.server.port, settings="tests.browser.readonly")
    client = site.connect("/echo")
    monitor = watch(site, "viewer")
    expect_controls(monitor)
    client.close()


def test_a_session_that_ends_is_said_with_a_way_to_log_in(site: Site, watch: Watch) -> None:
    monitor = watch(site)
    other = monitor.page.context.new_page()
    other.goto(site.url + "/admin/")
    other.locator("#logout-form button").click()
    monitor.expect_link("ended")
    link = monitor.page.locator("[data-tws-state]").get_by_role("link", name="Log in")
    link.click()
    # A click does not wait for the page that it leads to.
    monitor.page.wait_for_url(re.compile(r"/admin/login/\?"))
    assert "next=/admin/tornado_websockets/" in monitor.page.url


def test_a_page_whose_websocket_is_blocked_asks_over_http(site: Site, open_page: OpenPage) -> None:
    page = open_page("about:blank", **DESKTOP)
    page.context.add_init_script(HOLLOW_WEBSOCKET)
    page.goto(site.monitor)
    monitor = Monitor(page, "admin", site.password())
    monitor.expect_link("polling")
    expect(page.get_by_text("asks over HTTP every five seconds")).to_be_visible()
    client = site.connect("/echo")
    expect(monitor.value("totals.connections")).to_have_text("1")
    client.close()
    expect(monitor.value("totals.connections")).to_have_text("0")


def test_charts_have_the_colours_of_the_theme(site: Site, watch: Watch) -> None:
    monitor = watch(site, color_scheme="light")
    picture = "() => document.querySelector('[data-tws-chart=events] canvas').toDataURL()"
    background = "() => getComputedStyle(document.body).backgroundColor"
    # Paused, so that nothing else changes the picture.
    monitor.page.locator('[data-tws="status"]').get_by_role("button", name="Pause").click()
    light = monitor.page.evaluate(picture), monitor.page.evaluate(background)
    monitor.page.get_by_role("button", name="Toggle theme").first.click()
    poll(monitor.page, lambda: monitor.page.evaluate(picture) != light[0])
    assert monitor.page.evaluate(background) != light[1]


HOUR = """
(dashboard, from) => {
  const { state } = dashboard;
  for (let second = from; second < from + 600; second += 1) {
    const seq = state.seq + 1;
    const bar = (number) => ({path: '/progress', name: `bar ${number % 20}`});
    const bars = [{...bar(second), value: second, min: 0, max: 9999}];
    if (second >= 20) bars.push({...bar(second + 10), gone: true});
    dashboard.tick({
      v: 1, epoch: state.epoch, seq, since: seq - 1, time: state.time + 1,
      totals: {connections: second % 100, events_in: second * 100},
      rates: {connections: second % 100, events_in: second % 7, p95_ms: second % 11},
      paths: [{path: `/generated/${second % 200}`, events_in: second * 10, connections: second % 9,
        events: [], rules: {}}],
      bars,
      lifecycle: Array.from({length: 3}, (_, index) => ({
        n: 1e6 + second * 3 + index, time: state.time, kind: 'connection_opened', path: '/echo',
        ip: '127.0.0.1', id: String(second)})),
    });
    if (second % 10 === 0) dashboard.render();
  }
  dashboard.render();
  return document.querySelectorAll('*').length;
}
"""


def test_an_hour_leaves_no_more_behind_than_ten_minutes(site: Site, watch: Watch) -> None:
    monitor = watch(site)
    tools = monitor.page.context.new_cdp_session(monitor.page)
    tools.send("Performance.enable")

    def pass_ten_minutes(start: int) -> dict[str, float]:
        elements = monitor.evaluate(HOUR, start)
        tools.send("HeapProfiler.collectGarbage")
        metrics = tools.send("Performance.getMetrics")["metrics"]
        measured = {metric["name"]: metric["value"] for metric in metrics}
        names = ("Nodes", "JSEventListeners", "JSHeapUsedSize")
        return {"elements": elements, **{name: measured[name] for name in names}}

    pass_ten_minutes(0)  # until everything is full that has a bound
    first, *_between, last = [pass_ten_minutes(start) for start in range(600, 3600, 600)]
    assert last["elements"] == pytest.approx(first["elements"], rel=0.02)
    assert last["Nodes"] <= first["Nodes"] * 1.05
    assert last["JSEventListeners"] <= first["JSEventListeners"] * 1.05
    assert last["JSHeapUsedSize"] <= first["JSHeapUsedSize"] * 1.2


FRAMES = """
(dashboard) => {
  const { state } = dashboard;
  const took = [];
  for (let second = 0; second < 40; second += 1) {
    const seq = state.seq + 1;
    const paths = Array.from({length: 200}, (_, index) => ({
      path: `/generated/${index}`, connections: second + index, events_in: second * index,
      events_out: second * index, errors: second, p95_ms: index / (second + 1),
      ...(second === 0 && {events: [{event: 'message', is_async: true}], modules: [], rules: {}}),
    }));
    const start = performance.now();
    dashboard.tick({v: 1, epoch: state.epoch, seq, since: seq - 1, time: state.time + 1, paths,
      rates: {connections: second, events_in: second, events_out: second, p95_ms: second}});
    dashboard.render();
    document.body.getBoundingClientRect();  // and lay the page out
    took.push(performance.now() - start);
  }
  return took.slice(5).sort((one, other) => one - other)[10];
}
"""


def test_a_tick_of_200_paths_fits_into_a_frame(site: Site, watch: Watch) -> None:
    monitor = watch(site)
    took_ms = monitor.evaluate(FRAMES)
    expect(monitor.rows("paths")).to_have_count(203)
    # What does not fit into this frame comes in the next ones.
    expect(monitor.cell("paths", "/generated/199", "connections")).to_have_text("238")
    # Not the slowest of many, as other processes have their turns as well.
    assert took_ms < 1000 / 60


def test_a_tick_moves_nothing_on_the_page(site: Site, watch: Watch) -> None:
    client = site.connect("/echo")
    monitor = watch(site)
    expect(monitor.rows("connections")).to_have_count(1)
    monitor.page.evaluate(
        """() => {
          globalThis.shift = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) globalThis.shift += entry.value;
          }).observe({type: 'layout-shift'});
        }"""
    )
    seq = monitor.evaluate("(it) => it.state.seq")
    for _ in range(50):
        client.send('{"event": "message", "data": {}}')
    poll(monitor.page, lambda: monitor.evaluate("(it) => it.state.seq") >= seq + 4)
    assert monitor.page.evaluate("globalThis.shift") < 0.01
    client.close()


TALL = {"viewport": {"width": 1400, "height": 1400}}
PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("settings", "pictures"),
    [
        (
            "testapp.settings",
            {
                "light": {"color_scheme": "light", **TALL},
                "dark": {"color_scheme": "dark", **TALL},
                "phone": {"color_scheme": "light", **PHONE},
            },
        ),
        ("tests.browser.arabic", {"rtl": {"color_scheme": "light", **TALL}}),
    ],
    ids=["english", "arabic"],
)
def test_pictures(
    settings: str,
    pictures: dict[str, dict[str, Any]],
    open_site: OpenSite,
    open_page: OpenPage,
    images: Path,
) -> None:
    site = open_site(settings=settings, visitors=20)
    for number, (name, options) in enumerate(pictures.items()):
        page = open_page(site.monitor, **options)
        page.locator("#id_username").fill("admin")
        page.locator("#id_password").fill(site.password())
        page.locator("[type=submit]").click()
        expect(page.locator("#tws-dashboard")).to_have_attribute("data-tws-link", "live")
        expect(page.locator('[data-tws-rows="connections"] > tr').nth(5)).to_be_visible()
        if number == 0 and images == ROOT / "docs/img":
            page.wait_for_timeout(HISTORY_MS)
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(overflow) <= 0
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        file = images / f"monitor-{name}.png"
        page.screenshot(path=file)
        assert file.stat().st_size > 10_000
