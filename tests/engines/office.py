"""The processes of a project with progress tasks: its server, its workers, and who uses them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

from tests.engines.broker import Broker
from tests.engines.project import ENVIRONMENT
from tests.process import ServerProcess
from tests.site import serve_site
from tornado_websockets.testing import Client, Server

__all__ = ["Office", "Worker"]

WORKERS: Final[dict[str, list[list[str]]]] = {
    "thread": [],
    # One process executes one run at a time.
    "django": [["manage.py", "db_worker", "--interval", "0.1", "--no-reload"]] * 2,
    "celery": [["-m", "celery", "-A", "project", "worker", "--concurrency=2", "--loglevel=INFO"]],
}
"""Commands of Python, by engine."""

READY: Final = {"django": "Starting worker", "celery": r"celery@\S+ ready"}
"""What they say when they can work."""


class Worker(ServerProcess):
    """A process that executes runs, by any command of Python."""

    def __init__(self, directory: Path, log: Path, *arguments: str) -> None:
        self.log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=directory,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **ENVIRONMENT},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


class Office:
    """A project that is served, with its workers; all of it ends with the block.

    Args:
        site: directory of the project.
        engine: of its progress tasks.
        broker: that of its workers.
    """

    def __init__(self, site: Path, engine: str, broker: Broker | None = None) -> None:
        self.engine = engine
        self.broker = broker
        self._site = site
        self._logs = 0
        self._jar = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))
        self.workers: list[ServerProcess] = []
        self.server: ServerProcess
        self.port = 0

    def __enter__(self) -> Self:
        self.serve()
        try:
            self.hire()
            self.port = self.server.port
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        for process in (*self.workers, self.server):
            process.kill()

    def serve(self) -> None:
        """Start the server."""
        self.server = serve_site(self._site, "127.0.0.1:0", "--noreload")

    def hire(self) -> None:
        """Start the workers, and wait until they can work."""
        for command in WORKERS[self.engine]:
            self._logs += 1
            log = self._site.parent / f"worker-{self._logs}.log"
            self.workers.append(Worker(self._site, log, *command))
        for worker in self.workers:
            worker.wait_for(READY[self.engine])

    def crash(self) -> None:
        """Kill what executes runs, and start it anew."""
        if self.engine == "thread":
            self.server.kill()
            self.serve()
            self.port = self.server.port
            return
        for worker in self.workers:
            worker.kill()
        self.workers.clear()
        self.hire()

    def log(self) -> str:
        """Return what those have logged that execute runs."""
        return "".join(process.output for process in self.workers or [self.server])

    def enter(self, name: str) -> None:
        """Become a user, who is a superuser."""
        self.get(f"/in/{name}/")

    def start(self, action: str, prefix: str, query: str = "") -> str:
        """Start an action on the items whose names begin so, and return the id of the run."""
        return str(self.get(f"/start/{action}/{quote(prefix)}/{query}")["id"])

    def control(self, run_id: str, verb: str) -> Any:
        """Cancel, pause, resume or retry a run."""
        return self.get(f"/control/{run_id}/{verb}/")

    def task(self, run_id: str) -> Any:
        """Return the fields of a run."""
        return self.get(f"/task/{run_id}/")

    def until(self, run_id: str, *states: str, done: int = 0, timeout_s: float = 30) -> Any:
        """Return the fields of a run that has one of the states, and has done so much."""
        deadline = time.monotonic() + timeout_s
        while True:
            task = self.task(run_id)
            if task["state"] in states and task["done"] >= done:
                return task
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"expected {states} and {done} done, got {task}\n{self.log()[-4000:]}"
                )
            time.sleep(0.05)

    def pressed(self, prefix: str) -> list[int]:
        """Return how often each of the items was pressed whose names begin so."""
        found = sorted(self.get("/items/").items())
        return [pressed for name, pressed in found if name.startswith(prefix)]

    async def watch(self) -> Client:
        """Open the socket that tells of everybody's runs."""
        server = Server(self.port)
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._jar)
        origin = f"http://{server.host}"
        path = "/tornado_websockets/tasks/all"
        return await server.connect(path, Origin=origin, Cookie=cookies)

    def get(self, path: str) -> Any:
        """Return what a view answers, in JSON."""
        url = f"http://127.0.0.1:{self.port}{path}"
        with self._opener.open(url, timeout=60) as response:
            return json.loads(response.read())
