"""A small Django project outside the checkout, to be served by ``runtornado``."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.process import ServerProcess

ROOT = Path(__file__).parents[1]

Start = Callable[..., ServerProcess]

SETTINGS = """
SECRET_KEY = "x"
DEBUG = {debug}
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes",
    "django.contrib.staticfiles", "tornado_websockets", "shop"]
ROOT_URLCONF = "project.urls"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}}}
STATIC_URL = "/static/"
USE_TZ = True
{tornado}
"""

FILES = {
    "manage.py": """
import os, sys
from django.core.management import execute_from_command_line
os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
execute_from_command_line(sys.argv)
""",
    "project/__init__.py": "",
    "project/urls.py": """
from django.http import HttpResponse
from django.urls import path
from project import single
urlpatterns = [path("", lambda request: HttpResponse("hello from Django"))]
""",
    "project/single.py": """
from tornado_websockets.websocket import WebSocket
in_urls = WebSocket("/in_urls")
""",
    "shop/__init__.py": "",
    "shop/static/shop.css": "body { color: black }",
    "shop/views.py": """
from tornado_websockets.websocket import WebSocket
in_views = WebSocket("/in_views")

@in_views.on
def message(socket, data):
    socket.emit("message", data)
""",
    "shop/websockets.py": """
from tornado_websockets.websocket import WebSocket
in_websockets = WebSocket("/in_websockets")
""",
}


def make_site(directory: Path, files: Mapping[str, str] | None = None) -> Path:
    """Write the project, with some of its files replaced or added, and return its directory."""
    for name, text in {**FILES, **(files or {})}.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    configure(directory)
    return directory


def configure(directory: Path, tornado: str = "", *, debug: bool = False) -> None:
    """Write the settings, with lines of Python at their end."""
    text = SETTINGS.format(debug=debug, tornado=tornado)
    (directory / "project/settings.py").write_text(text)


def hide(directory: Path, *modules: str) -> None:
    """Make modules as good as not installed, for the project's processes."""
    for module in modules:
        (directory / f"{module}.py").write_text("raise ModuleNotFoundError(__name__)")


def serve_site(directory: Path, *arguments: str) -> ServerProcess:
    """Start ``runtornado`` in the project, with a log file of its own beside it."""
    logs = (directory.parent / f"{number}.log" for number in itertools.count())
    return ServerProcess(
        "runtornado",
        *arguments,
        directory=directory,
        log=next(log for log in logs if not log.exists()),
        environment={"PYTHONPATH": str(ROOT)},
    )


@contextlib.contextmanager
def starting(directory: Path, *always: str) -> Iterator[Start]:
    """Give a function that starts servers in the project; what still runs ends with the block.

    Args:
        always: arguments that come before those that the function gets.
    """
    with contextlib.ExitStack() as started:

        def start(*arguments: str) -> ServerProcess:
            server = serve_site(directory, *always, *arguments)
            started.callback(server.kill)
            return server

        yield start
