"""What a client sends comes to the log escaped and cut, in as many lines as there are events."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tornado_websockets import logs
from tornado_websockets.testing import Server
from tornado_websockets.websocket import WebSocket

NASTY = "a\r\nERROR forged \x1b[2J\x00\x85\u2028\u202e end é ☃"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What a handler with Python's own formatter writes."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root, access = logging.getLogger(), logging.getLogger("django.server")
    level = root.level
    root.setLevel(logging.INFO)
    for logger in (root, access):  # Django keeps its access log to itself
        logger.addHandler(handler)
    logs.install()
    yield written
    for logger in (root, access):
        logger.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize("name", logs.LOGGERS)
def test_a_line_stays_one_line_of_bounded_length(name: str, log: io.StringIO) -> None:
    logging.getLogger(name).error("got %s", NASTY)
    logging.getLogger(name).error("got %s", "x" * 100_000)
    first, second = log.getvalue().splitlines()
    assert first == (
        f"ERROR {name}: got a\\r\\nERROR forged \\x1b[2J\\x00\\x85\\u2028\\u202e end é ☃"
    )
    assert len(second) < logs.MAX_LENGTH + 100
    assert second.endswith("… and 98004 more characters")


def test_a_traceback_keeps_its_lines_and_no_line_of_it_looks_like_a_record(
    log: io.StringIO,
) -> None:
    try:
        try:
            raise KeyError("first")
        except KeyError:
            raise ValueError(NASTY + "\nERROR again\n" + "x" * 100_000)  # noqa: B904
    except ValueError:
        logging.getLogger("tornado_websockets").exception("failed for %s", NASTY)
    text = log.getvalue()
    lines = text.splitlines()
    assert len(text) < 4 * logs.MAX_LENGTH
    assert "\x1b" not in text
    assert "Traceback (most recent call last):" in lines
    assert any("raise KeyError" in line for line in lines)
    assert [line for line in lines if line.startswith("ERROR")] == lines[:1]
    assert any(line.startswith("    ERROR again") for line in lines)


def test_a_line_whose_arguments_do_not_fit_is_left_to_logging(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    arguments: tuple[Any, ...] = (1, 2)
    logging.getLogger("tornado_websockets").error("one %s", *arguments)
    assert log.getvalue() == ""


def test_installing_twice_cleans_once(log: io.StringIO) -> None:
    logs.install()
    assert logging.getLogger("tornado.general").filters.count(logs._filter) == 1


REQUESTS = [
    b"GET /\x1b[2J HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /\x9b2J\x85forged HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nBad Name\x85: 1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\x85ERROR forged\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: \x85ERROR forged\r\n\r\n",
    b"POST /ws/room HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n"
    b"Content-Type: multipart/form-data; boundary=\x85forged\r\n\r\nxx",
    b"GET /ws/room?\x9bforged%0d%0aERROR HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"User-Agent: \x1b[2J\x85ERROR\r\n\r\n",
    b"GET /ws/room HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \x85\r\nOrigin: http://\x85ERROR\r\n\r\n",
    b"GET /" + b"x" * 30_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " + b"9" * 30_000 + b"\r\n\r\n",
]


@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
async def test_requests_that_want_into_the_log_stay_within_their_lines(
    request_: bytes, server: Server, log: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    WebSocket("/room")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request_)
    writer.write_eof()
    async with asyncio.timeout(20):
        while await reader.read(65536):
            pass
    writer.close()
    lines = log.getvalue().splitlines()
    assert lines
    assert len(lines) == len(caplog.records)
    assert not any(line.startswith("ERROR forged") for line in lines)
    assert all(line.isprintable() and len(line) < 3000 for line in lines)


async def test_events_and_messages_stay_out_of_the_log(server: Server, log: io.StringIO) -> None:
    ws = WebSocket("/room", limits={"bad_frames": None})
    client = await server.connect("/room")
    for n in range(300):
        client.emit(f"{NASTY}{n}")
        assert (await client.receive()).data.code == "unknown_event"
    client.send(NASTY)
    client.send(NASTY.encode())
    assert [(await client.receive()).data.code for _ in range(2)] == [
        "invalid_json",
        "binary_not_supported",
    ]
    assert "forged" not in log.getvalue()
    assert not ws.stats.events  # names that clients make up are not kept
    assert set(ws.stats.warnings) == {"unknown_event", "invalid_json", "binary_not_supported"}
