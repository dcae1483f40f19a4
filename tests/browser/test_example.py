"""The example in a real browser: two pages chat, a bar moves, and all of it comes back."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.demo import Demo


def join(page: Page, name: str) -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("log")).to_contain_text(f"{name} has joined")


def say(page: Page, text: str) -> None:
    page.get_by_placeholder("Write a message").fill(text)
    page.get_by_role("button", name="Send").click()


def expect_connection(page: Page, state: str) -> None:
    expect(page.locator("html")).to_have_attribute("data-connection", state)


def test_two_pages_chat(demo: Demo, open_page: OpenPage) -> None:
    ann, bob = open_page(f"{demo.url}/chat/"), open_page(f"{demo.url}/chat/")
    join(ann, "Ann")
    join(bob, "Bob")
    expect(ann.get_by_role("log")).to_contain_text("Bob has joined")
    say(ann, "Hello Bob <b>&</b>")
    expect(bob.get_by_role("log")).to_contain_text("Hello Bob <b>&</b>")
    say(bob, "Hello Ann")
    expect(ann.get_by_role("log")).to_contain_text("Hello Ann")
    expect(ann.get_by_label("Online:")).to_have_text("2")
    late = open_page(f"{demo.url}/chat/")
    expect(late.get_by_role("log")).to_contain_text("Hello Ann")
    late.context.close()
    expect(ann.get_by_label("Online:")).to_have_text("2")


def test_a_bar_reaches_its_end_on_every_page(demo: Demo, open_page: OpenPage) -> None:
    one, two = open_page(f"{demo.url}/progress/"), open_page(f"{demo.url}/progress/")
    expect_connection(one, "live")
    expect_connection(two, "live")
    one.get_by_role("button", name="Start").click()
    expect(two.locator("#work")).to_contain_text(re.compile(r"Step [1-8]\d of 100"))
    late = open_page(f"{demo.url}/progress/")
    for page in (one, two, late):
        expect(page.locator("#work")).to_contain_text("Step 100 of 100")
        expect(page.locator("#work")).to_contain_text("100%")
        expect(page.get_by_role("progressbar").first).to_have_attribute("value", "100")
    one.get_by_role("button", name="Reset").click()
    expect(two.get_by_role("progressbar").first).to_have_attribute("value", "0")


def test_pages_come_back_by_themselves_when_the_server_does(
    demo: Demo, open_page: OpenPage, tmp_path: Path
) -> None:
    pages = [open_page(f"{demo.url}/chat/") for _ in range(2)]
    join(pages[0], "Ann")
    join(pages[1], "Bob")
    demo.process.kill()
    demo.process.wait()
    for page in pages:
        expect_connection(page, "reconnecting")
    say(pages[0], "written while the server was away")
    again = Demo(tmp_path, "--noreload", port=demo.server.port)
    try:
        for page in pages:
            expect_connection(page, "live")
        expect(pages[1].get_by_role("log")).to_contain_text("written while the server was away")
        say(pages[1], "welcome back")
        expect(pages[0].get_by_role("log")).to_contain_text("welcome back")
    finally:
        again.kill()


def test_an_echo_tells_its_time_and_wrong_frames_are_warned_of(
    demo: Demo, open_page: OpenPage
) -> None:
    page = open_page(f"{demo.url}/echo/")
    expect_connection(page, "live")
    page.locator("form").first.get_by_role("textbox").fill("hello echo")
    page.locator("form").first.get_by_role("button").first.click()
    expect(page.locator("main")).to_contain_text(re.compile(r"\d ms"))
    raw = page.locator("form").nth(1)
    raw.get_by_role("textbox").fill("{not json")
    raw.get_by_role("button").first.click()
    expect(page.locator("main")).to_contain_text("Invalid JSON was sent.")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("light", {"color_scheme": "light", "viewport": {"width": 1200, "height": 800}}),
        ("dark", {"color_scheme": "dark", "viewport": {"width": 1200, "height": 800}}),
        ("phone", {"color_scheme": "light", "viewport": {"width": 390, "height": 844}}),
    ],
)
@pytest.mark.parametrize("path", ["", "chat/", "echo/", "progress/"])
def test_no_page_is_wider_than_its_window(
    path: str, name: str, options: dict[str, object], demo: Demo, open_page: OpenPage
) -> None:
    page = open_page(f"{demo.url}/{path}", **options)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) <= 0
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_the_picture_of_the_readme(demo: Demo, open_page: OpenPage, images: Path) -> None:
    size = {"width": 620, "height": 640}
    ann = open_page(f"{demo.url}/chat/", color_scheme="light", viewport=size)
    bob = open_page(f"{demo.url}/chat/", color_scheme="dark", viewport=size)
    join(ann, "Ann")
    join(bob, "Bob")
    expect(ann.get_by_role("log")).to_contain_text("Bob has joined")
    for page, text in (
        (ann, "Hi Bob, can you see this?"),
        (bob, "At once. No broker, no asgi.py?"),
        (ann, "One app and one command."),
    ):
        say(page, text)
        for other in (ann, bob):
            expect(other.get_by_role("log")).to_contain_text(text)
    bar = open_page(f"{demo.url}/progress/", color_scheme="light", viewport=size)
    bar.get_by_role("button", name="Start").click()
    expect(bar.locator("#work")).to_contain_text(re.compile(r"Step [3-8]\d of 100"))
    halves = [page.screenshot() for page in (ann, bob, bar)]
    for width, shots, name in ((1244, halves[:2], "chat.png"), (620, halves[2:], "progress.png")):
        page = open_page("about:blank", viewport={"width": width, "height": 640})
        urls = [f"data:image/png;base64,{base64.b64encode(shot).decode()}" for shot in shots]
        page.set_content(
            "<body style='margin:0;display:flex;gap:4px;background:#888'>"
            + "".join(f"<img src='{url}'>" for url in urls)
        )
        page.screenshot(path=images / name)
        assert (images / name).stat().st_size > 10_000
