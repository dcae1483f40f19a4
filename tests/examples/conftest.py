"""The wheel, projects that have it installed, their servers, and a browser."""

from __future__ import annotations

import shutil
import site
import socket
import subprocess
import sys
import venv
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Playwright, async_playwright

from tests.examples.project import EXAMPLES, NUMBER_OF_THE_EXAMPLES, Project
from tests.house.test_packaging import ROOT, files_of_the_tree
from tests.process import ServerProcess

SCRIPT = EXAMPLES["Using WebSockets in a page"]
FLAGS = [
    *("--no-sandbox", "--no-first-run", "--disable-gpu", "--disable-quic", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
LOUD = {"error", "warning"}  # types of messages on a console


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the checkout, with no need of a network."""
    folder = tmp_path_factory.mktemp("wheel")
    tree, dist = folder / "tree", folder / "dist"
    for name in files_of_the_tree():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    run(*build, "--outdir", dist, tree)
    (built,) = dist.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment of its own, and return its interpreter.

    The requirements of the wheel come from the environment of the suite: lines of a .pth file are
    folders to import from, but the .pth files in these, as that of an editable installation, are
    not read. It is written last, so that pip sees nothing that is installed already.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    interpreter = folder / "bin/python"
    (packages,) = folder.glob("lib/*/site-packages")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "--python", interpreter, "install", "--no-deps", "--no-index", wheel)
    (packages / "requirements.pth").write_text("\n".join(site.getsitepackages()))
    return interpreter


@pytest.fixture(scope="session")
def port() -> int:
    """The port of the examples when it is free, otherwise another one."""
    try:
        return port_if_free(NUMBER_OF_THE_EXAMPLES)
    except OSError:
        return port_if_free(0)


@pytest.fixture
def free_port() -> int:
    """A port for a test that has to know it before its server starts."""
    return port_if_free(0)


def port_if_free(number: int) -> int:
    with socket.create_server(("127.0.0.1", number)) as sock:
        return int(sock.getsockname()[1])


@pytest.fixture(scope="session")
def project(python: Path, port: int, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project that has every example of the documentation."""
    project = Project(tmp_path_factory.mktemp("projects") / "whole", python, port)
    project.write_settings("Django and static files")
    project.write_views(
        EXAMPLES["Receive an event from a client"],
        EXAMPLES["Send an event to a client"],
        EXAMPLES["Progress bar with a Tornado coroutine"],
        EXAMPLES["The class WebSocket"],
    )
    ways = EXAMPLES["Three ways to create a connection"].splitlines()
    calls = [way.removeprefix("var ws = ").removesuffix("(path, options);") for way in ways]
    project.write_pages(
        {call.replace(" ", "-"): SCRIPT.replace("new TornadoWebSocket", call) for call in calls}
    )
    project.run("manage.py", "collectstatic", "--noinput")
    return project


@pytest.fixture(scope="session")
def served(project: Project) -> Iterator[ServerProcess]:
    """The project, served as the documentation says: by the command alone."""
    server = project.serve()
    try:
        server.port  # noqa: B018  waits until it serves
        yield server
        assert server.stop() == 0, server.output
    finally:
        server.kill()
    assert "Traceback" not in server.output


async def launch(playwright: Playwright) -> Browser:
    """Start the system's Chromium, or skip the test where there is none."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed; scripts/install-system-tools installs it")
    return await playwright.chromium.launch(executable_path=chromium, args=FLAGS)


@pytest_asyncio.fixture
async def page() -> AsyncIterator[Page]:
    """A page of a real browser; an error on its console fails the test."""
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        page = await browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda message: errors.append(message.text) if message.type in LOUD else None,
        )
        yield page
        await browser.close()
    assert errors == []


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
