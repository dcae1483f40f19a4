"""The page of the live monitor, as a test looks at it."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect
from websockets.sync.client import ClientConnection, connect

from tests.demo import ROOT, Demo
from tornado_websockets.paths import url

PATH = "/admin/tornado_websockets/"
PASSWORD = "a password for tests"

ADD_USER = """
from django.contrib.auth.models import Permission, User
user = User.objects.create_user({name!r}, password={password!r}, is_staff=True)
user.user_permissions.set(Permission.objects.filter(codename__in={codenames!r}))
"""


class Site(Demo):
    """The example, with people who may look at its monitor."""

    def __init__(
        self,
        directory: Path,
        *,
        port: int = 0,
        visitors: int = 0,
        settings: str = "testapp.settings",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.database = directory / "demo.sqlite3"
        self._clients = contextlib.ExitStack()
        self.environment = {
            "DJANGO_SETTINGS_MODULE": settings,
            "DATABASE_URL": f"sqlite:///{self.database}",
            # So that a session outlives a restart.
            "SECRET_KEY": "of-tests-" + "x" * 50,
            **(environment or {}),
        }
        super().__init__(
            directory, "--noreload", port=port, visitors=visitors, environment=self.environment
        )

    @property
    def monitor(self) -> str:
        return self.url + PATH

    def password(self) -> str:
        """Return that of the superuser ``admin``, which is printed when it is made."""
        return re.search(r"as admin, password (\S+)", self.output)[1]  # type: ignore[index]

    def add_user(self, name: str, *codenames: str) -> None:
        """Add a member of staff with permissions, and `PASSWORD`."""
        program = ADD_USER.format(name=name, password=PASSWORD, codenames=codenames)
        subprocess.run(
            [sys.executable, "manage.py", "shell", "-c", program],
            cwd=ROOT,
            env={**os.environ, "DEBUG": "True", **self.environment},
            check=True,
            capture_output=True,
        )

    def rows(self, query: str) -> list[Any]:
        """Ask the database."""
        connection = sqlite3.connect(self.database)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def connect(self, path: str, headers: Mapping[str, str] | None = None) -> ClientConnection:
        """Connect a client that is no browser; it leaves before the server ends."""
        address = f"ws://{self.server.host}{url(path)}"
        return self._clients.enter_context(
            connect(address, additional_headers=headers, compression=None)
        )

    def kill(self) -> None:
        self._clients.close()
        super().kill()


class Monitor:
    """What the page shows.

    Args:
        page: is at the page, or at its login.
        name: who logs in.
        password: theirs.
    """

    def __init__(self, page: Page, name: str, password: str) -> None:
        self.page = page
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(password)
        page.locator("[type=submit]").click()
        self.root = page.locator("#tws-dashboard")

    def expect_link(self, state: str) -> None:
        """Wait until the page is live, stale and so on."""
        expect(self.root).to_have_attribute("data-tws-link", state)

    def value(self, place: str) -> Locator:
        """Return where a number is shown first, such as ``totals.connections``."""
        return self.page.locator(f'[data-tws-value="{place}"]').first

    def number(self, place: str) -> float:
        """Return the number that is shown at a place, without its unit."""
        return float(re.sub(r"[^\d.]", "", self.value(place).inner_text()))

    def rows(self, table: str) -> Locator:
        return self.page.locator(f'[data-tws-rows="{table}"] > tr')

    def cell(self, table: str, key: str, name: str) -> Locator:
        return self.page.locator(
            f'[data-tws-rows="{table}"] > [data-tws-key="{key}"] > [data-tws-cell="{name}"]'
        )

    def path_button(self, path: str) -> Locator:
        """Return what opens the details of a path."""
        return self.cell("paths", path, "path").get_by_role("button")

    def log(self, kind: str) -> Locator:
        """Return the events of a kind in the log."""
        return self.page.locator(f'[data-tws-rows="lifecycle"] > .tws-kind-{kind}')

    def evaluate(self, expression: str, argument: Any = None) -> Any:
        """Run a function with the page's `Dashboard`."""
        script = f"([root, argument]) => ({expression})(root.dashboard, argument)"
        return self.page.evaluate(script, [self.root.element_handle(), argument])


class Load(threading.Thread):
    """Sends a hundred events a second to a path, evenly, and reads what comes back.

    Attributes:
        count: how many it has sent.
    """

    PER_S = 100

    def __init__(self, site: Site, path: str) -> None:
        super().__init__(daemon=True)
        self.count = 0
        self._client = site.connect(path)
        self._is_over = threading.Event()
        self.start()

    def run(self) -> None:
        start = time.monotonic()
        while not self._is_over.wait(max(0.0, start + self.count / self.PER_S - time.monotonic())):
            self._client.send('{"event":"message","data":{"text":"hi"}}')
            self._client.recv()
            self.count += 1

    def stop(self) -> None:
        self._is_over.set()
        self.join()
        self._client.close()
