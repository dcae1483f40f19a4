"""What happens to the server, its paths and their connections, for those who watch.

These are rare events: nothing here is sent for a message that is handled well, which is only
counted (see `tornado_websockets.stats`). All are sent by `TornadoWrapper.publish`, whose class is
the sender, on the event loop's thread unless a comment says otherwise. Receivers are plain
functions, take ``**kwargs``, return at once, and hand to a thread what takes time. One that raises
is logged and harms nobody.
"""

from __future__ import annotations

from typing import Final

from django.dispatch import Signal

__all__ = [
    "callback_failed",
    "connection_closed",
    "connection_opened",
    "connection_rejected",
    "member_joined",
    "member_left",
    "path_registered",
    "progress_done",
    "progress_heard",
    "progress_started",
    "progress_updated",
    "server_started",
    "server_stopping",
    "warning_sent",
]

# websocket: the `WebSocket`. In the thread that makes it: an import, most often.
path_registered: Final = Signal()

# No arguments. Connections are accepted from now on, or no more.
server_started: Final = Signal()
server_stopping: Final = Signal()

# socket: the `WebSocketHandler`.
connection_opened: Final = Signal()

# socket; code: int, 1006 when there was none; reason: str; duration_s: float.
connection_closed: Final = Signal()

# websocket; room: str; member: the `Member`, once for all of a user's connections on all servers;
# socket: the first of them to join the room, or the last to leave it, in its process alone. It is
# None for members of a server that has died, or has come back after a long silence: one of the
# others tells it then.
member_joined: Final = Signal()
member_left: Final = Signal()

# websocket; reason: the word that it is counted under; ip: str, empty for a Unix socket.
connection_rejected: Final = Signal()

# socket; event: str; error: the exception.
callback_failed: Final = Signal()

# socket; code: the warning's, such as "invalid_json".
warning_sent: Final = Signal()

# bar: the `ProgressBar`, which is bound. In the thread that drives it; updates come with each step.
progress_started: Final = Signal()
progress_updated: Final = Signal()
progress_done: Final = Signal()

# bar: a `ProgressBar` that has become what another process, which drives it, says.
progress_heard: Final = Signal()
