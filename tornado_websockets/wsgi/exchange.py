"""One request and its response, as the event loop sees them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import cast

from tornado import httputil
from tornado.concurrent import future_add_done_callback
from tornado.http1connection import HTTP1Connection

from tornado_websockets import access
from tornado_websockets.wsgi.body import START_SIZE, Body, SpooledBody, StreamedBody
from tornado_websockets.wsgi.environ import build_environ
from tornado_websockets.wsgi.head import plain_head
from tornado_websockets.wsgi.output import End, Output
from tornado_websockets.wsgi.response import Response

# Seconds for which the rest of a request is read and thrown away after its response. Closing a
# socket with unread data sends a TCP reset, which may destroy the response on its way (RFC 9112
# section 9.6).
LINGER_S = 30.0

NOT_SERVING = "503 Service Unavailable: Django is not started here, or is stopping.\n"
TOO_LARGE = "413 Content Too Large: this server takes up to %s bytes in one request.\n"


class Exchange(httputil.HTTPMessageDelegate):
    """Receive a request, have it answered in a thread, end when both sides are done.

    Args:
        request: what Tornado has parsed.
        submit: gives a response to the pool; False when the pool takes nothing.
        max_body_size: bytes of body to take, None for any number.
        script_name: the prefix under which the application is mounted.
    """

    def __init__(
        self,
        request: httputil.HTTPServerRequest,
        submit: Callable[[Response], bool] | None,
        *,
        max_body_size: int | None,
        script_name: str,
    ) -> None:
        self._request = request
        self._connection = cast(HTTP1Connection, request.connection)
        self._submit = submit
        self._max_body_size = max_body_size
        self._script_name = script_name
        self._loop = asyncio.get_running_loop()
        self._length = _content_length(request.headers)
        self._received = 0
        self._body: Body
        if self._length > START_SIZE:
            self._body = StreamedBody(self._length, self._loop)
        else:
            self._body = SpooledBody()
        self._request_read = False
        self._response: Response | None = None
        # How the response ended, and its last write.
        self._answer: tuple[End, asyncio.Future[None]] | None = None
        self._linger: asyncio.TimerHandle | None = None

    # Tornado's interface

    def headers_received(
        self,
        _start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        _headers: httputil.HTTPHeaders,
    ) -> None:
        # Tornado's own limit answers 400 and resets the connection: sizes are judged here.
        self._connection.set_max_body_size(sys.maxsize)
        self._connection.set_close_callback(self.on_connection_close)
        if self._submit is None:
            self._refuse("503 Service Unavailable", NOT_SERVING, End.FINISH)
        elif self._exceeds_limit(self._length):
            self._refuse_size()

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        if self._answer is not None:
            return None
        self._received += len(chunk)
        if self._exceeds_limit(self._received):
            self._refuse_size()
            return None
        room = self._body.receive(chunk)
        if self._body.ready and self._response is None:
            self._start()
        return room

    def finish(self) -> None:
        self._request_read = True
        if self._answer is not None:
            self._leave(*self._answer)
            return
        self._body.complete()
        if self._response is None:
            self._start()

    def on_connection_close(self) -> None:
        self._stop_lingering()
        response, self._response = self._response, None
        if response is not None:
            response.hang_up()
        else:
            self._body.discard()

    # Private

    def _exceeds_limit(self, size: int) -> bool:
        return self._max_body_size is not None and size > self._max_body_size

    def _start(self) -> None:
        environ = build_environ(
            self._request,
            self._body.open(),
            content_length=self._body.length,
            script_name=self._script_name,
        )
        output = Output(self._request, self._connection, self._loop, self._answered)
        self._response = Response(self._request, environ, self._body, output)
        if self._submit is None or not self._submit(self._response):
            self._body.close()
            self._refuse("503 Service Unavailable", NOT_SERVING, End.FINISH)

    def _refuse_size(self) -> None:
        self._refuse("413 Content Too Large", TOO_LARGE % self._max_body_size, End.CLOSE)

    def _refuse(self, status: str, text: str, end: End) -> None:
        """Answer without the application."""
        head = plain_head(status, text, self._request)
        if end is End.CLOSE:
            head.headers["Connection"] = "close"
        body = text.encode() if head.sends_body else b""
        flushed = self._connection.write_headers(head.start_line, head.headers, body)
        access.log(self._request, head.code, len(body))
        if not self._received and self._request.headers.get("Expect") == "100-continue":
            # The client waits for a word before it sends its body. Finished, Tornado gives none.
            self._answer = (end, flushed)
            self._connection.finish()
        else:
            self._answered(end, flushed)

    def _answered(self, end: End, flushed: asyncio.Future[None]) -> None:
        """Note that Tornado has all of the response, flushed when the future is done."""
        self._answer = (end, flushed)
        self._body.discard()
        if self._request_read or end is End.ABORT:
            self._leave(end, flushed)
        else:
            self._linger = self._loop.call_later(LINGER_S, self._connection.close)

    def _leave(self, end: End, flushed: asyncio.Future[None]) -> None:
        self._stop_lingering()
        self._response = None  # it knows this exchange: no cycle is left to the collector
        if end is End.FINISH:
            self._connection.finish()
        else:
            future_add_done_callback(flushed, lambda _: self._connection.close())

    def _stop_lingering(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None


def _content_length(headers: httputil.HTTPHeaders) -> int:
    """Return the length that is announced, 0 for none or for one that Tornado will refuse."""
    # Equal values of a repeated header are one (RFC 9110 section 8.6).
    values = {value.strip(" \t") for value in headers.get("Content-Length", "").split(",")}
    value = values.pop()
    # Python's int() refuses thousands of digits, and other scripts' digits are none here.
    if values or not (value.isascii() and value.isdigit()) or len(value) > 18:
        return 0
    return int(value)
