"""What each number of the monitor means: its name, its unit, and a sentence.

The page shows these as tooltips, and the documentation has the same ones.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

__all__ = ["DEFINITIONS", "HINTS", "KINDS", "STANDINGS", "Definition"]


class Definition(NamedTuple):
    """One number.

    Attributes:
        name: what it is called, such as "Peak".
        unit: in words, such as "connections".
        text: a sentence that says what is counted.
        style: how it is written, a name of `tws_admin.page.figures.STYLES`.
    """

    name: str | Promise
    unit: str | Promise
    text: str | Promise
    style: str = "number"


_CONNECTIONS = _("connections")
_EVENTS = _("events")
_PER_SECOND = _("per second")
_BYTES = _("bytes")
_MILLISECONDS = _("milliseconds")
_TIME = _("time")

DEFINITIONS: Final[dict[str, Definition]] = {
    "uptime_s": Definition(
        _("Uptime"), _("time"), _("How long this run of the server has lasted."), "duration"
    ),
    "viewers": Definition(
        _("Viewers"),
        _CONNECTIONS,
        _("Open connections to this monitor, which no other number counts."),
    ),
    "connections": Definition(
        _("Connections"), _CONNECTIONS, _("WebSocket connections that are open now.")
    ),
    "peak": Definition(
        _("Peak"),
        _CONNECTIONS,
        _("The most connections that were open at a time since the server started."),
    ),
    "opened": Definition(
        _("Opened"), _CONNECTIONS, _("Connections opened since the server started.")
    ),
    "closed": Definition(
        _("Closed"),
        _CONNECTIONS,
        _("Connections closed since the server started, by either side or by a failure."),
    ),
    "rejected": Definition(
        _("Refused"),
        _("handshakes"),
        _(
            "Handshakes refused since the server started: by origin, permission or a limit; no "
            "connection came of them."
        ),
    ),
    "events_in": Definition(
        _("Events received"),
        _EVENTS,
        _("Messages of clients since the server started for which there was a callback."),
    ),
    "events_out": Definition(
        _("Events sent"),
        _EVENTS,
        _(
            "Messages sent since the server started; a broadcast counts once for each client that "
            "it went to."
        ),
    ),
    "events_in_per_s": Definition(
        _("Events in"),
        _PER_SECOND,
        _("Messages of clients, for which there was a callback, in the last second."),
        "rate",
    ),
    "events_out_per_s": Definition(
        _("Events out"),
        _PER_SECOND,
        _(
            "Messages sent in the last second; a broadcast counts once for each client that it "
            "went to."
        ),
        "rate",
    ),
    "bytes_in": Definition(
        _("Bytes received"),
        _BYTES,
        _("Bytes received on WebSockets since the server started, with the headers of frames."),
        "bytes",
    ),
    "bytes_out": Definition(
        _("Bytes sent"),
        _BYTES,
        _("Bytes of the messages sent since the server started, with the headers of frames."),
        "bytes",
    ),
    "bytes_in_per_s": Definition(
        _("Bytes in"),
        _("bytes per second"),
        _("Bytes received on WebSockets in the last second, with the headers of frames."),
        "byte_rate",
    ),
    "bytes_out_per_s": Definition(
        _("Bytes out"),
        _("bytes per second"),
        _("Bytes of the messages sent in the last second, with the headers of frames."),
        "byte_rate",
    ),
    "errors": Definition(
        _("Errors"),
        _("calls"),
        _("Calls of callbacks that raised an exception since the server started."),
    ),
    "warnings": Definition(
        _("Warnings"),
        _("messages"),
        _("Messages that could not be used since the server started; the client was told."),
    ),
    "slow": Definition(
        _("Slow readers"),
        _("connections"),
        _(
            "How often something was done since the server started about a client that read too "
            "slowly: it was disconnected, or messages to it were dropped."
        ),
    ),
    "calls": Definition(
        _("Calls"), _("calls"), _("Calls of the event's callback since the server started.")
    ),
    "p50_ms": Definition(
        _("Callback p50"),
        _MILLISECONDS,
        _("Half of the calls of callbacks took no longer than this."),
        "ms",
    ),
    "p95_ms": Definition(
        _("Callback p95"),
        _MILLISECONDS,
        _("95 of 100 calls of callbacks took no longer than this."),
        "ms",
    ),
    "p99_ms": Definition(
        _("Callback p99"),
        _MILLISECONDS,
        _("99 of 100 calls of callbacks took no longer than this."),
        "ms",
    ),
    "loop_lag_ms": Definition(
        _("Event-loop lag"),
        _MILLISECONDS,
        _(
            "How late the event loop was with what was due: what every client waits for, because "
            "some callback does not give way."
        ),
        "ms",
    ),
    "threads": Definition(
        _("Threads"), _("threads"), _("How many threads there are for callbacks written as def.")
    ),
    "threads_busy": Definition(
        _("Threads busy"), _("threads"), _("Threads for callbacks that are at work.")
    ),
    "threads_queued": Definition(
        _("Calls waiting"),
        _("calls"),
        _("Calls of callbacks that wait for a thread, since all are busy."),
    ),
    "rss_bytes": Definition(
        _("Memory"), _BYTES, _("Memory that the server's process holds (resident set)."), "bytes"
    ),
    "cpu": Definition(
        _("CPU"),
        _("cores"),
        _("Processor cores that the server's process used in the last second; 0.5 is half of one."),
    ),
    "connected_at": Definition(_("Since"), _TIME, _("When the connection was opened."), "clock"),
    "unsent_bytes": Definition(
        _("Unsent"),
        _BYTES,
        _("Bytes that wait until the client has read what was sent before."),
        "bytes",
    ),
    "value": Definition(
        _("Progress"), _("steps"), _("How far the work is, between its least and greatest value.")
    ),
    "rate": Definition(_("Rate"), _PER_SECOND, _("Steps of the work a second."), "rate"),
    "eta_s": Definition(
        _("Left"), _TIME, _("How long it will take to its end, at the present rate."), "duration"
    ),
    "watchers": Definition(
        _("Watchers"), _CONNECTIONS, _("Open connections of the progress bar's path.")
    ),
}
"""By the key of the feed; the rates of counters have ``_per_s`` behind it."""

KINDS: Final[dict[str, str | Promise]] = {
    "server_started": _("Server started"),
    "server_stopping": _("Server stopping"),
    "path_registered": _("Path registered"),
    "connection_opened": _("Connection opened"),
    "connection_closed": _("Connection closed"),
    "connection_rejected": _("Connection refused"),
    "callback_failed": _("Callback failed"),
    "warning": _("Warning"),
    "progress_started": _("Progress started"),
    "progress_done": _("Progress done"),
    "action": _("Action"),
}
"""What happens, by the ``kind`` of the feed's log."""

STANDINGS: Final[dict[str, str | Promise]] = {
    "serving": _("Serving"),
    "stopping": _("Stopping"),
    "stale": _("Stale"),
    "degraded": _("Degraded"),
}
"""How a node is, by the ``state`` of the feed's nodes."""

HINTS: Final[dict[str, str | Promise]] = {
    "stale": _(
        "Nothing has been heard of it for a few seconds. Its numbers are the last ones, until it"
        " is heard again or taken for gone."
    ),
    "stopping": _("It ends: its connections go to the other nodes."),
}
"""What some of these mean."""
