"""The project that is tortured: what most scenarios need; each adds its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.site import FILES, ROOT

__all__ = ["UNMEASURED", "make_project", "manage"]

UNMEASURED = {"COVERAGE_PROCESS_CONFIG": ""}
"""For the environment of processes: a measure of coverage changes times and memory."""

# From one address comes a whole crowd here. The scenarios of limits set them.
UNLIMITED = {
    "connections": None,
    "connections_per_user": None,
    "connections_per_address": None,
    "handshakes_per_second": None,
}

SETTINGS = """
from project.torture import State

SECRET_KEY = "x"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", ".example.com"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes",
    "django.contrib.sessions", "tornado_websockets", "shop"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware"]
ROOT_URLCONF = "project.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
USE_TZ = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False}},
}
TORNADO = {"handlers": [("/torture", State)]}
"""

# A route of Tornado's: it answers while Django's threads are busy.
STATE = '''
import asyncio, ctypes, gc, json, threading
from tornado.web import RequestHandler

ran = {}

def count(name):
    """Count a callback that ran."""
    ran[name] = ran.get(name, 0) + 1

class State(RequestHandler):
    """Tell what the process holds."""

    def get(self):
        from tornado_websockets.websocket import registry
        if self.get_argument("tidy", ""):
            # What is garbage, and what the allocator keeps of it, is no growth.
            gc.collect()
            ctypes.CDLL(None).malloc_trim(0)
        paths = {path: {"now": len(ws), **ws.stats.as_dict()} for path, ws in registry.items()}
        self.finish(json.dumps({"paths": paths, "ran": ran, "tasks": len(asyncio.all_tasks()),
            "threads": threading.active_count()}))
'''

URLS = """
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse("hello"))]
"""

ECHO = """
from tornado_websockets.websocket import WebSocket
from project.torture import count

echo = WebSocket("/echo")

@echo.on
async def message(socket, data):
    socket.emit("message", data)

@echo.on
def threaded(socket, data):
    socket.emit("threaded", data)
"""


def make_project(
    folder: Path, *, websockets: str = "", urls: str = URLS, settings: str = "", tornado: str = "{}"
) -> Path:
    """Write the project, and return its folder.

    Args:
        websockets: Python behind that of the echo.
        urls: the module of URLs.
        settings: Python behind the settings.
        tornado: a dictionary in Python, over ``settings.TORNADO``; its limits are added.
    """
    ends = f"""
{settings}
_more = {tornado}
_limits = {UNLIMITED!r}
TORNADO = {{**TORNADO, **_more, "limits": {{**_limits, **_more.get("limits", {{}})}}}}
"""
    files = {
        **{name: FILES[name] for name in ("manage.py", "project/__init__.py", "shop/__init__.py")},
        "project/torture.py": STATE,
        "project/urls.py": urls,
        "project/settings.py": SETTINGS + ends,
        "shop/websockets.py": ECHO + websockets,
    }
    write(folder, files)
    return folder


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, source in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(source)


def manage(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a command of the project to its end, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **UNMEASURED, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode:
        raise AssertionError(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
