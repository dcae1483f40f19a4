"""Two addresses for those who watch over the server: is it alive, and may it get requests?

They answer on the event loop, so also while every thread of Django is busy.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from tornado.web import RequestHandler

from tornado_websockets import conf

__all__ = ["HealthHandler", "routes"]

PATHS: Final = {"live": "/health/live", "ready": "/health/ready"}
"""Where the questions are answered, unless the settings say otherwise."""


class HealthHandler(RequestHandler):
    """Answers one question with 200 or 503, for anybody who asks: probes know no host names."""

    is_logged = False
    """Whether requests are in the access log: every few seconds the same line helps nobody."""

    def initialize(self, question: str, holds: Callable[[], bool]) -> None:
        """Set what is answered.

        Args:
            question: the answer in one word, as long as it is yes.
            holds: returns whether it is.
        """
        self._question = question
        self._holds = holds

    def get(self) -> None:
        """Answer."""
        holds = self._holds()
        self.set_status(200 if holds else 503)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(f"{self._question if holds else f'not {self._question}'}\n")

    head = get

    def compute_etag(self) -> str | None:
        return None  # or a proxy could be told that nothing has changed


def routes(is_ready: Callable[[], bool]) -> list[Any]:
    """Return Tornado routes for the paths of ``TORNADO["health"]``.

    Args:
        is_ready: returns whether the server takes requests.
    """
    own = conf.get().health
    paths: dict[str, str | None] = {} if own is None else {**PATHS, **own}
    answers: dict[str, Callable[[], bool]] = {"live": lambda: True, "ready": is_ready}
    return [
        (re.escape(path), HealthHandler, {"question": question, "holds": answers[question]})
        for question, path in paths.items()
        if path is not None
    ]
