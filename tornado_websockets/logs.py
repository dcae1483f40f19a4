"""What clients send cannot forge or flood the log, whoever writes the line.

This package's own lines quote with ``%r`` what a client has said. Tornado's have addresses, paths
and headers as they came, and the text of an exception may be anything: it all passes here.
"""

from __future__ import annotations

import logging
import traceback
from typing import Final

__all__ = ["EscapingFilter", "install"]

LOGGERS: Final = (
    "tornado.access",
    "tornado.application",
    "tornado.general",
    "tornado_websockets",
    "tornado_websockets.security",
)
"""A filter sees what is logged with the very logger that it is added to."""

MAX_LENGTH: Final = 2000
"""Characters of a message, and of each part of a traceback; the rest is cut off."""


class EscapingFilter(logging.Filter):
    """Escapes what could end a line or steer a terminal, and cuts what is too long."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean a record, and let it pass."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            return True  # logging itself tells of arguments that do not fit
        clean = _escape(message)
        if clean != message:
            record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[1] is not None and not record.exc_text:
            parts = traceback.TracebackException(*record.exc_info, compact=True).format()
            record.exc_text = "".join(map(_indent, parts)).rstrip("\n")
        return True


_filter: Final = EscapingFilter()


def install() -> None:
    """Clean the lines of Tornado and of this package; doing it twice is no error."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_filter)


def _escape(text: str) -> str:
    if len(text) > MAX_LENGTH:
        text = f"{text[:MAX_LENGTH]}… and {len(text) - MAX_LENGTH} more characters"
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def _indent(part: str) -> str:
    """Return a part of a traceback in which no line looks like the beginning of another record."""
    first, *rest = part.split("\n")
    lines = [first, *(line if not line or line[0] == " " else f"    {line}" for line in rest)]
    return "\n".join(map(_escape, lines))
