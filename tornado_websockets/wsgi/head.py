"""The head of a response: status and headers, checked before anything is sent."""

from __future__ import annotations

import re
import time
from wsgiref.util import is_hop_by_hop

from tornado import httputil

# A final status (RFC 9110 section 15); the reason is what Tornado can write on one line.
_STATUS = re.compile(r"([2-9][0-9][0-9])(?: ([^\x00-\x08\x0a-\x1f\x7f]*))?")
_LENGTH = re.compile(r"[0-9]{1,18}")


class Head:
    """Status and headers of one response, ready to be written.

    Raises ValueError or HTTPInputError when the application gave what HTTP cannot carry.
    """

    def __init__(
        self, status: str, headers: list[tuple[str, str]], request: httputil.HTTPServerRequest
    ) -> None:
        match = _STATUS.fullmatch(status)
        if match is None:
            raise ValueError(f'Expected a status such as "200 OK", got {status!r}')
        self.code = int(match[1])
        self.start_line = httputil.ResponseStartLine("HTTP/1.1", self.code, match[2] or "")
        self.headers = httputil.HTTPHeaders()
        for name, value in headers:
            if not is_hop_by_hop(name):
                # Blanks around a value are no part of it (RFC 9110 section 5.5). Django 5.2 sends
                # one before each cookie, and Tornado refuses it. CR and LF stay in to be refused.
                self.headers.add(name, value.strip(" \t"))
        if "Date" not in self.headers:
            self.headers["Date"] = httputil.format_timestamp(time.time())
        self.sends_body = request.method != "HEAD" and self.code not in (204, 304)
        self.length = self._content_length()
        self._speaks_chunked = request.version != "HTTP/1.0"

    @property
    def until_close(self) -> bool:
        """Whether only the closing of the connection can tell the client that the body ended."""
        return self.sends_body and self.length is None and not self._speaks_chunked

    def set_length(self, length: int) -> None:
        """Announce the length of the body, in bytes, unless the application or HTTP forbids it."""
        # The empty body of a HEAD answer may be what the view gave, not what GET would give.
        if self.length is None and (self.sends_body or (length and self.code not in (204, 304))):
            self.length = length
            self.headers["Content-Length"] = str(length)

    def _content_length(self) -> int | None:
        value = self.headers.get("Content-Length")
        if value is None:
            return None
        if _LENGTH.fullmatch(value) is None:
            raise ValueError(f"Content-Length must be one whole number, got {value!r}")
        # A 204 has none (RFC 9110 section 8.6). In a 304 it would be that of the 200 answer, so a
        # zero there is CommonMiddleware counting the body that a 304 does not have.
        if self.code == 204 or (self.code == 304 and int(value) == 0):
            del self.headers["Content-Length"]
            return None
        return int(value)


def plain_head(status: str, text: str, request: httputil.HTTPServerRequest) -> Head:
    """Return the head of a short answer in plain text that the server itself gives."""
    length = str(len(text.encode()))
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", length)]
    return Head(status, headers, request)
