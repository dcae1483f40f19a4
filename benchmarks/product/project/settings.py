"""Settings as in production.

BENCH_COMPRESSION=1 lets clients have permessage-deflate, BENCH_SLOW_READER is a policy, BENCH_REDIS
the URL of the layer; BENCH_HISTORY is how many events the path keeps.
"""

from __future__ import annotations

import os
from typing import Any

DEBUG = False
SECRET_KEY = "only for the benchmark"  # noqa: S105
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "tornado_websockets",
    "project",
]
MIDDLEWARE: list[str] = []  # under ASGI most of Django's take each request through a thread
ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# No server logs the requests that it answers well.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"django.server": {"level": "WARNING"}},
}
TORNADO: dict[str, Any] = {}
if os.environ.get("BENCH_COMPRESSION"):
    TORNADO["compression"] = True
if policy := os.environ.get("BENCH_SLOW_READER"):
    TORNADO["slow_reader"] = policy
if url := os.environ.get("BENCH_REDIS"):
    TORNADO["layer"] = url
