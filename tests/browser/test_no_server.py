"""The page of the live monitor in a process that serves Django alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.monitor import PASSWORD, PATH, Site
from tests.demo import ROOT
from tests.process import ServerProcess

TIMEOUT_MS = 30_000


@pytest.fixture
def development_server(tmp_path: Path) -> Iterator[str]:
    """Serve the example by Django's own command, and return its address."""
    site = Site(tmp_path)
    site.add_user("ann", "view_dashboard")
    site.kill()
    running = ServerProcess(
        "runserver",
        "127.0.0.1:0",
        "--noreload",
        directory=ROOT,
        log=tmp_path / "runserver.log",
        environment=site.environment,
    )
    try:
        yield running.wait_for(r"development server at (http://127\.0\.0\.1:[1-9]\d*)/")[1]
    finally:
        running.kill()


def test_the_page_says_that_there_is_no_server_and_how_to_start_one(
    browser: Browser, development_server: str
) -> None:
    page = browser.new_page()
    page.goto(f"{development_server}{PATH}")
    page.fill("#id_username", "ann")
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    notice = page.locator("[data-tws-notice='no-server']")
    expect(notice).to_contain_text("python manage.py runtornado")
    # It has asked over HTTP meanwhile: that something answers there is no server either.
    root = page.locator("#tws-dashboard")
    expect(root).to_have_attribute("data-tws-link", "stale", timeout=TIMEOUT_MS)
    expect(page.locator("[data-tws-state]")).to_have_text("No server")
    expect(notice).to_be_visible()
    expect(page.locator("[data-tws-notice='blocked']")).to_be_hidden()
    page.context.close()
