"""The one task of ``django.tasks``, which a worker finds by its path.

Imported when a run is submitted or executed: the decorator asks for the backend ``default``.
"""

from __future__ import annotations

from tws_admin.progress.engines.django import tasks

__all__ = ["execute"]


@tasks().task  # type: ignore[untyped-decorator]
def execute(run_id: str) -> None:
    """Execute a run in the worker."""
    # It needs models, and apps may not be loaded when a worker looks for tasks.
    from tws_admin.progress.runner import execute as execute_run

    execute_run(run_id)
