"""Pages of progress tasks, as a test looks at them."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

BOOKS = "/admin/testapp/book/"
TASKS = "/admin/tws_admin/progresstask/"

DRAW = "Draw covers"
EXPORT = "Export as CSV"
NEWS = "Ask the publishers for news"

ENDED = re.compile("^(cancelled|succeeded|partial|failed|lost)$")


def log_in(page: Page, name: str, password: str) -> Page:
    """Log in where the page asks for it."""
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.locator("[type=submit]").click()
    expect(page.get_by_label("Password")).to_have_count(0)
    return page


def expect_link(page: Page, state: str) -> None:
    """Wait until rows come to a page by WebSocket (``live``), over HTTP (``polling``) and so on."""
    expect(page.locator("#tws-tasks-root")).to_have_attribute("data-tws-link", state)


def select(page: Page, count: int) -> None:
    """Tick the first objects of a list."""
    boxes = page.locator("input.action-select")
    for number in range(count):
        boxes.nth(number).check()


def select_across(page: Page) -> None:
    """Tick every object of a list, also those of its other pages."""
    page.locator("#action-toggle").check()
    page.locator(".question a").click()


def choose(page: Page, action: str) -> None:
    """Choose an action for what is ticked, and go."""
    page.locator("select[name=action]").select_option(label=action)
    page.locator(".actions button[type=submit]").click()


def start(page: Page) -> None:
    """Say yes on the page between."""
    page.get_by_role("button", name="Start").click()


class Card:
    """The card of a run.

    Args:
        page: shows it.
        title: of its run; the newest card with it.
    """

    def __init__(self, page: Page, title: str) -> None:
        self.page = page
        link = page.get_by_role("link", name=title, exact=True)
        self.node = page.locator("#tws-tasks-root .tws-task").filter(has=link).first

    @property
    def run_id(self) -> str:
        return str(self.node.get_attribute("data-tws-task"))

    @property
    def bar(self) -> Locator:
        return self.part("bar")

    def part(self, name: str) -> Locator:
        return self.node.locator(f'[data-tws-part="{name}"]')

    def button(self, name: str) -> Locator:
        return self.node.get_by_role("button", name=name, exact=True)

    def expect_state(
        self, state: str | re.Pattern[str], *, timeout_ms: float | None = None
    ) -> None:
        expect(self.node).to_have_attribute("data-tws-state", state, timeout=timeout_ms)

    def expect_progress(self, *, beyond: int = 0) -> int:
        """Wait until more is done than that, and return how much."""
        script = "([bar, beyond]) => bar.value > beyond && bar.value"
        handle = self.bar.element_handle()
        return int(self.page.wait_for_function(script, arg=[handle, beyond]).json_value())

    def open(self) -> Card:
        """Go to the page of the run."""
        self.part("title").click()
        self.page.wait_for_url(re.compile(f"{TASKS}.*/change/"))
        return self


def toast(page: Page) -> Locator:
    """Return the notes at the foot of a page."""
    return page.locator(".tws-toast")


def overflow(page: Page) -> Any:
    """Return by how many pixels a page is wider than its window."""
    root = "document.documentElement"
    return page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")
