"""Runs in the workers of Celery."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tornado_websockets.rules import Problem

__all__ = ["TIMEOUT_S", "CeleryEngine", "engine"]

TIMEOUT_S: Final = 3
"""How long a click waits for a broker that does not answer, about."""

OPTIONS: Final = {
    "socket_connect_timeout": TIMEOUT_S,
    "socket_timeout": TIMEOUT_S,
    # Enough to go through a list of brokers; Celery itself would try for minutes.
    "max_retries": 2,
    "interval_start": 0,
    "interval_step": 0,
}


class CeleryEngine:
    """Sends ``tws_admin.execute`` by the broker of the project's Celery app."""

    def submit(self, run_id: str) -> None:
        """Send the id of a run to the workers.

        Raises:
            kombu.exceptions.OperationalError: the broker cannot be reached.
        """
        # It needs Celery, which a project with another engine has not.
        from tws_admin.tasks import execute

        # A connection of its own: those of Celery's pool may wait for a dead broker for long.
        with execute.app.connection_for_write(
            connect_timeout=TIMEOUT_S, transport_options=OPTIONS
        ) as connection:
            producer = connection.Producer(auto_declare=False)
            execute.apply_async(args=(run_id,), producer=producer, retry=False)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the project's Celery."""
        try:
            # See above.
            from celery import current_app
        except ModuleNotFoundError:
            yield Problem(
                "E011",
                "Progress tasks are to run in Celery, which is not installed.",
                'Install it with: pip install "django-tornado-websockets[tasks]"',
            )
            return
        if current_app.conf.task_always_eager:
            yield Problem(
                "W003",
                "Celery's task_always_eager is on: progress tasks block the request that starts"
                " them.",
                "Switch it off, or take the engine 'thread'.",
            )
        elif not current_app.conf.broker_write_url:
            yield Problem(
                "E012",
                "Progress tasks are to run in Celery, which knows no broker.",
                "Set broker_url, and import the project's Celery app in its __init__.py.",
            )


engine: Final = CeleryEngine()
