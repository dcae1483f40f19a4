"""The example project, served by the command that people run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.process import ServerProcess
from tornado_websockets.testing import Server

ROOT = Path(__file__).parents[1]


class Demo(ServerProcess):
    """A ``manage.py demo`` process with a database of its own.

    Args:
        directory: where database and log are.
        arguments: those of the command, behind the port.
        port: 0 takes a free one.
        visitors: how many simulated ones there are.
        environment: in place of what is set here.
    """

    def __init__(
        self,
        directory: Path,
        *arguments: str,
        port: int = 0,
        visitors: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            "demo",
            str(port),
            f"--visitors={visitors}",
            *arguments,
            directory=ROOT,
            log=directory / "demo.log",
            environment={
                "DJANGO_SETTINGS_MODULE": "testapp.settings",
                "DATABASE_URL": f"sqlite:///{directory}/demo.sqlite3",
                "DEBUG": "True",
                "SECRET_KEY": "",
                "ALLOWED_HOSTS": "",
                **(environment or {}),
            },
        )
        # The last of the pages: those before it are there as well then.
        self.url = self.wait_for(r"(http://127\.0\.0\.1:\d+)/admin/tornado_websockets/\n")[1]
        self.server = Server(int(self.url.rpartition(":")[2]))
