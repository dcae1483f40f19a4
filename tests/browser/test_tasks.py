"""Progress tasks in a real browser: from the click on an action to the end of its work."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.monitor import PASSWORD, Site
from tests.browser.tasks import (
    BOOKS,
    DRAW,
    ENDED,
    EXPORT,
    NEWS,
    TASKS,
    Card,
    choose,
    expect_link,
    log_in,
    overflow,
    select,
    select_across,
    start,
    toast,
)
from tests.demo import ROOT

DESKTOP = {"viewport": {"width": 1300, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}}
SLOWLY_S = 0.05
"""So that there is a middle of the work, with much of it still to come."""

VERY_SLOWLY_S = 0.25
"""So that there is a middle of the work on 40 books, which takes ten seconds, on a busy machine."""

BLOCKED_WEBSOCKET = """
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

OWN_BAR = """
async (id) => {
  const folder = '/static/tornado_websockets';
  const { ModuleProgressBar } = await import(`${folder}/modules/progress_bar.mjs`);
  const { TornadoWebSocket } = await import(`${folder}/client.mjs`);
  const place = document.createElement('div');
  place.id = 'mine';
  document.body.replaceChildren(place);
  const bar = new ModuleProgressBar('');
  bar.set_engine(new bar.EngineHtml5('#mine', {}));
  new TornadoWebSocket(`/tornado_websockets/tasks/${id}`).bind(bar);
}
"""

MORE_BOOKS = """
from testapp.models import Book
Book.objects.all().delete()
from testapp import books
books.stock(5000)
"""


OpenSite = Callable[..., Site]


@pytest.fixture
def open_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenSite]:
    """Serve the example; as often as a test likes, with books that take so many seconds each."""
    sites: list[Site] = []

    def open_site(pace_s: float = 0, **options: Any) -> Site:
        monkeypatch.setenv("TESTAPP_PACE_S", str(pace_s))
        sites.append(Site(tmp_path, **options))
        return sites[-1]

    yield open_site
    for site in sites:
        site.kill()


Visit = Callable[..., Page]


@pytest.fixture
def visit(open_page: OpenPage) -> Visit:
    """Open a page of the admin in a browser of its own, as its superuser or somebody else."""

    def visit(site: Site, path: str = BOOKS, name: str = "admin", **options: Any) -> Page:
        page = open_page(site.url + path, **DESKTOP | options)
        log_in(page, name, site.password() if name == "admin" else PASSWORD)
        if options.get("java_script_enabled", True):
            expect_link(page, "live")
        return page

    return visit


def run_slowly(page: Page, *, of: str = DRAW) -> Card:
    """Start work on all of the books, and return its card when it is under way."""
    select_across(page)
    choose(page, of)
    if of != NEWS:
        start(page)
    card = Card(page, of)
    card.expect_state("running")
    card.expect_progress()
    return card


# Each action, from the click to its end


def test_objects_are_worked_on_one_by_one_and_those_that_failed_are_tried_again(
    open_site: OpenSite, visit: Visit
) -> None:
    page = visit(open_site())
    page.locator("#action-toggle").check()
    choose(page, DRAW)
    expect(page.get_by_text("50 books")).to_be_visible()
    start(page)
    page.wait_for_url(re.compile(f"{BOOKS}$"))
    expect(page.get_by_text("Started on 50 books")).to_be_visible()
    card = Card(page, DRAW)
    card.expect_state("partial")
    expect(card.part("state")).to_have_text("partly succeeded")
    expect(card.part("count")).to_have_text("50 of 50")
    expect(card.part("errors")).to_have_text("1 error")
    expect(card.bar).to_have_attribute("value", "50")
    first = card.run_id
    expect(card.button("Pause")).to_be_hidden()
    card.button("Retry failed").click()
    # Its run has a card of its own, above.
    expect(page.locator(".tws-cards > .tws-task")).to_have_count(2)
    card.expect_state("partial")
    expect(card.part("count")).to_have_text("1 of 1")
    assert card.run_id != first
    card.open()
    errors = page.locator('[data-tws-refresh="errors"]')
    expect(errors).to_contain_text("MisprintError")
    expect(errors.get_by_role("link")).to_have_attribute("href", re.compile(r"/testapp/book/26/"))


