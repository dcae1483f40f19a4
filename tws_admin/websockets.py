"""What the server imports: the WebSockets of the monitor and of progress tasks are made here."""

from __future__ import annotations

from tornado_websockets.websocket import WebSocket
from tws_admin.control import actions, connections, inspector
from tws_admin.feed import watching
from tws_admin.metrics import scrape
from tws_admin.monitor import monitor
from tws_admin.progress.housekeeping import housekeeping
from tws_admin.progress.live import channels

__all__ = ["register"]


def register() -> WebSocket:
    """Return the WebSocket of the feed, with all that it answers; made unless it is there.

    Those of progress tasks are made with it.
    """
    channels.register()
    return monitor.register(watching.attach, connections.attach, _control, inspector.attach)


def _control(websocket: WebSocket) -> None:
    actions.attach(websocket, monitor.log)


register()
housekeeping.attend()
scrape.attend()
