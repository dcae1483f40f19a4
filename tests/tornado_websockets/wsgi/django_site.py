"""A small Django site behind the bridge, as a process of its own that tests can measure.

Usage: python -m tests.tornado_websockets.wsgi.django_site DATABASE THREADS

It prints its port when it serves, and stops when its standard input ends.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import sys
import tempfile
import threading
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import tornado.httpserver
import tornado.netutil
import tornado.web
from django import db
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

from tornado_websockets.wsgi import DjangoRouter

BLOCK = bytes(65536)
STREAM_BLOCKS = 3200  # 200 MiB

URLS = types.ModuleType("urls")

threads_of_signals: list[tuple[str, int]] = []
most_connections = 0
created: list[sqlite3.Connection] = []
counting = threading.Lock()
second_event = threading.Event()
stream_closed = threading.Event()


def note_connection(*, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Count the connections that are open when one more has been opened.

    None can be added while this counts, so one that is replaced is not counted twice.
    """
    global most_connections
    with counting:
        created.append(connection.connection)
        created[:] = [each for each in created if is_open(each)]
        most_connections = max(most_connections, len(created))


def is_open(connection: sqlite3.Connection) -> bool:
    try:
        return connection.total_changes >= 0
    except sqlite3.ProgrammingError:
        return False


def open_files() -> int:
    """Count this process's open files of the database."""
    database = str(settings.DATABASES["default"]["NAME"])
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            count += str(link.readlink()) == database
        except OSError:  # closed meanwhile, or the descriptor of this very listing
            continue
    return count


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


def orm(request: HttpRequest) -> HttpResponse:
    from django.contrib.auth.models import User  # a model: Django must be set up before

    User.objects.count()
    return HttpResponse("counted")


def connections(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"now": open_files(), "most": most_connections})


def large(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(BLOCK for _ in range(STREAM_BLOCKS))


def file(request: HttpRequest) -> FileResponse:
    temporary = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    temporary.write(BLOCK * 3 + b"end")
    temporary.seek(0)
    return FileResponse(temporary, filename="file.bin")


def events(request: HttpRequest) -> StreamingHttpResponse:
    def generate() -> Iterator[str]:
        try:
            yield "data: 1\n\n"
            second_event.wait(10)
            yield "data: 2\n\n"
        finally:
            stream_closed.set()

    return StreamingHttpResponse(generate(), content_type="text/event-stream")


def release(request: HttpRequest) -> HttpResponse:
    second_event.set()
    return JsonResponse({"closed": stream_closed.wait(5)})


def upload(request: HttpRequest) -> HttpResponse:
    found = hashlib.sha256()
    uploaded: Any = request.FILES["file"]
    for chunk in uploaded.chunks():
        found.update(chunk)
    return JsonResponse({"post": request.POST.dict(), "digest": found.hexdigest()})


def fail(request: HttpRequest) -> HttpResponse:
    raise ValueError("secret")


def signals(request: HttpRequest) -> HttpResponse:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and len(threads_of_signals) < 3:
        time.sleep(0.01)
    return JsonResponse(threads_of_signals, safe=False)


def note_started(**kwargs: Any) -> None:
    threads_of_signals.append(("started", threading.get_ident()))


def note_finished(**kwargs: Any) -> None:
    threads_of_signals.append(("finished", threading.get_ident()))


def urls() -> list[Any]:
    from django.contrib import admin  # the admin: Django must be set up before

    views = [hello, orm, connections, large, file, events, release, upload, fail, signals]
    return [path("admin/", admin.site.urls), *(path(f"{v.__name__}/", v) for v in views)]


def configure(database: str) -> None:
    apps = ["admin", "auth", "contenttypes", "messages", "sessions"]
    middleware = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        CONN_MAX_AGE=0,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
        INSTALLED_APPS=[f"django.contrib.{app}" for app in apps],
        MIDDLEWARE=middleware,
        ROOT_URLCONF=URLS,
        SECRET_KEY="only for the tests",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
    )
    django.setup()
    URLS.urlpatterns = urls()  # type: ignore[attr-defined]


async def serve(threads: int) -> None:
    router = DjangoRouter()
    router.start(WSGIHandler(), threads=threads, max_body_size=None)
    server = tornado.httpserver.HTTPServer(tornado.web.Application([(r".*", router)]))
    sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    sys.stdout.write(f"{sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, sys.stdin.read)
    server.stop()
    await server.close_all_connections()
    await loop.run_in_executor(None, router.stop)


def main() -> None:
    configure(sys.argv[1])
    call_command("migrate", verbosity=0)
    db.connections.close_all()  # this thread's own, so that only those of requests are counted
    connection_created.connect(note_connection)
    request_started.connect(note_started)
    request_finished.connect(note_finished)
    asyncio.run(serve(int(sys.argv[2])))


if __name__ == "__main__":
    main()
