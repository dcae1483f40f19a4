"""Two addresses for those who watch over the server: is it alive, and may it get requests?

They answer on the event loop, so also while every thread of Django is busy.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from django.utils.translation import override
from tornado.web import RequestHandler

from tornado_websockets import conf
from tornado_websockets.layers import layer

__all__ = ["HealthHandler", "routes"]

PATHS: Final = {"live": "/health/live", "ready": "/health/ready"}
"""Where the questions are answered, unless the settings say otherwise."""


class HealthHandler(RequestHandler):
    """Answers one question with 200 or 503, for anybody who asks: probes know no host names."""

    is_logged = False
    """Whether requests are in the access log: every few seconds the same line helps nobody."""

    def initialize(
        self, question: str, holds: Callable[[], bool], trouble: Callable[[], str] = str
    ) -> None:
        """Set what is answered.

        Args:
            question: the answer in one word, as long as it is yes.
            holds: returns whether it is.
            trouble: returns what does not work although it is, empty when everything does.
        """
        self._question = question
        self._holds = holds
        self._trouble = trouble

    def get(self) -> None:
        """Answer."""
        holds = self._holds()
        answer = self._question if holds else f"not {self._question}"
        trouble = self._trouble() if holds else ""
        if trouble:
            with override("en"):  # programs look for the words
                trouble = self._trouble()
        self.set_status(200 if holds else 503)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(f"{answer}, degraded: {trouble}\n" if trouble else f"{answer}\n")

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
    answers: dict[str, dict[str, Callable[[], Any]]] = {
        "live": {"holds": lambda: True},
        # Still ready: every node has the same trouble, and serves its clients; with none of them
        # left, a balancer would have nobody to ask.
        "ready": {"holds": is_ready, "trouble": lambda: layer().trouble},
    }
    return [
        (re.escape(path), HealthHandler, {"question": question, **answers[question]})
        for question, path in paths.items()
        if path is not None
    ]