def test_an_export_asks_first_and_leaves_a_file(open_site: OpenSite, visit: Visit) -> None:
    page = visit(open_site())
    select(page, 3)
    choose(page, EXPORT)
    page.get_by_label("ISBN").uncheck()
    page.get_by_label("Separator").select_option(label="semicolon")
    start(page)
    card = Card(page, EXPORT)
    card.expect_state("succeeded")
    expect(card.part("count")).to_have_text("3 of 3")
    card.open()
    expect(page.locator('[data-tws-refresh="result"]')).to_contain_text('"exported": 3')
    with page.expect_download() as download:
        page.get_by_role("link", name="books.csv").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert len(lines) == 4
    assert lines[1].startswith("The Silent Harbour of Ardenne;Ada Almeida;")


def test_work_of_unknown_length_counts_what_it_has_done(open_site: OpenSite, visit: Visit) -> None:
    page = visit(open_site(pace_s=0.02))
    select(page, 1)
    choose(page, NEWS)
    card = Card(page, NEWS)
    card.expect_state("running")
    expect(card.part("label")).to_contain_text("Page")
    assert card.bar.get_attribute("value") is None
    expect(card.part("count")).to_have_text(re.compile(r"^[1-9]\d*$"))
    card.open()
    card.expect_state("succeeded")
    expect(card.bar).to_have_attribute("value", "1")
    # Without loading the page anew.
    expect(page.locator('[data-tws-refresh="result"]')).to_contain_text('"pages":')
    expect(page.locator('[data-tws-refresh="timeline"]')).to_contain_text("succeeded")


@pytest.mark.timeout(240)
def test_five_thousand_rows_across_pages(open_site: OpenSite, visit: Visit) -> None:
    site = open_site()
    program = [sys.executable, "manage.py", "shell", "-c", MORE_BOOKS]
    environment = {**os.environ, "DEBUG": "True", **site.environment}
    subprocess.run(program, cwd=ROOT, env=environment, check=True, capture_output=True)
    page = visit(site)
    select_across(page)
    choose(page, DRAW)
    start(page)
    expect(page.get_by_text(re.compile(r"Started on 5,000 books"))).to_be_visible()
    card = Card(page, DRAW)
    card.expect_state("partial", timeout_ms=180_000)  # a busy machine takes its time
    expect(card.part("count")).to_have_text("5,000 of 5,000")
    expect(card.part("errors")).to_have_text("100 errors")


# In the middle of the work


def test_work_is_cancelled_in_the_middle_and_tried_again(open_site: OpenSite, visit: Visit) -> None:
    page = visit(open_site(pace_s=SLOWLY_S))
    card = run_slowly(page)
    card.button("Cancel").click()
    card.expect_state("cancelled")
    done = card.expect_progress()
    assert done < 3000
    for name in ("Pause", "Cancel", "Resume"):
        expect(card.button(name)).to_be_hidden()
    card.button("Retry").click()
    card.expect_state("running")
    card.expect_progress(beyond=done)
    card.button("Cancel").click()
    card.expect_state("cancelled")


def test_work_pauses_and_goes_on_with_the_keyboard_alone(open_site: OpenSite, visit: Visit) -> None:
    page = visit(open_site(pace_s=SLOWLY_S))
    card = run_slowly(page)
    card.button("Pause").focus()
    page.keyboard.press("Enter")
    card.expect_state("paused")
    # What was pressed is gone: the keyboard is still there.
    expect(card.node.locator("button:focus")).to_have_count(1)
    expect(page.locator(".tws-spoken")).to_have_text(f"{DRAW}: paused")
    done = card.expect_progress()
    card.button("Resume").focus()
    page.keyboard.press("Enter")
    card.expect_state("running")
    card.expect_progress(beyond=done)
    card.button("Cancel").click()
    card.expect_state("cancelled")


