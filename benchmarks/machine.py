"""What the measures ran on."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from benchmarks.catalogue import NODE_MODULES

__all__ = ["describe", "versions"]

DISTRIBUTIONS: Final = (
    "Django", "tornado", "uvloop", "orjson", "picows", "websockets", "channels", "channels_redis",
    "daphne", "uvicorn", "httptools", "python-socketio", "gunicorn", "granian", "redis",
    "hiredis",
)  # fmt: skip


def describe() -> str:
    """Return processor, cores and system in one line."""
    cores = os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_processor()}, {cores} core{'s' * (cores != 1)}, {memory:.0f} GiB,"
        f" {platform.system()} {platform.release()}"
    )


def versions() -> dict[str, str]:
    """Return the version of everything that is measured, by name."""
    found = {platform.python_implementation(): platform.python_version()}
    for name in ("django-tornado-websockets", *DISTRIBUTIONS):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found | _node_versions() | _redis_version()


def _node_versions() -> dict[str, str]:
    package = NODE_MODULES / "ws" / "package.json"
    if not package.is_file():
        return {}
    words = ["node", "--version"]
    node = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
    return {
        "Node.js": node.stdout.strip().removeprefix("v"),
        "ws": json.loads(package.read_text())["version"],
    }


def _redis_version() -> dict[str, str]:
    if shutil.which("redis-server") is None:
        return {}
    words = ["redis-server", "--version"]
    told = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
    match = re.search(r"\bv=(\S+)", told.stdout)
    return {"redis-server": match[1]} if match else {}


def _processor() -> str:
    match = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match[1] if match else platform.machine()
