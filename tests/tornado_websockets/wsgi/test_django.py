"""A Django site behind the bridge, in a process of its own."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tornado_websockets.wsgi.serving import eventually

ROOT = Path(__file__).resolve().parents[3]
THREADS = 4
MIB = 1024 * 1024


class Site:
    """The running process."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    @contextlib.contextmanager
    def connection(self) -> Iterator[http.client.HTTPConnection]:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(client):
            yield client

    def get(self, path: str, method: str = "GET") -> tuple[http.client.HTTPResponse, bytes]:
        with self.connection() as client:
            client.request(method, path)
            response = client.getresponse()
            return response, response.read()

    def memory(self, field: str) -> int:
        """Return a figure of the process's memory in bytes: VmRSS now, VmHWM at its peak."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith(f"{field}:")]
        return int(line.split()[1]) * 1024


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    database = tmp_path_factory.mktemp("site") / "db.sqlite3"
    log = database.with_name("stderr.log")
    command = [sys.executable, "-m", "tests.tornado_websockets.wsgi.django_site"]
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [*command, str(database), str(THREADS)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    with process:
        assert process.stdout is not None
        port = process.stdout.readline()
        assert port, log.read_text()
        yield Site(process, int(port))
    assert process.returncode == 0
    assert "Exception ignored" not in log.read_text()


def test_signals_are_sent_in_one_thread(site: Site) -> None:
    """The start and the end of a request."""
    site.get("/hello/")
    signals: list[Any] = json.loads(site.get("/signals/")[1])
    (name, thread), *later = signals
    assert name == "started"
    # The second request may start in another thread before the first one, answered, has finished.
    assert ["finished", thread] in later[: 1 if later[0][1] == thread else 2]


def test_the_login_page_is_shown_and_sets_its_cookie(site: Site) -> None:
    """Django sends a blank before the value."""
    response, body = site.get("/admin/login/")
    assert response.status == 200
    assert response.headers["Set-Cookie"].startswith("csrftoken=")
    assert b"csrfmiddlewaretoken" in body


def test_a_plain_response_has_its_length(site: Site) -> None:
    """It is sent whole."""
    response, body = site.get("/hello/")
    assert (response.status, body) == (200, b"hello")
    assert response.headers["Content-Length"] == "5"


def test_head_has_the_length_and_no_body(site: Site) -> None:
    """Django leaves that to the server."""
    with site.connection() as client:
        for method, body in (("HEAD", b""), ("GET", b"hello")):
            client.request(method, "/hello/")
            response = client.getresponse()
            assert (response.headers["Content-Length"], response.read()) == ("5", body)


@pytest.mark.parametrize(("path", "status"), [("/nowhere/", 404), ("/fail/", 500), ("/hello", 301)])
def test_the_status_is_django_s(site: Site, path: str, status: int) -> None:
    """With Django's own page."""
    response, body = site.get(path)
    assert response.status == status
    assert b"secret" not in body


def test_a_file_arrives_and_is_closed(site: Site) -> None:
    """Through wsgi.file_wrapper."""
    response, body = site.get("/file/")
    assert body == bytes(65536 * 3) + b"end"
    assert response.headers["Content-Length"] == str(65536 * 3 + 3)


def test_a_large_stream_costs_little_memory(site: Site) -> None:
    """200 MiB to a client that reads slower than the view gives: at most 32 MiB at the peak."""
    site.get("/hello/")
    before = site.memory("VmRSS")
    with site.connection() as client:
        client.request("GET", "/large/")
        response = client.getresponse()
        received = 0
        while data := response.read(MIB):
            received += len(data)
    assert received == 200 * MIB
    assert site.memory("VmHWM") - before <= 32 * MIB


def test_the_first_of_several_events_does_not_wait_for_the_second(site: Site) -> None:
    """Server-sent events; when the client leaves, the generator of the view is closed."""
    with site.connection() as client:
        client.request("GET", "/events/")
        assert client.sock is not None
        client.sock.settimeout(6)  # of 10 until the second event
        response = client.getresponse()
        assert response.headers["Content-Type"] == "text/event-stream"
        assert response.readline() == b"data: 1\n"
    assert json.loads(site.get("/release/")[1]) == {"closed": True}


def test_an_upload_arrives(site: Site) -> None:
    """With Django's parser reading the stream."""
    content = bytes(range(256)) * 20_000
    body = b"\r\n".join(
        [
            b"--cut",
            b'Content-Disposition: form-data; name="title"',
            b"",
            "caf\u00e9".encode(),
            b"--cut",
            b'Content-Disposition: form-data; name="file"; filename="a.bin"',
            b"Content-Type: application/octet-stream",
            b"",
            content,
            b"--cut--",
            b"",
        ]
    )
    for chunked in (False, True):
        sent: Any = [body[i : i + 50_000] for i in range(0, len(body), 50_000)]
        headers = {"Content-Type": "multipart/form-data; boundary=cut"}
        if not chunked:
            headers["Content-Length"] = str(len(body))
        with site.connection() as client:
            client.request("POST", "/upload/", sent, headers, encode_chunked=chunked)
            answer = json.loads(client.getresponse().read())
        assert answer == {
            "post": {"title": "caf\u00e9"},
            "digest": hashlib.sha256(content).hexdigest(),
        }


def test_no_thread_keeps_a_database_connection(site: Site) -> None:
    """A thousand requests: never more connections than threads, none left with CONN_MAX_AGE=0."""
    statuses: list[int] = []

    def ask() -> None:
        with site.connection() as client:
            for _ in range(125):
                client.request("GET", "/orm/")
                response = client.getresponse()
                response.read()
                statuses.append(response.status)

    askers = [threading.Thread(target=ask) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert statuses == [200] * 1000

    def report() -> dict[str, int]:
        found: dict[str, int] = json.loads(site.get("/connections/")[1])
        return found

    eventually(lambda: report()["now"] == 0, "the closing of every connection")
    assert 1 <= report()["most"] <= THREADS
