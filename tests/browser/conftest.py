"""A real Chromium, looking at the example."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.demo import ROOT, Demo

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folder = Path(__file__).parent
    for item in items:
        if folder in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(autouse=True)
def patience() -> None:
    # A bound that catches what never comes, on a machine that may be busy. Here, since it is one of
    # the process: a test must not have that of whichever ran before.
    expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright's event loop runs in this thread until the end of the fixture: it must not be
    # there any more when a test outside this folder runs one of its own.
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed; scripts/install-system-tools installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open an address in a browser of its own; what the page complains about fails the test."""
    complaints: list[str] = []
    contexts = []

    def complain(message: ConsoleMessage) -> None:
        # That a server went away is what some tests are about; Chromium tells it as an error. So it
        # does that the admin's pages have no icon.
        is_away = any(f"ERR_CONNECTION_{how}" in message.text for how in ("REFUSED", "RESET"))
        is_expected = is_away or message.location["url"].endswith("/favicon.ico")
        if message.type == "error" and not is_expected:
            complaints.append(message.text)

    def open_page(url: str, **context_options: Any) -> Page:
        context = browser.new_context(**context_options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = Demo(tmp_path, "--noreload")
    yield running
    running.kill()


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Where screenshots go: ``docs/img`` with SCREENSHOTS=1, otherwise away with the test."""
    return ROOT / "docs/img" if os.environ.get("SCREENSHOTS") else tmp_path
