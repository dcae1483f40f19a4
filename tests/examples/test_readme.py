"""The quickstart of the README, executed as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.engines.broker import Broker
from tests.examples.conftest import launch
from tests.house.test_packaging import ROOT
from tests.process import ServerProcess

QUICKSTART = re.search(
    r"^## Five minutes to a chat$(.*?)^## More$", (ROOT / "README.md").read_text(), re.M | re.S
)
STEP = re.compile(r"(?P<prose>[^`]*(?:`[^`\n]+`[^`]*)*?)```\w+\n(?P<text>.*?)^```$", re.M | re.S)
PLACE = re.compile(r"(New file|At the end of) `([^`]+)`:\n\n\Z")
SERVE = "python manage.py runtornado"
REDIS_PORT = "6379"
"""The port of Redis in the README; that of a server of this test takes its place."""


class Step(NamedTuple):
    """A block of the quickstart: commands, or a file and what comes into it."""

    how: str | None
    file: str
    text: str


def steps() -> Iterator[Step]:
    assert QUICKSTART
    for match in STEP.finditer(QUICKSTART[1]):
        place = PLACE.search(match["prose"])
        yield Step(place[1] if place else None, place[2] if place else "", match["text"])


class Reader:
    """Somebody who does what the README says, in an empty folder."""

    def __init__(self, folder: Path, python: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.redis_port = 0
        self.python = python
        self.server: ServerProcess | None = None
        # An environment that was made without its scripts: they are what they would run.
        commands = folder.parent / "commands"
        commands.mkdir()
        folder.mkdir()
        pip = f"{sys.executable} -m pip --disable-pip-version-check --python {python}"
        for name, call in {
            "pip": pip,
            "django-admin": f"{python} -m django",
            "python": python,
        }.items():
            script = commands / name
            script.write_text(f'#!/bin/sh\nexec {call} "$@"\n')
            script.chmod(0o755)
        self.environment = {
            **{
                k: v
                for k, v in os.environ.items()
                if k not in ("DJANGO_SETTINGS_MODULE", "PYTHONPATH")
            },
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "PIP_NO_INDEX": "1",  # all of it is installed; nothing may come from elsewhere
        }

    def follow(self, step: Step) -> None:
        if step.how is None:
            for line in step.text.splitlines():
                self.execute(line.removeprefix("$ "))
            return
        path = self.folder / step.file
        path.parent.mkdir(parents=True, exist_ok=True)
        assert path.exists() == (step.how == "At the end of"), f"{step.how} {step.file}"
        with path.open("a") as file:
            file.write(step.text.replace(REDIS_PORT, str(self.redis_port)))

    def change(self, steps: Sequence[Step]) -> None:
        """Do what changes code while the server runs, which loads it again."""
        assert self.server is not None
        before = len(self.server.output)
        for step in steps:
            self.follow(step)
        self.server.wait_for(rf"(?s:.{{{before}}}.*)changed, reloading(?s:.*)Quit with ")

    def stop(self) -> None:
        """Stop the server, and look whether it did well."""
        assert self.server is not None
        assert self.server.stop() == 0
        assert "Traceback" not in self.server.output

    def make_a_superuser(self) -> None:
        """Do what the README says in a sentence, since the command asks for a password."""
        self.environment["DJANGO_SUPERUSER_PASSWORD"] = "secret"
        self.execute(
            "python manage.py createsuperuser --noinput --username ann --email ann@example.com"
        )

    def execute(self, command: str) -> None:
        if command == SERVE:
            self.server = ServerProcess(
                "runtornado",
                str(self.port),
                directory=self.folder,
                log=self.folder.parent / "server.log",
                environment={"DJANGO_SETTINGS_MODULE": "mysite.settings", "PYTHONPATH": ""},
                python=str(self.python),
            )
            return
        done = subprocess.run(
            shlex.split(command),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=110,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"


@pytest.fixture
def patience() -> Iterator[None]:
    # The bar alone takes two seconds; a bound that catches what never comes, on any machine.
    expect.set_options(timeout=30_000)
    yield
    expect.set_options(timeout=None)


@pytest.mark.browser
@pytest.mark.usefixtures("patience")
async def test_the_quickstart(python: Path, tmp_path: Path, free_port: int) -> None:
    reader = Reader(tmp_path / "mysite", python, free_port)
    todo = list(steps())
    serving = next(n for n, step in enumerate(todo) if SERVE in step.text)
    watching = next(n for n, step in enumerate(todo) if "tws_admin" in step.text)
    scaling = next(n for n, step in enumerate(todo) if "workers" in step.text)
    acting = next(n for n, step in enumerate(todo) if "progress_action" in step.text)
    try:
        for step in todo[: serving + 1]:
            reader.follow(step)
        assert reader.server is not None
        port = reader.server.port
        async with async_playwright() as playwright:
            browser = await launch(playwright)
            await two_tabs_chat(browser, port)
            reader.change(todo[serving + 1 : watching])
            await every_tab_sees_the_bar(browser, port)
            reader.change(todo[watching:acting])
            reader.make_a_superuser()
            page = await the_monitor_shows_the_chat(browser, port)
            reader.change(todo[acting:scaling])
            await an_action_goes_on_after_its_request(page, port)
            reader.stop()
            with Broker() as broker:
                reader.redis_port = broker.port
                for step in todo[scaling : scaling + 2]:
                    reader.follow(step)
                assert reader.server.port == port
                await everybody_is_told(browser, port, reader, todo[scaling + 2])
                reader.stop()
            await browser.close()
    finally:
        if reader.server is not None:
            reader.server.kill()


async def open_tab(browser: Browser, port: int) -> Page:
    page = await (await browser.new_context()).new_page()
    await page.goto(f"http://127.0.0.1:{port}/")
    return page


async def two_tabs_chat(browser: Browser, port: int) -> None:
    one, two = await open_tab(browser, port), await open_tab(browser, port)
    for page in (one, two):
        await expect(page.get_by_role("status")).to_have_text("2")
    await one.get_by_label("Message").fill("hello <b>there</b>")
    await one.get_by_role("button", name="Send").click()
    for page in (one, two):
        await expect(page.get_by_role("listitem")).to_contain_text(": hello <b>there</b>")


async def every_tab_sees_the_bar(browser: Browser, port: int) -> None:
    one, two = await open_tab(browser, port), await open_tab(browser, port)
    await expect(two.get_by_role("progressbar")).to_have_attribute("value", "0")
    await one.get_by_role("button", name="Start").click()
    for page in (one, two):
        await expect(page.locator("#work")).to_contain_text("Step 20")
        await expect(page.get_by_role("progressbar")).to_have_attribute("value", "100")


async def the_monitor_shows_the_chat(browser: Browser, port: int) -> Page:
    page = await open_tab(browser, port)
    await page.goto(f"http://127.0.0.1:{port}/admin/tornado_websockets/")
    await page.get_by_label("Username").fill("ann")
    await page.get_by_label("Password").fill("secret")
    await page.get_by_role("button", name="Log in").click()
    row = page.locator('[data-tws-rows="paths"] [data-tws-key="/chat"]')
    await expect(row.locator('[data-tws-cell="path"]')).to_have_text("/chat")
    return page


async def everybody_is_told(browser: Browser, port: int, reader: Reader, sending: Step) -> None:
    one, two = await open_tab(browser, port), await open_tab(browser, port)
    for page in (one, two):
        await expect(page.locator("#online")).not_to_be_empty()
    reader.follow(sending)
    for page in (one, two):
        await expect(page.get_by_role("listitem")).to_contain_text("root: Tea is ready.")


async def an_action_goes_on_after_its_request(page: Page, port: int) -> None:
    await page.goto(f"http://127.0.0.1:{port}/admin/auth/user/")
    await page.get_by_label("Select this object for an action").check()
    await page.get_by_label("Action:").select_option(label="Invite selected users")
    await page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).click()
    card = page.locator("article.tws-task[data-tws-state=succeeded]")
    await expect(card).to_contain_text("1 of 1")
    await card.get_by_role("link").first.click()
    await expect(page.get_by_text("Invited ann.")).to_be_visible()