def test_a_page_that_is_loaded_again_has_the_card(open_site: OpenSite, visit: Visit) -> None:
    page = visit(open_site(pace_s=SLOWLY_S))
    card = run_slowly(page)
    run_id, done = card.run_id, card.expect_progress(beyond=20)
    page.reload()
    assert card.run_id == run_id
    assert card.expect_progress(beyond=done - 1) >= done
    card.expect_progress(beyond=done + 10)
    card.button("Cancel").click()
    card.expect_state("cancelled")


def test_two_browsers_watch_the_same_work(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(pace_s=SLOWLY_S)
    site.add_user("ann", "view_book", "view_progresstask")
    other = visit(site, name="ann")
    expect_link(other, "live")
    page = visit(site)
    card, seen = run_slowly(page), Card(other, DRAW)
    # It came by itself.
    seen.expect_state("running")
    done = seen.expect_progress()
    seen.expect_progress(beyond=done)
    expect(seen.part("by")).to_have_text("admin")
    assert seen.run_id == card.run_id
    expect(seen.node.get_by_role("button")).to_have_count(0)
    card.button("Pause").click()
    seen.expect_state("paused")
    card.button("Cancel").click()
    seen.expect_state("cancelled")
    card.expect_state("cancelled")
    expect(toast(other)).to_have_count(0)


def test_the_list_of_tasks_is_live(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(pace_s=SLOWLY_S)
    page = visit(site)
    card = run_slowly(page)
    tasks = page.context.new_page()
    tasks.goto(site.url + TASKS)
    row = tasks.locator("#result_list tbody tr").first
    count = row.locator('[data-tws-part="count"]')
    before = count.inner_text()
    expect(count).not_to_have_text(before)
    card.button("Cancel").click()
    expect(row.locator('[data-tws-part="state"]')).to_have_text("cancelled")
    expect(row.locator(".tws-state-cancelled")).to_have_count(1)


def test_what_does_not_fit_any_more_is_answered_in_words(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(pace_s=SLOWLY_S)
    page = visit(site)
    card = run_slowly(page)
    # A page that hears of nothing.
    deaf = page.context.new_page()
    deaf.add_init_script(BLOCKED_WEBSOCKET)
    deaf.route("**/state**", lambda route: route.fulfill(json={"tasks": []}))
    deaf.goto(site.url + BOOKS)
    stale = Card(deaf, DRAW)
    stale.expect_state("running")
    card.button("Cancel").click()
    card.expect_state("cancelled")
    stale.button("Pause").click()
    expect(stale.part("notice")).to_be_visible()
    expect(stale.part("notice")).to_contain_text("cannot be paused")
    stale.expect_state("cancelled")
    expect(stale.button("Retry")).to_be_visible()


# Who may not


def test_nobody_sees_or_starts_what_they_may_not(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(pace_s=SLOWLY_S)
    site.add_user("bob", "view_book")
    page = visit(site)
    card = run_slowly(page)
    other = visit(site, name="bob")
    expect_link(other, "live")
    offered = other.locator("select[name=action] option").all_inner_texts()
    assert DRAW not in offered
    assert EXPORT in offered
    expect(other.locator("#tws-tasks-root .tws-task")).to_have_count(0)
    for path in ("change/", "state/"):
        assert other.request.get(f"{site.url}{TASKS}{card.run_id}/{path}").status == 404
    states = other.request.get(f"{site.url}{TASKS}states/").json()
    assert states["tasks"] == []
    other.goto(site.url + TASKS)
    expect(other.get_by_text("0 progress tasks")).to_be_visible()
    card.button("Cancel").click()
    card.expect_state("cancelled")
    # Nothing of it came meanwhile.
    expect(other.locator("[data-tws-task]")).to_have_count(0)


# What goes wrong with the way there


def test_a_server_that_is_killed_comes_back_and_the_work_is_lost_then_done(
    open_site: OpenSite, visit: Visit
) -> None:
    site = open_site(pace_s=SLOWLY_S)
    page = visit(site)
    card = run_slowly(page)
    done = card.expect_progress(beyond=20)
    site.process.kill()
    site.process.wait()
    expect_link(page, "away")
    expect(page.locator(".tws-link-notice")).to_contain_text("has not answered since")
    open_site(port=site.server.port)
    expect_link(page, "live")
    expect(page.locator(".tws-link-notice")).to_be_hidden()
    card.expect_state("lost")
    expect(card.part("state")).to_have_text("lost")
    card.button("Retry").click()
    card.expect_state("partial", timeout_ms=90_000)  # it works on the rest of three thousand
    expect(card.part("count")).to_have_text("3,000 of 3,000")
    assert done < 3000


def test_where_websockets_are_blocked_the_card_is_kept_up_to_date_over_http(
    open_site: OpenSite, visit: Visit
) -> None:
    site = open_site(pace_s=SLOWLY_S)
    page = visit(site)
    card = run_slowly(page)
    blocked = page.context.new_page()
    blocked.add_init_script(BLOCKED_WEBSOCKET)
    blocked.goto(site.url + BOOKS)
    seen = Card(blocked, DRAW)
    done = seen.expect_progress()
    seen.expect_progress(beyond=done)
    expect_link(blocked, "polling")
    card.button("Cancel").click()
    seen.expect_state("cancelled")


def test_a_session_that_has_ended_is_told_with_a_way_to_log_in(
    open_site: OpenSite, visit: Visit
) -> None:
    site = open_site(pace_s=SLOWLY_S)
    page = visit(site)
    card = run_slowly(page)
    card.button("Cancel").click()
    card.expect_state("cancelled")
    other = page.context.new_page()
    other.goto(site.url + "/admin/")
    other.locator("#logout-form button").click()
    expect_link(page, "ended")
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    page.locator(".tws-link-notice").get_by_role("link", name="Log in").click()
    log_in(page, "admin", site.password())
    page.wait_for_url(re.compile(BOOKS))


def test_pages_work_without_javascript(open_site: OpenSite, visit: Visit) -> None:
    page = visit(open_site(pace_s=VERY_SLOWLY_S), java_script_enabled=False)
    select(page, 40)
    choose(page, DRAW)
    start(page)
    card = Card(page, DRAW)
    card.button("Pause").click()
    expect(page).to_have_url(re.compile(BOOKS))
    # The page loads itself again while anything is active.
    card.expect_state("paused")
    card.button("Resume").click()
    card.expect_state(ENDED)
    expect(card.part("count")).to_have_text("40 of 40")
    card.open()
    expect(page.locator('[data-tws-refresh="timeline"]')).to_contain_text("paused")


# Elsewhere


def test_the_end_is_told_once_on_another_page(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(pace_s=VERY_SLOWLY_S)
    page = visit(site)
    select(page, 40)
    choose(page, DRAW)
    start(page)
    Card(page, DRAW).expect_state("running")
    page.goto(site.url + "/admin/testapp/chatmessage/")
    note = toast(page)
    expect(note).to_have_count(1)
    expect(note).to_contain_text("partly succeeded")
    expect(note).to_contain_text("40 of 40, 1 error")
    expect(page.get_by_role("status").filter(has=note)).to_have_count(1)
    link = note.get_by_role("link", name=DRAW)
    expect(link).to_have_attribute("href", re.compile(f"{TASKS}.*/change/"))
    # What went wrong stays until it is closed.
    page.keyboard.press("Escape")
    expect(note).to_have_count(0)
    page.reload()
    expect_link(page, "live")
    expect(note).to_have_count(0)


def test_a_success_is_told_for_a_while_and_as_long_as_it_is_pointed_at(
    open_site: OpenSite, visit: Visit
) -> None:
    site = open_site(pace_s=0.01)  # it ends after ten seconds, on the page that comes then
    page = visit(site)
    select(page, 1)
    choose(page, NEWS)
    Card(page, NEWS).expect_state("running")
    page.clock.install()
    page.goto(site.url + "/admin/testapp/chatmessage/")
    note = toast(page)
    expect(note).to_contain_text("succeeded")
    note.hover()
    page.clock.run_for(30_000)
    expect(note).to_have_count(1)
    page.mouse.move(0, 0)
    page.clock.run_for(11_000)
    expect(note).to_have_count(0)


def test_a_run_is_a_progress_bar_in_any_page(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(pace_s=SLOWLY_S)
    page = visit(site)
    card = run_slowly(page)
    mine = page.context.new_page()
    mine.goto(f"{site.url}/progress/")
    mine.evaluate(OWN_BAR, card.run_id)
    bar = mine.locator("#mine progress")
    expect(bar).to_have_attribute("value", re.compile(r"^[1-9]"))
    before = bar.get_attribute("value") or ""
    expect(bar).not_to_have_attribute("value", before)
    assert float(bar.get_attribute("value") or 0) > float(before)
    card.button("Cancel").click()
    card.expect_state("cancelled")


def test_the_monitor_shows_tasks_live(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(pace_s=SLOWLY_S)
    page = visit(site)
    card = run_slowly(page)
    monitor = page.context.new_page()
    monitor.goto(site.monitor)
    row = monitor.locator(f'[data-tws-rows="tasks"] > [data-tws-key="{card.run_id}"]')
    expect(row.locator('[data-tws-cell="state"]')).to_have_text(re.compile("running"))
    value = row.locator('[data-tws-cell="value"]')
    expect(value).not_to_have_text(value.inner_text())
    card.button("Cancel").click()
    expect(row.locator('[data-tws-cell="state"]')).to_have_text(re.compile("cancelled"))
    expect(row.get_by_role("link", name=DRAW)).to_have_attribute("href", re.compile(card.run_id))


# What it looks like


@pytest.mark.parametrize("path", ["books", "list", "task"])
def test_no_page_is_wider_than_a_phone(path: str, open_site: OpenSite, visit: Visit) -> None:
    site = open_site(pace_s=SLOWLY_S)
    page = visit(site, **PHONE)
    card = run_slowly(page)
    width = card.node.bounding_box()
    assert width is not None
    assert width["x"] >= 0
    assert width["x"] + width["width"] <= PHONE["viewport"]["width"]
    for button in card.node.get_by_role("button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 24
    if path == "list":
        page.goto(site.url + TASKS)
    elif path == "task":
        card.open()
        assert overflow(page) <= 0
    card = Card(page, DRAW)
    if path != "list":
        card.button("Cancel").click()
        card.expect_state("cancelled")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("light", {"color_scheme": "light"}),
        ("dark", {"color_scheme": "dark"}),
        ("phone", {"color_scheme": "light", **PHONE}),
    ],
)
def test_pictures_of_tasks(
    name: str,
    options: dict[str, Any],
    open_site: OpenSite,
    visit: Visit,
    images: Path,
) -> None:
    page = visit(open_site(pace_s=0.02), **options)
    page.locator("#action-toggle").check()
    choose(page, DRAW)
    start(page)
    Card(page, DRAW).expect_state("partial")
    select(page, 3)
    choose(page, NEWS)
    Card(page, NEWS).expect_state("running")
    card = run_slowly(page)
    expect(card.part("errors")).to_be_visible()
    expect(card.part("eta")).to_be_visible()
    page.screenshot(path=images / f"tasks-{name}.png")
    assert (images / f"tasks-{name}.png").stat().st_size > 10_000
    card.button("Cancel").click()
    card.expect_state("cancelled")
