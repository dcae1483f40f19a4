"""What the server's discovery finds."""

from __future__ import annotations

from tws_admin import websockets
from tws_admin.monitor import PATH


def test_the_feed_answers_all_that_is_documented() -> None:
    feed = websockets.register()
    assert (feed.path, feed.url) == (PATH, "/ws/tornado_websockets/monitor")
    assert set(feed.events.of_clients) == {
        "snapshot", "watch", "history", "pace", "connections", "connection", "recipients",
        "disconnect", "send", "inspect",
    }  # fmt: skip


def test_the_feed_is_made_once_and_anew_when_it_is_gone() -> None:
    assert websockets.register() is websockets.register()
