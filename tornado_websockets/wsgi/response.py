"""One call of the application: it runs in a pool thread, from the first line to close()."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from tornado.httputil import HTTPServerRequest

from tornado_websockets import access
from tornado_websockets.wsgi.body import Body, ClientGone
from tornado_websockets.wsgi.head import Head, plain_head
from tornado_websockets.wsgi.output import End, Output

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

logger = logging.getLogger("tornado_websockets.wsgi")

SERVER_ERROR = "500 Internal Server Error\n"
# Characters of a request line that an error is logged with.
LINE_LIMIT = 1000


def start_line(request: HTTPServerRequest) -> str:
    """Return the first line of a request as it was sent."""
    return f"{request.method} {request.uri} {request.version}"


class Response:
    """What the application answers to one request."""

    def __init__(
        self,
        request: HTTPServerRequest,
        environ: WSGIEnvironment,
        body: Body,
        output: Output,
    ) -> None:
        self._request = request
        self._environ = environ
        self._body = body
        self._output = output
        self._head: Head | None = None
        self._head_sent = False
        self._ended = False
        # Bytes of body sent, and bytes that Content-Length still promises.
        self._sent = 0
        self._left: int | None = None
        self._overflowed = False

    # The pool's thread: Django's signals, and with them the clean-up of database connections,
    # belong to the thread that used them, so nothing of a request may run on another one.

    def run(self, application: WSGIApplication) -> None:
        """Call the application, send what it gives, close it."""
        try:
            if not self._output.gone:
                self._call(application)
        except ClientGone:
            self._output.close()
        # Also SystemExit: it must neither leave the client waiting nor go unseen in the pool.
        except BaseException:
            logger.exception("The application failed: %r", start_line(self._request)[:LINE_LIMIT])
            with contextlib.suppress(ClientGone):
                self._fail()
        finally:
            self._body.close()
            if self._head_sent and self._head is not None:
                access.log(self._request, self._head.code, self._sent)

    def hang_up(self) -> None:
        """Note, from any thread, that the client has gone."""
        self._output.hang_up()
        self._body.abort()

    def cut(self) -> None:
        """Wait no more for the client, from any thread: the server stops."""
        self._output.cut()
        self._body.abort()

    # WSGI

    def _call(self, application: WSGIApplication) -> None:
        result = application(self._environ, self._start_response)
        try:
            self._send_all(result)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        try:
            if exc_info and self._head_sent:
                raise exc_info[1].with_traceback(exc_info[2])
        finally:
            exc_info = exc_info and True  # no cycle through the traceback's frames (PEP 3333)
        if self._head is not None and not exc_info:
            raise RuntimeError("The application called start_response() twice.")
        self._head = Head(status, headers, self._request)
        self._left = self._head.length if self._head.sends_body else None
        return self._write

    def _send_all(self, result: Iterable[bytes]) -> None:
        # A plain HttpResponse says that it is no stream: it is sent whole, with its length.
        whole = isinstance(result, (list, tuple)) or getattr(result, "streaming", True) is False
        if whole and not self._head_sent:
            result = self._whole(result)
        if self._head is None or self._head.sends_body:
            for chunk in result:
                self._write(chunk)
                if self._overflowed:
                    break
        self._finish()

    def _whole(self, result: Iterable[bytes]) -> list[bytes]:
        body = b"".join(result)
        if self._head is not None:
            self._head.set_length(len(body))
            if self._left is None and self._head.sends_body:
                self._left = self._head.length
        return [body]

    def _write(self, chunk: bytes) -> None:
        head = self._required_head()
        if not isinstance(chunk, bytes):
            raise TypeError(f"The application must give bytes, got {type(chunk).__name__}.")
        if not head.sends_body or not chunk:
            return
        if self._left is not None:
            if len(chunk) > self._left:
                self._overflowed = True
                self._log_length("more")
                chunk = chunk[: self._left]
            self._left -= len(chunk)
        self._sent += len(chunk)
        # The last promised byte ends the response without another hop to the loop.
        self._send(chunk, end=self._good_end() if self._left == 0 else None)

    def _finish(self) -> None:
        self._required_head()
        if self._left:
            self._log_length("less")
            self._send(b"", end=End.ABORT)
        else:
            self._send(b"", end=self._good_end())

    # Private

    def _required_head(self) -> Head:
        if self._head is None:
            raise RuntimeError("The application must call start_response() before it sends.")
        return self._head

    def _good_end(self) -> End:
        return End.CLOSE if self._required_head().until_close else End.FINISH

    def _send(self, data: bytes, *, end: End | None) -> None:
        if self._ended:
            return
        head = None if self._head_sent else self._head
        self._output.send(data, head=head, end=end)
        self._head_sent = True
        self._ended = end is not None

    def _fail(self) -> None:
        if self._head_sent:
            self._send(b"", end=End.ABORT)
        else:
            self._head = plain_head("500 Internal Server Error", SERVER_ERROR, self._request)
            body = SERVER_ERROR.encode() if self._head.sends_body else b""
            self._sent = len(body)
            self._send(body, end=End.FINISH)

    def _log_length(self, what: str) -> None:
        logger.error(
            "The application sent %s bytes than its Content-Length of %d: %r",
            what,
            self._required_head().length,
            start_line(self._request)[:LINE_LIMIT],
        )
